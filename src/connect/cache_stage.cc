#include "connect/cache_stage.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace haumea::connect {
namespace {

// Contract §8: a question at least every 64 messages or 100 ms while anything is unconfirmed.
constexpr uint64_t kAskEveryMessages = 64;
constexpr int64_t kAskEveryMs = 100;
// Late messages of one turn of the loop, so that others have theirs.
constexpr size_t kPumpMessages = 256;
constexpr int64_t kIdleLookMs = 10;

}  // namespace

// ---- one transport ----

CacheStage::Channel::Channel(CacheStage& stage, MessageSink& sink, metrics::NodeStats& stats)
    : stage_(&stage), sink_(&sink), stats_(&stats), confirms_(sink.UseConfirmation(*this)) {
    sink.SetReadyCallback([this] { OnReady(); });
}

bool CacheStage::Channel::Send(const EncodedMessage& message, bool& final) noexcept {
    final = true;
    const Delivery delivery = sink_->Send(message);
    if (delivery == Delivery::kBlocked) {
        blocked_ = true;
        return false;
    }
    stats_->CountIn();
    stats_->CountProcessed();
    stats_->SetInvoked(stage_->NowMs());
    if (delivery == Delivery::kAccepted) {
        stats_->CountOut();
    }
    final = delivery != Delivery::kQueued || !confirms_;
    unasked_ += final ? 0 : 1;
    return true;
}

void CacheStage::Channel::AskIfDue() {
    if (unasked_ >= kAskEveryMessages) {
        Ask();
    }
}

bool CacheStage::Channel::Ask() {
    if (unasked_ == 0) {
        return true;
    }
    if (!sink_->RequestConfirmation(last_mark_ + 1)) {
        return false;
    }
    unasked_ = 0;
    marks_.push_back({.id = ++last_mark_,
                      .backlog_seq = stage_->backlog_->last_sent(),
                      .live_count = stage_->live_confirmed_ + stage_->live_.size()});
    return true;
}

void CacheStage::Channel::OnReady() {
    blocked_ = false;
    stage_->Pump(kPumpMessages);
}

void CacheStage::Channel::OnConfirmed(uint64_t mark) {
    while (!marks_.empty() && marks_.front().id <= mark) {
        const Mark confirmed = marks_.front();
        marks_.pop_front();
        if (marks_.empty() || marks_.front().id > mark) {
            stage_->Confirmed(*this, confirmed.backlog_seq, confirmed.live_count);
        }
    }
}

void CacheStage::Channel::OnLost() {
    marks_.clear();
    unasked_ = 0;
    blocked_ = true;
    stage_->Lost(*this);
}

// ---- the stage ----

CacheStage::CacheStage(MessageSink& sink, MessageSink* resend_sink, CacheSettings settings, Nodes nodes,
                       io::Scheduler& loop, DiskRunner disk)
    : loop_(&loop),
      settings_(std::move(settings)),
      nodes_(nodes),
      backlog_(std::make_shared<Backlog>(
          loop, std::move(disk), settings_.backlog,
          Backlog::Events{.available = [this] { Pump(kPumpMessages); },
                          .room = [this] { Show(); },
                          .dropped =
                              [this](uint64_t count) {
                                  nodes_.cache->CountDropped(static_cast<int64_t>(count),
                                                             metrics::DropReason::kCacheFull);
                                  Show();
                              },
                          .trouble =
                              [this](const std::string& text) {
                                  log::Error("{}: cache: {}", nodes_.cache->name(), text);
                                  nodes_.cache->CountException("cache: " + text, NowMs());
                              },
                          .renumbered =
                              [this] {
                                  main_.Forget();
                                  if (resend_) {
                                      resend_->Forget();
                                  }
                              }})),
      main_(*this, sink, *nodes.sink),
      pump_timer_(loop),
      ask_timer_(loop) {
    if (!settings_.backlog.group) {
        nodes_.cache->buffer_length.store(0, std::memory_order_relaxed);  // of an earlier run
    }
    if (resend_sink != nullptr) {
        resend_ = std::make_unique<Channel>(*this, *resend_sink, *nodes.resend);
    }
}

CacheStage::~CacheStage() = default;

void CacheStage::Open() { OpenLater()(); }

std::function<void()> CacheStage::OpenLater() {
    open_ = true;
    return [weak = std::weak_ptr<Backlog>(backlog_)] {
        if (const auto backlog = weak.lock()) {
            backlog->Open();
        }
    };
}

bool CacheStage::full() const noexcept {
    return backlog_->must_wait() ||
           (settings_.pause_when_full && backlog_->unsent() >= settings_.backlog.disk_messages);
}

Flow CacheStage::Push(EncodedMessage message) noexcept {
    nodes_.cache->CountIn();
    nodes_.cache->CountProcessed();
    nodes_.cache->SetInvoked(NowMs());
    arrival_credit_ = true;
    if (!settings_.alter_queue || !SendLive(message)) {
        backlog_->Append(std::move(message),
                         late_channel().blocked() ? Backlog::Late::kYes : Backlog::Late::kNo);
        Pump(kPumpMessages);
    } else if (settings_.priority == 0) {
        Pump(1);
    } else {
        PumpLater(kIdleLookMs);
    }
    arrival_credit_ = false;
    Show();
    paused_ = paused_ || full();
    return paused_ ? Flow::kPause : Flow::kContinue;
}

// A new message goes past the late ones, when its transport takes it.
bool CacheStage::SendLive(EncodedMessage& message) noexcept {
    const bool wait = (settings_.priority > 0 && backlog_->unsent() > 0) || main_.blocked() ||
                      live_.size() >= kMaxInFlight || live_bytes_ >= kMaxInFlightBytes;
    bool final = true;
    if (wait || !main_.Send(message, final)) {
        return false;
    }
    live_sent_ = true;
    if (final) {
        ++live_final_;
    } else {
        live_bytes_ += message.payload.len;
        live_.push_back(std::move(message));
        main_.AskIfDue();
    }
    return true;
}

// May this one go now, or is something to be awaited first?
bool CacheStage::MayPump(const Backlog::Entry& entry) noexcept {
    return !late_channel().blocked() && backlog_->in_flight() < kMaxInFlight &&
           backlog_->in_flight_bytes() < kMaxInFlightBytes && DueNow(entry);
}

// resendInterval: late messages keep their distance, so that a recovery is no storm. A new message pushes one
// out, or the backlog could only grow.
bool CacheStage::DueNow(const Backlog::Entry& entry) noexcept {
    if (!entry.late || settings_.resend_interval_ms <= 0) {
        return true;
    }
    const int64_t left_ns = resend_due_ns_ - loop_->clock().MonotonicNs();
    if (left_ns <= 0 || std::exchange(arrival_credit_, false)) {
        return true;
    }
    PumpLater((left_ns + 999'999) / 1'000'000);
    return false;
}

void CacheStage::PumpLater(int64_t delay_ms) {
    if (!pump_timer_.pending()) {
        pump_timer_.Start(delay_ms, [this] {
            // New ones first: as long as they come, one late message at a time.
            const bool busy =
                settings_.alter_queue && settings_.priority < 0 && std::exchange(live_sent_, false);
            Pump(busy ? 1 : kPumpMessages);
        });
    }
}

void CacheStage::Pump(size_t limit) noexcept {
    if (!open_ || std::exchange(pumping_, true)) {
        return;
    }
    Channel& channel = late_channel();
    size_t sent = 0;
    Backlog::Entry* entry = backlog_->PeekUnsent();
    for (; entry != nullptr && sent < limit && MayPump(*entry); entry = backlog_->PeekUnsent(), ++sent) {
        if (entry->final) {
            backlog_->MarkSent(true);  // done with before the connection was lost
            continue;
        }
        const bool late = entry->late;
        bool final = true;
        if (late && entry->message.resent.owner) {
            std::swap(entry->message.payload, entry->message.resent);
            entry->message.resent = {};
        }
        if (!channel.Send(entry->message, final)) {
            entry->late = true;
            break;
        }
        backlog_->MarkSent(final);
        channel.AskIfDue();
        if (late) {
            resend_due_ns_ = loop_->clock().MonotonicNs() + settings_.resend_interval_ms * 1'000'000;
        }
    }
    pumping_ = false;
    if (entry != nullptr && sent >= limit) {
        PumpLater(settings_.alter_queue ? kIdleLookMs : 0);
    }
    Show();
}

void CacheStage::Confirmed(Channel& channel, uint64_t backlog_seq, uint64_t live_count) {
    if (&channel == &late_channel()) {
        backlog_->ConfirmThrough(backlog_seq);
    }
    while (&channel == &main_ && !live_.empty() && live_confirmed_ < live_count) {
        live_bytes_ -= live_.front().payload.len;
        live_.pop_front();
        ++live_confirmed_;
    }
    Pump(kPumpMessages);
    CheckFarewell();
}

void CacheStage::Lost(Channel& channel) {
    if (&channel == &late_channel()) {
        backlog_->RewindUnconfirmed();
    }
    if (&channel == &main_) {
        for (EncodedMessage& message : live_) {
            backlog_->Append(std::move(message), Backlog::Late::kYes);
        }
        live_.clear();
        live_bytes_ = 0;
    }
    Show();
    CheckFarewell();
}

// What the status says, and who waits may go on.
void CacheStage::Show() noexcept {
    const uint64_t out = backlog_->released() + live_confirmed_ + live_final_;
    nodes_.cache->CountOut(static_cast<int64_t>(out - std::exchange(shown_out_, out)));
    const auto length = static_cast<int64_t>(backlog_->size() + live_.size());
    nodes_.cache->buffer_length.fetch_add(length - std::exchange(shown_length_, length),
                                          std::memory_order_relaxed);
    if (open_ && (backlog_->in_flight() > 0 || !live_.empty()) && !ask_timer_.pending()) {
        ask_timer_.Start(kAskEveryMs, [this] {
            main_.Ask();
            if (resend_) {
                resend_->Ask();
            }
            Show();
        });
    }
    if (paused_ && !full()) {
        paused_ = false;
        if (resume_) {
            resume_();
        }
    }
}

bool CacheStage::AwaitConfirmation(std::function<void()> done) {
    resume_ = nullptr;
    open_ = false;  // nothing more is sent
    const bool waits = backlog_->in_flight() > 0 || !live_.empty();
    if (!waits || settings_.clean_at_stop || !main_.Ask() || (resend_ && !resend_->Ask())) {
        return false;
    }
    farewell_ = std::move(done);
    return true;
}

void CacheStage::CheckFarewell() {
    if (farewell_ && backlog_->in_flight() == 0 && live_.empty()) {
        std::exchange(farewell_, nullptr)();
    }
}

void CacheStage::Close() noexcept {
    if (std::exchange(closed_, true)) {
        return;
    }
    open_ = false;
    resume_ = nullptr;
    farewell_ = nullptr;
    pump_timer_.Cancel();
    ask_timer_.Cancel();
    for (EncodedMessage& message : live_) {
        backlog_->Append(std::move(message), Backlog::Late::kYes);
    }
    live_.clear();
    backlog_->Close(settings_.clean_at_stop);
}

}  // namespace haumea::connect
