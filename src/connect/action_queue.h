#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "connect/sink.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// Last stage of an action that ends in a transport: hands messages to it and holds those that it does not
// take now. Bounded in messages and bytes; beyond it the oldest goes, counted, or the rule has to wait. Owned
// by one action; home loop only.
class ActionQueue final : public Outlet {
  public:
    struct Settings {
        size_t messages = 1024;
        size_t bytes = 16U << 20U;
        bool pause_when_full = false;  // rule option disableBufferFullDiscard
    };
    // `stats` is the node of the sink; `clock` gives the times it shows.
    ActionQueue(MessageSink& sink, const Settings& settings, metrics::NodeStats& stats, const Clock& clock);

    Flow Push(EncodedMessage message) noexcept override;
    void SetResumeCallback(std::function<void()> resume) override { resume_ = std::move(resume); }
    void Close() noexcept override;

    // Sends nothing until Release(): older messages may be on their way.
    void Hold() noexcept { held_ = true; }
    // `older` come before what waits, within the same bounds.
    void Release(std::vector<EncodedMessage> older) noexcept;

  private:
    static constexpr size_t kPauseSlack = 4;

    bool full() const noexcept { return waiting_.size() >= settings_.messages || bytes_ >= settings_.bytes; }
    // False: the sink is blocked.
    bool Offer(const EncodedMessage& message) noexcept;
    void DropOldest() noexcept;
    // kPauseSlack times as much when the rule waits.
    void DropBeyondBounds() noexcept;
    void Drain() noexcept;

    MessageSink* sink_;
    Settings settings_;
    metrics::NodeStats* stats_;
    const Clock* clock_;
    std::deque<EncodedMessage> waiting_;
    size_t bytes_ = 0;
    bool held_ = false;
    bool paused_ = false;    // the rule waits for us
    bool dropping_ = false;  // a warning has been written since the queue was last empty
    std::function<void()> resume_;
};

}  // namespace haumea::connect
