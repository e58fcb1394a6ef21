// How much may wait for a client, and what happens beyond: the half of the hub that decides about drops.
#include <algorithm>
#include <utility>

#include "ws/hub.h"

namespace haumea::ws {
namespace {

constexpr uint64_t kTrimStep = 64;

bool Exceeds(const BacklogLimits& backlog, const BacklogLimits& limits) noexcept {
    return backlog.messages > limits.messages || backlog.bytes > limits.bytes;
}
bool Reaches(const BacklogLimits& backlog, const BacklogLimits& limits) noexcept {
    return backlog.messages >= limits.messages || backlog.bytes >= limits.bytes;
}

}  // namespace

// Log positions end here for this subscriber.
uint64_t Hub::EndFor(const Subscriber& subscriber) const noexcept {
    return std::min(subscriber.stop_seq_, log_.head());
}

BacklogLimits Hub::Backlog(const Subscriber& subscriber) const noexcept {
    if (subscriber.own_) {
        return {subscriber.own_->frames.size(), subscriber.own_->bytes};
    }
    const uint64_t end = EndFor(subscriber);
    if (subscriber.next_seq_ >= end) {
        return {0, 0};
    }
    return {end - subscriber.next_seq_, log_.BytesBefore(end) - log_.BytesBefore(subscriber.next_seq_)};
}

BacklogLimits Hub::Unsent() const noexcept {
    return {log_.head() - floor_, log_.BytesBefore(log_.head()) - log_.BytesBefore(floor_)};
}

bool Hub::wants_pause() const noexcept { return Reaches(Unsent(), kSoft); }

void Hub::BringUpToDate() noexcept {
    // By index and from the end: a client that is closed for being slow may leave the list.
    for (size_t i = blocked_.size(); i-- > 0;) {
        if (i < blocked_.size()) {
            EnforceOn(*blocked_[i], settings_.limits);
        }
    }
    trim_at_ = 0;
    TrimLog();
}

HubStats Hub::stats() noexcept {
    BringUpToDate();
    HubStats stats = stats_;
    stats.log_messages = log_.size();
    stats.log_bytes = log_.BytesBefore(log_.head()) - log_.BytesBefore(log_.tail());
    return stats;
}

// The oldest message of the log that this subscriber still has to get.
uint64_t Hub::Needs(Subscriber& subscriber) noexcept {
    SkipNew(subscriber);
    return subscriber.next_seq_ < subscriber.stop_seq_ ? subscriber.next_seq_ : log_.head();
}

void Hub::TrimLog() noexcept {
    uint64_t keep = floor_;
    if (!blocked_.empty()) {
        if (log_.size() < trim_at_) {
            return;
        }
        for (Subscriber* subscriber : blocked_) {
            keep = std::min(keep, Needs(*subscriber));
        }
    }
    log_.TrimTo(keep);
    trim_at_ = blocked_.empty() ? 0 : 2 * log_.size() + kTrimStep;
}

void Hub::Enforce() noexcept {
    slack_messages_ = UINT64_MAX;
    slack_bytes_ = UINT64_MAX;
    const size_t count = blocked_.size();
    for (size_t i = 0; i < blocked_.size(); ++i) {
        Subscriber& subscriber = *blocked_[i];
        EnforceOn(subscriber, allowance_);
        NoteSlack(subscriber);
    }
    if (blocked_.size() != count) {
        slack_messages_ = 0;  // the list changed under us: look again at the next message
    }
    trim_at_ = 0;
    TrimLog();
}

// How much more may be published before this blocked subscriber has to be looked at.
void Hub::NoteSlack(const Subscriber& subscriber) noexcept {
    if (subscriber.place_ != Subscriber::Place::kBlocked || subscriber.own_ ||
        subscriber.stop_seq_ != Subscriber::kNoStop) {
        return;
    }
    const BacklogLimits backlog = Backlog(subscriber);
    NoteHighWater(backlog);
    const auto rest = [](uint64_t limit, uint64_t used) { return limit > used ? limit - used : 0; };
    slack_messages_ = std::min(slack_messages_, rest(allowance_.messages, backlog.messages));
    slack_bytes_ = std::min(slack_bytes_, rest(allowance_.bytes, backlog.bytes));
}

// What is over the limits does not count: it is on its way out.
void Hub::NoteHighWater(const BacklogLimits& backlog) noexcept {
    const BacklogLimits& limits = settings_.limits;
    stats_.backlog_messages_max = std::max(
        stats_.backlog_messages_max, std::min(backlog.messages, std::max<uint64_t>(limits.messages, 1)));
    // One message alone may be more than the limit in bytes.
    const uint64_t bytes = backlog.messages > 1 ? std::min(backlog.bytes, limits.bytes) : backlog.bytes;
    stats_.backlog_bytes_max = std::max(stats_.backlog_bytes_max, bytes);
}

void Hub::EnforceOn(Subscriber& subscriber, const BacklogLimits& limits) noexcept {
    SkipNew(subscriber);
    if (subscriber.own_ || subscriber.stop_seq_ != Subscriber::kNoStop) {
        return;
    }
    const BacklogLimits backlog = Backlog(subscriber);
    NoteHighWater(backlog);
    if (!Exceeds(backlog, limits)) {
        return;
    }
    switch (settings_.policy) {
        case SlowConsumer::kDropOldest:
            DropOldest(subscriber);
            return;
        case SlowConsumer::kDropNewest:
            TakeOwnBacklog(subscriber, settings_.limits);
            return;
        case SlowConsumer::kConflate:
            Conflate(subscriber, log_.head());
            return;
        case SlowConsumer::kDisconnect:
            ++stats_.closed_slow;
            subscriber.OnTooSlow("the client is too slow: its backlog is full");
            return;
        case SlowConsumer::kBlock:
            return;
    }
}

// The newest message stays even when it alone exceeds the bytes: the client would never get one otherwise.
void Hub::DropOldest(Subscriber& subscriber) noexcept {
    const BacklogLimits& limits = settings_.limits;
    const uint64_t kept = std::max<uint64_t>(limits.messages, 1);
    const uint64_t by_messages = log_.head() > kept ? log_.head() - kept : 0;
    const uint64_t by_bytes = std::min(log_.FirstWithin(limits.bytes), log_.head() - 1);
    const uint64_t first = std::max({subscriber.next_seq_, by_messages, by_bytes});
    NoteDrops(subscriber, first - subscriber.next_seq_, stats_.dropped_oldest);
    subscriber.next_seq_ = first;
}

// Keeps what is within the limits and leaves the log, whose tail it would hold otherwise.
void Hub::TakeOwnBacklog(Subscriber& subscriber, const BacklogLimits& limits) noexcept {
    const uint64_t end = EndFor(subscriber);
    auto own = std::make_unique<Subscriber::OwnBacklog>();
    while (subscriber.next_seq_ < end && own->frames.size() < limits.messages) {
        const Ref<const PreparedFrame>& frame = log_.At(subscriber.next_seq_);
        if (!own->frames.empty() && own->bytes + frame->wire_bytes() > limits.bytes) {
            break;
        }
        own->bytes += frame->wire_bytes();
        own->frames.push_back(frame);
        ++subscriber.next_seq_;
    }
    if (!own->frames.empty()) {
        subscriber.own_ = std::move(own);
    }
    NoteDrops(subscriber, end - subscriber.next_seq_, stats_.dropped_newest);
    subscriber.next_seq_ = end;
}

// A blocked client that is being closed gets nothing new, but as long as it waits in the log, everybody's
// messages would stay there until closeTimeout. What it is still to get was bounded while it was open.
void Hub::LeaveLog(Subscriber& subscriber) noexcept {
    if (subscriber.place_ != Subscriber::Place::kBlocked || subscriber.stop_seq_ == Subscriber::kNoStop ||
        subscriber.own_ || subscriber.next_seq_ >= subscriber.stop_seq_) {
        return;
    }
    TakeOwnBacklog(subscriber, {UINT64_MAX, UINT64_MAX});
    trim_at_ = 0;
    TrimLog();
}

// What a subscriber is not to get while it is slow, although nothing of it is over a limit: with a backlog of
// its own whatever is new, until that backlog is empty; with kConflate all but the newest, until its socket
// takes bytes again.
void Hub::SkipNew(Subscriber& subscriber) noexcept {
    const uint64_t end = EndFor(subscriber);
    if (subscriber.next_seq_ >= end) {
        return;
    }
    if (subscriber.own_) {
        NoteDrops(subscriber, end - subscriber.next_seq_, stats_.dropped_newest);
        subscriber.next_seq_ = end;
    } else if (settings_.policy == SlowConsumer::kConflate && subscriber.slow_ &&
               subscriber.place_ == Subscriber::Place::kBlocked) {
        Conflate(subscriber, end);
    }
}

void Hub::Conflate(Subscriber& subscriber, uint64_t end) noexcept {
    NoteDrops(subscriber, end - 1 - subscriber.next_seq_, stats_.dropped_conflated);
    subscriber.next_seq_ = end - 1;
}

void Hub::NoteDrops(Subscriber& subscriber, uint64_t count, uint64_t& counter) noexcept {
    if (count == 0) {
        return;
    }
    counter += count;
    subscriber.dropped_ += count;
    if (!std::exchange(subscriber.slow_, true)) {
        ++stats_.slow_clients;
        subscriber.OnSlow();
    }
}

void Hub::DropOnClose(Subscriber& subscriber) noexcept {
    SkipNew(subscriber);
    NoteHighWater(Backlog(subscriber));
    stats_.dropped_on_close += Backlog(subscriber).messages;
    subscriber.own_.reset();
    subscriber.next_seq_ = log_.head();
}

uint64_t Hub::TakeDropped() noexcept {
    const uint64_t all =
        stats_.dropped_oldest + stats_.dropped_newest + stats_.dropped_conflated + stats_.dropped_on_close;
    return all - std::exchange(dropped_taken_, all);
}

// Has the publisher to wait?
bool Hub::Refuses() noexcept {
    const bool slack_used = slack_messages_ == 0 || slack_bytes_ == 0;
    if (settings_.policy == SlowConsumer::kBlock && !blocked_.empty() && slack_used && AnyFull()) {
        return true;
    }
    if (Reaches(Unsent(), kHard)) {
        FlushSlice();
    }
    return Reaches(Unsent(), kHard);
}

// kBlock: does a subscriber hold up everybody? Starts the clock for it.
bool Hub::AnyFull() noexcept {
    bool full = false;
    int64_t oldest_ms = INT64_MAX;
    slack_messages_ = UINT64_MAX;
    slack_bytes_ = UINT64_MAX;
    const int64_t now_ms = context_->scheduler->clock().MonotonicNs() / 1'000'000;
    for (Subscriber* subscriber : blocked_) {
        NoteSlack(*subscriber);
        const bool holds =
            subscriber->stop_seq_ == Subscriber::kNoStop && Reaches(Backlog(*subscriber), settings_.limits);
        if (!holds) {
            subscriber->full_since_ms_ = 0;
        } else if (subscriber->full_since_ms_ == 0) {
            subscriber->full_since_ms_ = std::max<int64_t>(now_ms, 1);
        }
        if (holds) {
            full = true;
            oldest_ms = std::min(oldest_ms, subscriber->full_since_ms_);
        }
    }
    // One that is pending runs earlier, for a client that was full before.
    if (full && !block_timer_.pending()) {
        const int64_t left_ms = oldest_ms + settings_.block_timeout_ms - now_ms;
        block_timer_.Start(std::max<int64_t>(left_ms, 0), [this] { CloseStuck(); });
    }
    return full;
}

void Hub::CloseStuck() {
    const int64_t now_ms = context_->scheduler->clock().MonotonicNs() / 1'000'000;
    const std::vector<Subscriber*> blocked = blocked_;
    for (Subscriber* subscriber : blocked) {
        const bool still =
            subscriber->place_ == Subscriber::Place::kBlocked && subscriber->full_since_ms_ != 0;
        if (still && now_ms - subscriber->full_since_ms_ >= settings_.block_timeout_ms) {
            ++stats_.closed_slow;
            subscriber->OnTooSlow("the client is too slow: it held up the others for too long");
        }
    }
    AnyFull();
    NotifyReady();
}

void Hub::RequestReady() {
    ready_wanted_ = true;
    NotifyReady();
}

bool Hub::HasRoom() const noexcept {
    const auto half_free = [this](const BacklogLimits& backlog) {
        return backlog.messages * 2 <= settings_.limits.messages &&
               backlog.bytes * 2 <= settings_.limits.bytes;
    };
    if (ready_open_ > 0) {
        return half_free(Unsent());
    }
    return std::any_of(blocked_.begin(), blocked_.end(), [&](const Subscriber* subscriber) {
        return subscriber->stop_seq_ == Subscriber::kNoStop && half_free(Backlog(*subscriber));
    });
}

void Hub::NotifyReady() {
    const bool ready =
        ready_wanted_ && !wants_pause() && !(settings_.policy == SlowConsumer::kBlock && AnyFull());
    const bool room = room_wanted_ && HasRoom();
    ready_wanted_ = ready_wanted_ && !ready;
    room_wanted_ = room_wanted_ && !room;
    if (ready || room) {
        on_ready_();
    }
}

}  // namespace haumea::ws
