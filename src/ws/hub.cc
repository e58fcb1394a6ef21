#include "ws/hub.h"

#include <algorithm>
#include <utility>

namespace haumea::ws {
namespace {

constexpr size_t kMaxFramesPerSend = 64;
constexpr size_t kMaxBytesPerSend = 64U << 10U;
constexpr int kMaxSendsPerVisit = 4;
// From so many clients on, what waits for all of them is joined once instead of gathered for each.
constexpr size_t kJoinFrom = 4;
// One turn of flushing serves this much, then everything else on the loop gets its chance.
constexpr size_t kVisitsPerTurn = 256;
constexpr size_t kVisitsPerClockRead = 16;
constexpr int64_t kTurnNs = 2'000'000;

iovec Entry(std::string_view bytes) noexcept { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

// What one system call sends.
struct Hub::Batch {
    // Two entries for each frame and for the begun one, one for what is joined in front of each, one for
    // control frames and one for the last bytes.
    std::array<iovec, 3 * (kMaxFramesPerSend + 1) + 2> parts;
    size_t count = 0;
    size_t bytes = 0;
    size_t frames = 0;

    bool full() const noexcept { return frames == kMaxFramesPerSend || bytes >= kMaxBytesPerSend; }
    void Add(std::string_view piece) noexcept {
        parts[count++] = Entry(piece);
        bytes += piece.size();
    }
    void Add(const PreparedFrame& frame, WireForm form, size_t skip) noexcept {
        const size_t used = frame.Gather(form, skip, std::span<iovec, 2>(&parts[count], 2));
        count += used;
        bytes += frame.wire_bytes(form) - skip;
        ++frames;
    }
};

Hub::Hub(ServerContext& context, const Settings& settings, std::function<void()> on_ready)
    : context_(&context),
      on_ready_(std::move(on_ready)),
      block_timer_(*context.scheduler),
      self_(std::make_shared<Hub*>(this)) {
    Set(settings);
}

void Hub::Set(const Settings& settings) {
    settings_ = settings;
    allowance_ = settings.limits;
    if (settings.policy == SlowConsumer::kDropOldest || settings.policy == SlowConsumer::kConflate) {
        allowance_.messages += settings.limits.messages / 64;
        allowance_.bytes += settings.limits.bytes / 64;
    }
    slack_messages_ = 0;  // the next message finds out who is over the limits now
    slack_bytes_ = 0;
    if (settings.policy != SlowConsumer::kBlock) {
        block_timer_.Cancel();
    }
    NotifyReady();
}

// A flush that is still scheduled finds null. Its task holds no share, which would cost an allocation for
// every burst; the share that it looks at goes behind it, at the end of the turn or in a later one.
Hub::~Hub() {
    *self_ = nullptr;
    if (flush_scheduled_) {
        context_->at_turn_end([scheduler = context_->scheduler, kept = std::move(self_)]() mutable {
            scheduler->Post([kept = std::move(kept)] {});
        });
    }
}

Publication Hub::Publish(Ref<const PreparedFrame> frame) noexcept {
    if (open_ == 0) {
        ++stats_.no_client;
        return Publication::kNoClient;
    }
    if (Refuses()) {
        ready_wanted_ = true;
        return Publication::kBlocked;
    }
    const uint64_t bytes = frame->wire_bytes();
    // A lone message has nothing to be joined with.
    const bool join = open_ >= kJoinFrom && !log_.empty();
    log_.Push(std::move(frame), join ? FrameLog::Join::kIfSmall : FrameLog::Join::kNo);
    ++stats_.published;
    if (!blocked_.empty()) {
        const bool within = slack_messages_ >= 1 && slack_bytes_ >= bytes;
        slack_messages_ -= std::min<uint64_t>(slack_messages_, 1);
        slack_bytes_ -= std::min(slack_bytes_, bytes);
        if (!within && settings_.policy != SlowConsumer::kBlock) {
            Enforce();
        }
    }
    if (ready_.empty()) {
        floor_ = log_.head();
        TrimLog();
    } else {
        RequestRound();
    }
    return Publication::kAccepted;
}

void Hub::Add(Subscriber& subscriber, WireForm form, std::string_view first) {
    subscriber.next_seq_ = log_.head();
    subscriber.form_ = form;
    subscriber.control_ = first;
    ++form_counts_[form.window_bits];
    ++open_;
    MoveTo(subscriber, Subscriber::Place::kReady);
    Flush(subscriber);
}

void Hub::Remove(Subscriber& subscriber) noexcept {
    if (subscriber.place_ == Subscriber::Place::kNone) {
        return;
    }
    open_ -= subscriber.stop_seq_ == Subscriber::kNoStop ? 1 : 0;
    --form_counts_[subscriber.form_.window_bits];
    DropOnClose(subscriber);
    stats_.dropped_on_close += subscriber.partial_ ? 1 : 0;  // half a message is none
    subscriber.partial_.Reset();
    std::string().swap(subscriber.control_);
    if (std::exchange(subscriber.slow_, false)) {
        --stats_.slow_clients;
    }
    Unplace(subscriber);
    TrimLog();
    NotifyReady();
}

void Hub::QueueControl(Subscriber& subscriber, std::string_view frames) {
    subscriber.control_.append(frames);
}

void Hub::Flush(Subscriber& subscriber) noexcept {
    if (subscriber.place_ != Subscriber::Place::kReady) {
        return;
    }
    if (sending_) {
        RequestRound();
        return;
    }
    Settle(subscriber, Send(subscriber));
}

void Hub::Finish(Subscriber& subscriber, std::string_view last, Waiting waiting) {
    if (subscriber.place_ == Subscriber::Place::kNone || subscriber.stop_seq_ != Subscriber::kNoStop) {
        return;
    }
    --open_;
    ready_open_ -= subscriber.place_ == Subscriber::Place::kReady ? 1 : 0;
    SkipNew(subscriber);
    if (waiting == Waiting::kDrop) {
        DropOnClose(subscriber);
    }
    subscriber.stop_seq_ = log_.head();
    subscriber.last_bytes_ = last;
    if (subscriber.place_ == Subscriber::Place::kReady) {
        RequestRound();
    }
    LeaveLog(subscriber);
}

void Hub::OnWritable(Subscriber& subscriber) noexcept {
    if (subscriber.place_ != Subscriber::Place::kBlocked) {
        return;
    }
    EnforceOn(subscriber, settings_.limits);
    Settle(subscriber, Send(subscriber));
    if (blocked_.empty()) {
        TrimLog();
    }
    NotifyReady();
}

WireFormSet Hub::forms() const noexcept {
    WireFormSet forms;
    for (uint8_t bits = 0; bits < form_counts_.size(); ++bits) {
        if (form_counts_[bits] != 0) {
            forms.Add({bits});
        }
    }
    return forms;
}

Hub::Outcome Hub::Send(Subscriber& subscriber) noexcept {
    for (int sends = 0; sends < kMaxSendsPerVisit; ++sends) {
        Batch batch;
        Gather(subscriber, batch);
        if (batch.count == 0) {
            CaughtUp(subscriber);
            return subscriber.place_ == Subscriber::Place::kNone ? Outcome::kGone : Outcome::kCaughtUp;
        }
        const io::IoResult result = subscriber.Write({batch.parts.data(), batch.count});
        switch (result.status) {
            case io::IoResult::Status::kOk:
                stats_.bytes_out += result.bytes;
                Advance(subscriber, result.bytes);
                break;
            case io::IoResult::Status::kWouldBlock:
                return Outcome::kBlocked;
            case io::IoResult::Status::kEnd:
            case io::IoResult::Status::kFailed:
                subscriber.OnWriteFailed(result);
                Remove(subscriber);
                return Outcome::kGone;
        }
    }
    return Outcome::kMore;
}

// The order on the wire: the rest of a begun frame, control frames, messages, and after the last one the
// close frame.
void Hub::Gather(const Subscriber& subscriber, Batch& batch) const noexcept {
    if (subscriber.partial_) {
        batch.Add(*subscriber.partial_, subscriber.form_, subscriber.partial_offset_);
    }
    if (subscriber.control_offset_ < subscriber.control_.size()) {
        batch.Add(std::string_view(subscriber.control_).substr(subscriber.control_offset_));
    }
    if (subscriber.own_) {
        for (const Ref<const PreparedFrame>& frame : subscriber.own_->frames) {
            if (batch.full()) {
                return;
            }
            batch.Add(*frame, subscriber.form_, 0);
        }
    } else {
        const uint64_t end = EndFor(subscriber);
        for (uint64_t seq = subscriber.next_seq_; seq < end;) {
            if (batch.full()) {
                return;
            }
            uint64_t joined_end = subscriber.form_.deflated() ? seq : end;
            const std::string_view joined = log_.Joined(seq, joined_end);
            if (joined.empty()) {
                batch.Add(*log_.At(seq++), subscriber.form_, 0);
            } else {
                batch.Add(joined);
                seq = joined_end;
            }
        }
    }
    if (!subscriber.last_bytes_.empty()) {
        batch.Add(subscriber.last_bytes_);
    }
}

void Hub::Advance(Subscriber& subscriber, size_t bytes) noexcept {
    if (subscriber.partial_) {
        const size_t rest = subscriber.partial_->wire_bytes(subscriber.form_) - subscriber.partial_offset_;
        if (bytes < rest) {
            subscriber.partial_offset_ += bytes;
            return;
        }
        bytes -= rest;
        subscriber.partial_.Reset();
        ++stats_.deliveries;
    }
    if (subscriber.control_offset_ < subscriber.control_.size()) {
        const size_t taken = std::min(bytes, subscriber.control_.size() - subscriber.control_offset_);
        subscriber.control_offset_ += taken;
        bytes -= taken;
        if (subscriber.control_offset_ < subscriber.control_.size()) {
            return;
        }
        std::string().swap(subscriber.control_);
        subscriber.control_offset_ = 0;
    }
    while (bytes > 0 && subscriber.own_) {
        Subscriber::OwnBacklog& own = *subscriber.own_;
        const Ref<const PreparedFrame> frame = std::move(own.frames.front());
        own.frames.pop_front();
        own.bytes -= frame->wire_bytes();
        TakeFrame(subscriber, frame, bytes);
        if (own.frames.empty()) {
            SkipNew(subscriber);
            subscriber.own_.reset();
        }
    }
    const uint64_t end = EndFor(subscriber);
    if (!subscriber.form_.deflated() && subscriber.next_seq_ < end) {
        bytes = SkipPlain(subscriber, end, bytes);
    }
    while (bytes > 0 && subscriber.next_seq_ < end) {
        TakeFrame(subscriber, log_.At(subscriber.next_seq_++), bytes);
    }
    subscriber.last_bytes_.erase(0, bytes);
}

// Moves behind the messages that `bytes` hold whole, without looking at each. Returns what remains of them.
size_t Hub::SkipPlain(Subscriber& subscriber, uint64_t end, size_t bytes) noexcept {
    const uint64_t position = log_.BytesBefore(subscriber.next_seq_) + bytes;
    const uint64_t seq = log_.SeqAt(position, subscriber.next_seq_, end);
    stats_.deliveries += seq - subscriber.next_seq_;
    subscriber.next_seq_ = seq;
    return position - log_.BytesBefore(seq);
}

void Hub::TakeFrame(Subscriber& subscriber, const Ref<const PreparedFrame>& frame, size_t& bytes) noexcept {
    const size_t total = frame->wire_bytes(subscriber.form_);
    if (bytes < total) {
        subscriber.partial_ = frame;
        subscriber.partial_offset_ = bytes;
        bytes = 0;
        return;
    }
    bytes -= total;
    ++stats_.deliveries;
}

void Hub::CaughtUp(Subscriber& subscriber) noexcept {
    if (std::exchange(subscriber.slow_, false)) {
        --stats_.slow_clients;
    }
    subscriber.full_since_ms_ = 0;
    if (subscriber.stop_seq_ != Subscriber::kNoStop && !std::exchange(subscriber.drained_, true)) {
        subscriber.OnDrained();
    }
}

// Puts the subscriber where the outcome of its sending says.
void Hub::Settle(Subscriber& subscriber, Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::kGone:
            return;
        case Outcome::kBlocked:
            MoveTo(subscriber, Subscriber::Place::kBlocked);
            subscriber.WaitWritable();
            return;
        case Outcome::kMore:
        case Outcome::kCaughtUp:
            MoveTo(subscriber, Subscriber::Place::kReady);
            if (outcome == Outcome::kMore) {
                RequestRound();
            }
            return;
    }
}

void Hub::MoveTo(Subscriber& subscriber, Subscriber::Place place) {
    if (subscriber.place_ == place) {
        return;
    }
    Unplace(subscriber);
    std::vector<Subscriber*>& list = place == Subscriber::Place::kReady ? ready_ : blocked_;
    subscriber.place_ = place;
    subscriber.index_ = static_cast<uint32_t>(list.size());
    list.push_back(&subscriber);
    if (place == Subscriber::Place::kReady) {
        ready_open_ += subscriber.stop_seq_ == Subscriber::kNoStop ? 1 : 0;
        const uint64_t needs = Needs(subscriber);
        floor_ = list.size() == 1 ? needs : std::min(floor_, needs);
        if (round_left_ != 0) {
            round_min_ = std::min(round_min_, needs);
            ++round_left_;
        }
        return;
    }
    if (list.size() == 1) {
        slack_messages_ = UINT64_MAX;
        slack_bytes_ = UINT64_MAX;
    }
    EnforceOn(subscriber, allowance_);
    NoteSlack(subscriber);
    LeaveLog(subscriber);
}

void Hub::Unplace(Subscriber& subscriber) noexcept {
    if (subscriber.place_ == Subscriber::Place::kNone) {
        return;
    }
    const bool was_ready = subscriber.place_ == Subscriber::Place::kReady;
    ready_open_ -= was_ready && subscriber.stop_seq_ == Subscriber::kNoStop ? 1 : 0;
    std::vector<Subscriber*>& list = was_ready ? ready_ : blocked_;
    list[subscriber.index_] = list.back();
    list[subscriber.index_]->index_ = subscriber.index_;
    list.pop_back();
    subscriber.place_ = Subscriber::Place::kNone;
    if (was_ready && round_left_ != 0) {
        round_left_ = ready_.size();  // the one moved here may not have been visited: see hub.h
    }
    if (ready_.empty()) {
        floor_ = log_.head();
    }
}

// Every ready subscriber will be visited once more.
void Hub::RequestRound() noexcept {
    if (round_left_ == 0) {
        round_left_ = ready_.size();
        round_min_ = log_.head();
    } else {
        another_round_ = true;
    }
    if (!std::exchange(flush_scheduled_, true)) {
        context_->at_turn_end(FlushTask());
    }
}

// Small enough to fit into a Task without memory of its own.
io::Scheduler::Task Hub::FlushTask() const {
    return [self = self_.get()] {
        if (*self != nullptr) {
            (*self)->FlushTurn();
        }
    };
}

void Hub::FlushTurn() noexcept {
    flush_scheduled_ = false;
    FlushSlice();
    if (round_left_ != 0 && !std::exchange(flush_scheduled_, true)) {
        context_->scheduler->Post(FlushTask());
    }
    NotifyReady();
}

// As many visits as one turn may cost.
void Hub::FlushSlice() noexcept {
    if (std::exchange(sending_, true)) {
        return;
    }
    const Clock& clock = context_->scheduler->clock();
    const int64_t deadline = clock.MonotonicNs() + kTurnNs;
    for (size_t visits = 0; round_left_ != 0 && visits < kVisitsPerTurn;) {
        if (ready_.empty()) {
            round_left_ = 0;
        } else {
            Visit();
        }
        if (round_left_ == 0) {
            EndRound();
        }
        if (++visits % kVisitsPerClockRead == 0 && clock.MonotonicNs() > deadline) {
            break;
        }
    }
    sending_ = false;
}

void Hub::Visit() noexcept {
    cursor_ = cursor_ < ready_.size() ? cursor_ : 0;
    Subscriber& subscriber = *ready_[cursor_];
    --round_left_;
    const Outcome outcome = Send(subscriber);
    if (outcome == Outcome::kBlocked) {
        Settle(subscriber, outcome);
    } else if (outcome != Outcome::kGone) {
        round_min_ = std::min(round_min_, Needs(subscriber));
        another_round_ |= outcome == Outcome::kMore;  // a begun frame does not show in round_min_
        ++cursor_;
    }
}

void Hub::EndRound() noexcept {
    floor_ = ready_.empty() ? log_.head() : round_min_;
    TrimLog();
    if (std::exchange(another_round_, false) || floor_ < log_.head()) {
        round_left_ = ready_.size();
        round_min_ = log_.head();
    }
}

}  // namespace haumea::ws
