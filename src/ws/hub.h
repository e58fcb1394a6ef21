#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "io/scheduler.h"
#include "ws/frame_log.h"
#include "ws/server_context.h"
#include "ws/subscriber.h"

namespace haumea::ws {

// What became of a published message.
enum class Publication : uint8_t {
    kAccepted,  // in the backlog of at least one client
    kNoClient,  // dropped and counted
    kBlocked,   // not taken
};

struct HubStats {
    uint64_t published = 0;       // accepted
    uint64_t no_client = 0;       // dropped because nobody was connected
    uint64_t deliveries = 0;      // frames handed to sockets whole
    uint64_t bytes_out = 0;       // to sockets, framing included
    uint64_t dropped_oldest = 0;  // messages times clients
    uint64_t dropped_newest = 0;
    uint64_t dropped_conflated = 0;
    uint64_t dropped_on_close = 0;      // were waiting for a client that went
    uint64_t closed_slow = 0;           // clients closed with 1013
    uint64_t slow_clients = 0;          // now
    uint64_t backlog_messages_max = 0;  // of one client
    uint64_t backlog_bytes_max = 0;
    uint64_t log_messages = 0;  // now, shared by all
    uint64_t log_bytes = 0;
};

// Sends every published message to every subscriber of one endpoint. No queue, copy or allocation per
// subscriber: a shared log and a position each. What is published in one turn of the loop leaves at its end,
// joined in one system call per socket.
//
// Two kinds of lag are kept apart. A subscriber whose socket is full is `blocked`, falls under the policy
// beyond its limits and concerns nobody else. One that we have not come round to is `ready`; nothing is
// dropped for it, but wants_pause() and then kBlocked tell the publisher to slow down. Owned by the Endpoint;
// home loop only.
class Hub {
  public:
    struct Settings {
        BacklogLimits limits;
        SlowConsumer policy = SlowConsumer::kDropOldest;
        int64_t block_timeout_ms = 10'000;
    };
    // Unsent messages that sockets would take: beyond kSoft publishers ought to pause, at kHard they are
    // refused.
    static constexpr BacklogLimits kSoft{256, 1U << 20U};
    static constexpr BacklogLimits kHard{1024, 4U << 20U};

    // `on_ready` is called once after wants_pause() or kBlocked, when publishing is worth a try again.
    Hub(ServerContext& context, const Settings& settings, std::function<void()> on_ready);
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;
    ~Hub();

    // Other limits or another policy, from now on.
    void Set(const Settings& settings);
    Publication Publish(Ref<const PreparedFrame> frame) noexcept;
    bool wants_pause() const noexcept;
    // Asks for on_ready also when nothing was refused.
    void RequestReady();
    // Carries out for every client that is behind what the policy says, which otherwise waits until somebody
    // has to know: from here on backlogs and drops are exact. For numbers that people read.
    void BringUpToDate() noexcept;
    // Is there a client with at least half of its backlog free? A publisher with a cache looks before it
    // publishes: what only slow clients could get stays with it.
    bool HasRoom() const noexcept;
    // Asks for on_ready when there is room.
    void RequestRoom() noexcept { room_wanted_ = true; }

    // From now on `subscriber` gets `first` (the handshake's answer), then every message published from here
    // on.
    void Add(Subscriber& subscriber, WireForm form, std::string_view first);
    // Forgets it at once. Not called for a subscriber that was not added.
    void Remove(Subscriber& subscriber) noexcept;
    // Whole control frames, sent before further messages; they leave with the next Flush(subscriber) or by
    // themselves when the socket takes them.
    void QueueControl(Subscriber& subscriber, std::string_view frames);
    size_t queued_control_bytes(const Subscriber& subscriber) const noexcept {
        return subscriber.control_.size() - subscriber.control_offset_;
    }
    void Flush(Subscriber& subscriber) noexcept;
    // No further messages: what waits is sent (kSend) or dropped, then `last`, then OnDrained() is called.
    enum class Waiting : uint8_t { kSend, kDrop };
    void Finish(Subscriber& subscriber, std::string_view last, Waiting waiting);
    // The socket that was full takes bytes again.
    void OnWritable(Subscriber& subscriber) noexcept;

    bool is_blocked(const Subscriber& subscriber) const noexcept {
        return subscriber.place_ == Subscriber::Place::kBlocked;
    }
    bool is_drained(const Subscriber& subscriber) const noexcept { return subscriber.drained_; }
    BacklogLimits Backlog(const Subscriber& subscriber) const noexcept;
    HubStats stats() noexcept;
    // Messages times clients that slow or leaving clients missed, and that nobody has taken yet.
    uint64_t TakeDropped() noexcept;
    // Forms that at least one subscriber wants.
    WireFormSet forms() const noexcept;

  private:
    enum class Outcome : uint8_t { kCaughtUp, kMore, kBlocked, kGone };
    struct Batch;

    // Sending, hub.cc.
    Outcome Send(Subscriber& subscriber) noexcept;
    void Gather(const Subscriber& subscriber, Batch& batch) const noexcept;
    void Advance(Subscriber& subscriber, size_t bytes) noexcept;
    // Takes a frame off `bytes`; what remains of it becomes the partial one.
    void TakeFrame(Subscriber& subscriber, const Ref<const PreparedFrame>& frame, size_t& bytes) noexcept;
    size_t SkipPlain(Subscriber& subscriber, uint64_t end, size_t bytes) noexcept;
    void CaughtUp(Subscriber& subscriber) noexcept;
    void Settle(Subscriber& subscriber, Outcome outcome) noexcept;

    // Rounds over the ready subscribers, hub.cc.
    void RequestRound() noexcept;
    io::Scheduler::Task FlushTask() const;
    void FlushTurn() noexcept;
    void FlushSlice() noexcept;
    void EndRound() noexcept;
    void Visit() noexcept;
    void MoveTo(Subscriber& subscriber, Subscriber::Place place);
    void Unplace(Subscriber& subscriber) noexcept;

    // Bounds and policies, hub_backlog.cc.
    BacklogLimits Unsent() const noexcept;
    uint64_t EndFor(const Subscriber& subscriber) const noexcept;
    uint64_t Needs(Subscriber& subscriber) noexcept;
    void TrimLog() noexcept;
    void Enforce() noexcept;
    void EnforceOn(Subscriber& subscriber, const BacklogLimits& limits) noexcept;
    void DropOldest(Subscriber& subscriber) noexcept;
    void TakeOwnBacklog(Subscriber& subscriber, const BacklogLimits& limits) noexcept;
    void LeaveLog(Subscriber& subscriber) noexcept;
    void SkipNew(Subscriber& subscriber) noexcept;
    void Conflate(Subscriber& subscriber, uint64_t end) noexcept;
    void NoteDrops(Subscriber& subscriber, uint64_t count, uint64_t& counter) noexcept;
    void DropOnClose(Subscriber& subscriber) noexcept;
    void NoteSlack(const Subscriber& subscriber) noexcept;
    void NoteHighWater(const BacklogLimits& backlog) noexcept;
    bool Refuses() noexcept;
    bool AnyFull() noexcept;
    void CloseStuck();
    void NotifyReady();

    ServerContext* context_;
    Settings settings_;
    BacklogLimits allowance_;  // limits and a little more, so that a stuck client is looked at rarely
    std::function<void()> on_ready_;
    FrameLog log_;
    HubStats stats_;
    uint64_t dropped_taken_ = 0;
    std::vector<Subscriber*> ready_;
    std::vector<Subscriber*> blocked_;
    std::array<uint32_t, 16> form_counts_{};

    // A round visits every ready subscriber once, in the order of ready_ from cursor_ on (beyond its end:
    // from the front). It may take several turns. What holds between two visits:
    // - No ready one needs a message before floor_, so the log may be cut there. Ready ones that move on
    // leave
    //   floor_ where it is until a round ends.
    // - round_left_ visits are left, 0 when no round is under way. Those visited, and those that came since
    //   it began, need nothing before round_min_, which becomes floor_ at its end.
    // - Whoever leaves ready_ is replaced by the last of the list, perhaps from behind cursor_ to before it,
    //   where this round would not come by: round_left_ begins anew with all of them. A second visit costs
    //   nothing, a missed one would let floor_ pass what somebody still needs.
    uint64_t floor_ = 0;
    uint64_t round_min_ = 0;
    size_t round_left_ = 0;
    size_t cursor_ = 0;
    size_t open_ = 0;        // subscribers that get what is published
    size_t ready_open_ = 0;  // those of them in ready_
    uint64_t trim_at_ = 0;   // log size at which blocked subscribers are asked what they need

    // What may be published before a blocked subscriber can be over its limits.
    uint64_t slack_messages_ = 0;
    uint64_t slack_bytes_ = 0;

    bool another_round_ = false;  // something new for subscribers that this round has visited already
    bool flush_scheduled_ = false;
    bool sending_ = false;  // inside a flush or the policy: calls from within do not nest
    bool ready_wanted_ = false;
    bool room_wanted_ = false;
    io::Timer block_timer_;
    // Shared with scheduled tasks, which find null when it is gone.
    std::shared_ptr<Hub*> self_;
};

}  // namespace haumea::ws
