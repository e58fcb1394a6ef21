#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "connect/source.h"
#include "io/scheduler.h"

namespace haumea::connect {

// Do the levels of `topic` ("a/b/c") match `pattern`, where + stands for one level and a final # for all that
// follow, none included?
bool TopicMatches(std::string_view pattern, std::string_view topic) noexcept;
// A pattern is well-formed when + and # stand alone in their level and # is the last.
bool IsTopicPattern(std::string_view pattern) noexcept;
bool HasWildcard(std::string_view topic) noexcept;

// Rows between rules of this process, by topic. A published row is copied for every subscriber and delivered
// in a later turn of the loop, so that rules which feed each other do not nest. Owned by the engine; home
// loop only.
class MemoryBus {
  public:
    // Of one subscriber: rows that wait for it. The newest are dropped beyond it, counted by the
    // subscription.
    struct Limits {
        size_t rows = 65'536;
        size_t bytes = 16U << 20U;
    };
    class Receiver {
      public:
        virtual ~Receiver() = default;
        virtual Flow OnRow(const Value& object, const std::string& topic, int64_t timestamp_ms) noexcept = 0;
        // `rows` did not find room since the last call.
        virtual void OnDropped(int64_t rows) noexcept = 0;
    };
    // A share in a topic pattern; ends with its destruction. The bus outlives it.
    class Subscription {
      public:
        virtual ~Subscription() = default;
        // After a receiver has said kPause.
        virtual void Resume() = 0;
    };

    explicit MemoryBus(io::Scheduler& scheduler) : scheduler_(&scheduler) {}
    MemoryBus(const MemoryBus&) = delete;
    MemoryBus& operator=(const MemoryBus&) = delete;
    ~MemoryBus();

    // `receiver` outlives the subscription.
    std::unique_ptr<Subscription> Subscribe(std::string pattern, const Limits& limits, Receiver& receiver);
    // How many subscribers took the row or have dropped it.
    size_t Publish(const std::string& topic, const Value& object, int64_t timestamp_ms);

  private:
    class Inbox;
    class Handle;
    io::Scheduler* scheduler_;
    std::vector<std::shared_ptr<Inbox>> inboxes_;  // shared with posted deliveries, which may come too late
};

}  // namespace haumea::connect
