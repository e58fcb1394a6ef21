#include "connect/action_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace haumea::connect {

ActionQueue::ActionQueue(MessageSink& sink, const Settings& settings, metrics::NodeStats& stats,
                         const Clock& clock)
    : sink_(&sink), settings_(settings), stats_(&stats), clock_(&clock) {
    // A queue without room could never hand on what it was given.
    settings_.messages = std::max<size_t>(settings_.messages, 1);
    settings_.pause_when_full = settings_.pause_when_full || sink.waits();
    sink_->SetReadyCallback([this] { Drain(); });
}

bool ActionQueue::Offer(const EncodedMessage& message) noexcept {
    switch (sink_->Send(message)) {
        case Delivery::kAccepted:
            stats_->CountOut();
            stats_->CountProcessed();
            return true;
        case Delivery::kQueued:
        case Delivery::kDropped:
            stats_->CountProcessed();
            return true;
        case Delivery::kBlocked:
            return false;
    }
    return true;
}

Flow ActionQueue::Push(EncodedMessage message) noexcept {
    stats_->CountIn();
    stats_->SetInvoked(clock_->NowMs());
    if (!held_ && waiting_.empty() && Offer(message)) {
        return Flow::kContinue;
    }
    bytes_ += message.payload.len;
    waiting_.push_back(std::move(message));
    DropBeyondBounds();
    stats_->buffer_length.store(static_cast<int64_t>(waiting_.size()), std::memory_order_relaxed);
    if (settings_.pause_when_full && full()) {
        paused_ = true;
        return Flow::kPause;
    }
    return Flow::kContinue;
}

// A rule that was asked to wait may have some more on the way. The newest stays even when it alone is larger
// than the bound in bytes.
void ActionQueue::DropBeyondBounds() noexcept {
    const size_t slack = settings_.pause_when_full ? kPauseSlack : 1;
    while (waiting_.size() > settings_.messages * slack ||
           (bytes_ > settings_.bytes * slack && waiting_.size() > 1)) {
        DropOldest();
    }
}

void ActionQueue::Release(std::vector<EncodedMessage> older) noexcept {
    held_ = false;
    stats_->CountIn(static_cast<int64_t>(older.size()));
    for (auto message = older.rbegin(); message != older.rend(); ++message) {
        bytes_ += message->payload.len;
        waiting_.push_front(std::move(*message));
    }
    Drain();
    DropBeyondBounds();
    stats_->buffer_length.store(static_cast<int64_t>(waiting_.size()), std::memory_order_relaxed);
}

void ActionQueue::DropOldest() noexcept {
    bytes_ -= waiting_.front().payload.len;
    waiting_.pop_front();
    stats_->CountDropped(1, metrics::DropReason::kQueueFull);
    if (!std::exchange(dropping_, true)) {
        const std::string text =
            fmt::format("queue of {} is full ({} messages), the oldest messages are dropped", stats_->name(),
                        waiting_.size());
        stats_->CountException(text, clock_->NowMs());
        log::Warn("{}", text);
    }
}

void ActionQueue::Drain() noexcept {
    if (held_) {
        return;
    }
    while (!waiting_.empty() && Offer(waiting_.front())) {
        bytes_ -= waiting_.front().payload.len;
        waiting_.pop_front();
    }
    dropping_ = dropping_ && !waiting_.empty();
    stats_->buffer_length.store(static_cast<int64_t>(waiting_.size()), std::memory_order_relaxed);
    // Half empty, so that the rule does not stop and go for every message.
    if (paused_ && waiting_.size() * 2 <= settings_.messages && bytes_ * 2 <= settings_.bytes) {
        paused_ = false;
        if (resume_) {
            resume_();
        }
    }
}

void ActionQueue::Close() noexcept {
    resume_ = nullptr;
    stats_->CountDropped(static_cast<int64_t>(waiting_.size()), metrics::DropReason::kClosed);
    waiting_.clear();
    bytes_ = 0;
    stats_->buffer_length.store(0, std::memory_order_relaxed);
}

}  // namespace haumea::connect
