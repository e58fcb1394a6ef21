#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
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
// in a later turn of the loop, so that rules which feed each other do not nest. A subscriber that is slower
// than its feeders slows them down: who publishes is told to wait as long as one of the inboxes it publishes
// to is full (contract §8: memory is read more slowly, nothing is dropped). Rows are dropped, counted, only
// when that cannot help: rules that feed each other in a circle never wait for each other, and what cannot
// wait (the timer of a window) has kOverflow times the room. Owned by the engine; home loop only.
class MemoryBus {
  public:
    // Of one subscriber: rows that wait for it, and their memory. What comes in a turn of the loop that began
    // with room is taken whole, be it a list or row by row.
    struct Limits {
        size_t rows = 65'536;
        size_t bytes = 16U << 20U;
    };
    static constexpr size_t kOverflow = 4;
    // Delivered to one subscriber in one turn of the loop.
    static constexpr int kRowsPerTurn = 512;

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
    // The right to publish of one rule; ends with its destruction. The bus outlives it.
    class Publication {
      public:
        virtual ~Publication() = default;
        // kPause: publish nothing more until `resume` is called, from a posted task. The rows have been
        // taken.
        virtual Flow Publish(const std::string& topic, std::span<const Value> rows, int64_t timestamp_ms) = 0;
    };

    explicit MemoryBus(io::Scheduler& scheduler) : scheduler_(&scheduler) {}
    MemoryBus(const MemoryBus&) = delete;
    MemoryBus& operator=(const MemoryBus&) = delete;
    ~MemoryBus();

    // `rule_id`: whose rows wait here; `receiver` outlives the subscription.
    std::unique_ptr<Subscription> Subscribe(std::string rule_id, std::string pattern, const Limits& limits,
                                            Receiver& receiver);
    // `resume` may be empty when nothing can wait.
    std::unique_ptr<Publication> Advertise(std::string rule_id, std::function<void()> resume);

  private:
    struct Publisher;
    class Inbox;
    class Handle;
    class Share;
    Flow Publish(const std::shared_ptr<Publisher>& publisher, const std::string& topic,
                 std::span<const Value> rows, int64_t timestamp_ms);
    // Does the rule `from` wait, directly or through others, for the rule `to`?
    bool Waits(const std::string& from, const std::string& to) const;

    io::Scheduler* scheduler_;
    std::vector<std::shared_ptr<Inbox>> inboxes_;  // shared with posted deliveries, which may come too late
};

}  // namespace haumea::connect
