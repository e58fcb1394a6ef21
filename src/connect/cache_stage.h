#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "connect/backlog.h"
#include "connect/sink.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// Properties enableCache to resendDestination (contract §6, §8).
struct CacheSettings {
    Backlog::Settings backlog;
    int64_t resend_interval_ms = 0;  // between messages that are sent late
    bool clean_at_stop = false;
    // New messages go out beside the late ones instead of behind them.
    bool alter_queue = false;
    int priority = 0;  // then: 1 late ones first, 0 in turn, -1 new ones first
    bool pause_when_full =
        false;  // rule option disableBufferFullDiscard: wait instead of dropping the oldest
};

// The stage in front of a transport that loses nothing while the remote is away: what is not known to have
// arrived stays in the backlog, and goes out again, in order, when the connection is back (contract §8: at
// least once, few duplicates). While anything is unconfirmed the remote is asked every 64 messages or 100 ms.
// Owned by one action; home loop only.
class CacheStage final : public Outlet {
  public:
    // Nodes of the status: the stage, the sink, and with `resend_sink` the sink for late messages.
    struct Nodes {
        metrics::NodeStats* cache = nullptr;
        metrics::NodeStats* sink = nullptr;
        metrics::NodeStats* resend = nullptr;
    };
    // `resend_sink`: where late messages go (resendDestination), null: where all go. The sinks outlive the
    // stage.
    CacheStage(MessageSink& sink, MessageSink* resend_sink, CacheSettings settings, Nodes nodes,
               io::Scheduler& loop, DiskRunner disk);
    ~CacheStage() override;

    // After the sinks were opened. Nothing is sent before the file is: it may be in use by the one before.
    void Open();
    std::function<void()> OpenLater();
    Flow Push(EncodedMessage message) noexcept override;
    void SetResumeCallback(std::function<void()> resume) override { resume_ = std::move(resume); }
    void Close() noexcept override;
    // Takes nothing more and asks for a last confirmation; `done` follows once, when it has come or cannot
    // come any more. False: there is nothing to wait for. Close() follows.
    bool AwaitConfirmation(std::function<void()> done);
    // Everything that has to be in the file is there (tests, benchmarks).
    bool written() const noexcept { return backlog_->written(); }
    // It holds no message, in memory or in its file: closing it loses nothing.
    bool idle() const noexcept { return backlog_->empty() && live_.empty(); }

  private:
    // One transport and what was sent over it and is not confirmed.
    class Channel final : public DeliveryListener {
      public:
        Channel(CacheStage& stage, MessageSink& sink, metrics::NodeStats& stats);

        // False: not taken now. `final`: needs no confirmation.
        bool Send(const EncodedMessage& message, bool& final) noexcept;
        bool blocked() const noexcept { return blocked_; }
        // A confirmation is asked for now and then while something waits for it.
        void AskIfDue();
        // False: the transport is not connected.
        bool Ask();
        // The numbers that were asked about mean nothing any more.
        void Forget() { marks_.clear(); }

      private:
        struct Mark {
            uint64_t id = 0;
            uint64_t backlog_seq = 0;
            uint64_t live_count = 0;
        };
        void OnReady();
        void OnConfirmed(uint64_t mark) override;
        void OnLost() override;

        CacheStage* stage_;
        MessageSink* sink_;
        metrics::NodeStats* stats_;
        bool confirms_ = false;
        bool blocked_ = false;
        uint64_t last_mark_ = 0;
        uint64_t unasked_ = 0;  // messages sent since the last question
        std::deque<Mark> marks_;
    };

    static constexpr size_t kMaxInFlight = 4'096;
    static constexpr size_t kMaxInFlightBytes = 16U << 20U;

    Channel& late_channel() noexcept { return resend_ ? *resend_ : main_; }
    bool SendLive(EncodedMessage& message) noexcept;
    void Pump(size_t limit) noexcept;
    bool MayPump(const Backlog::Entry& entry) noexcept;
    bool DueNow(const Backlog::Entry& entry) noexcept;
    void PumpLater(int64_t delay_ms);
    void Confirmed(Channel& channel, uint64_t backlog_seq, uint64_t live_count);
    void Lost(Channel& channel);
    void CheckFarewell();
    bool full() const noexcept;
    void Show() noexcept;
    int64_t NowMs() const { return loop_->clock().NowMs(); }

    io::Scheduler* loop_;
    CacheSettings settings_;
    Nodes nodes_;
    std::shared_ptr<Backlog> backlog_;
    Channel main_;
    std::unique_ptr<Channel> resend_;
    std::function<void()> resume_;
    std::function<void()> farewell_;  // after AwaitConfirmation()
    bool open_ = false;
    bool closed_ = false;
    bool paused_ = false;
    bool pumping_ = false;
    bool arrival_credit_ = false;  // a new message lets one late one go before its time
    bool live_sent_ = false;       // a new message went out since the last look
    int64_t resend_due_ns_ = 0;
    // Sent past the backlog (alter_queue) and not confirmed; the count of those that were is the number of
    // the first.
    std::deque<EncodedMessage> live_;
    size_t live_bytes_ = 0;
    uint64_t live_confirmed_ = 0;
    uint64_t live_final_ = 0;  // were never in live_: nothing is to be confirmed
    uint64_t shown_out_ = 0;
    int64_t shown_length_ = 0;
    io::Timer pump_timer_;
    io::Timer ask_timer_;
};

}  // namespace haumea::connect
