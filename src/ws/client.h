#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/buffer.h"
#include "io/scheduler.h"
#include "io/stream.h"
#include "ws/backoff.h"
#include "ws/client_handshake.h"
#include "ws/client_settings.h"
#include "ws/client_writer.h"
#include "ws/frame_parser.h"

namespace haumea::ws {

enum class ClientState : uint8_t {
    kConnecting,  // never connected yet; tries again and again
    kConnected,
    kDisconnected,  // was connected; tries again and again
    kClosed,        // ended by Close()
};

// What status pages show. A copy.
struct ClientStatus {
    ClientState state = ClientState::kConnecting;
    io::ConnectStep failed_step = io::ConnectStep::kTcp;  // of last_error, when connecting failed
    std::string last_error;                               // of the last attempt or connection that failed
    int64_t changed_ms = 0;                               // when the state changed
    int64_t last_connected_ms = 0;
    int64_t last_disconnected_ms = 0;
    int64_t last_try_ms = 0;
    int64_t retry_at_ms = 0;  // when the next attempt begins, 0 while none is due
    std::string subprotocol;
    uint64_t connects = 0;  // handshakes that succeeded
    uint64_t attempts = 0;
    std::array<uint64_t, io::kConnectSteps> failures{};  // attempts that failed, by the step they failed at
    uint64_t losses = 0;                                 // connections that ended without our asking
    uint64_t messages_in = 0;
    uint64_t bytes_in = 0;      // payload, after inflating
    uint64_t messages_out = 0;  // handed to the socket whole
    uint64_t bytes_out = 0;     // to the socket, framing included
    uint64_t dropped = 0;       // all of the following
    uint64_t dropped_oldest = 0;
    uint64_t dropped_newest = 0;
    uint64_t dropped_conflated = 0;
    uint64_t dropped_on_close = 0;
    size_t backlog_messages = 0;
    size_t backlog_bytes = 0;
    size_t backlog_messages_max = 0;
    size_t backlog_bytes_max = 0;
    int64_t last_round_trip_us = -1;  // of the last ping, -1 before
    int64_t max_round_trip_us = -1;
};

// What a user of a connection hears. All from the connection's loop; the client may not be destroyed inside a
// call, everything else is allowed.
class ClientListener {
  public:
    virtual ~ClientListener() = default;
    // A message from the remote. The payload owns its bytes or is valid during the call (BufferView::owner).
    virtual void OnMessage(const BufferView& /*payload*/, bool /*is_text*/) {}
    virtual void OnState(const ClientStatus& /*status*/) {}
    // After a Send() that answered kBlocked: there is room again.
    virtual void OnWritable() {}
    // `count` messages of this user are with the socket.
    virtual void OnHandedOver(size_t /*count*/) {}
    // `count` messages of this user were dropped to make room for newer ones.
    virtual void OnDropped(size_t /*count*/) {}
    // The remote answered this user's ping `sequence` of SendPing(), or a later one: it has read everything
    // that was sent before it.
    virtual void OnPong(uint64_t /*sequence*/) {}
};

enum class SendResult : uint8_t {
    kAccepted,  // queued, OnHandedOver follows
    kBlocked,   // not taken, OnWritable follows
    kDropped,   // not taken and lost, counted
};
enum class WhenFull : uint8_t { kBlock, kDropOldest, kDropNewest };

// One connection in client role to a remote server, kept up until Close(): dials, redials with backoff,
// answers pings, finds dead remotes, and sends what several users queue. Owned by a ClientPool (or a test).
// Home loop only.
class Client {
  public:
    // Connects a stream (TCP, and TLS above it) within the time. The callback comes once, never from inside
    // the call, and not after the returned object was destroyed.
    using Connect =
        std::function<std::unique_ptr<io::Connector>(int64_t timeout_ms, io::Connector::Callback done)>;
    struct Environment {
        io::Scheduler* scheduler = nullptr;
        // Runs a task when the events of this turn have been handled.
        std::function<void(io::Scheduler::Task)> at_turn_end;
        Connect connect;
        std::function<uint64_t()> random;  // for jitter; empty: unpredictable
        bool quiet = false;                // failures go to who asked, not to the log
    };

    // Static check of path, headers and subprotocols.
    static Result<> Check(const ClientTarget& target);

    Client(Environment environment, ClientTarget target, const ClientBehaviour& behaviour);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void Start();
    // Says goodbye: sends what is queued and then a close frame, within closeTimeout. `closed` runs once at
    // the end, from the loop; the client may be destroyed then.
    void Close(std::function<void()> closed);
    // What the close frame of Close() says, from now on.
    void SetFarewell(CloseCode code, std::string reason);

    void Attach(ClientListener& user);
    // What `user` has queued is still sent, but it hears nothing any more.
    void Detach(ClientListener& user);

    SendResult Send(ClientListener& user, BufferView payload, bool is_text, WhenFull when_full);
    // Takes back what `user` has queued and the socket has not begun to take.
    size_t Discard(ClientListener& user) { return writer_.Discard(&user); }
    // The same for what a newer message makes worthless: counted as dropped.
    size_t Conflate(ClientListener& user);
    // A ping behind everything that was sent so far; OnPong(sequence) of `user` follows, unless the
    // connection is lost before. False while not connected. The pong is awaited for pongTimeout, whatever
    // else the remote sends.
    bool SendPing(ClientListener& user, uint64_t sequence);
    // Sends now what would be sent at the end of the turn.
    void Flush();

    // A user that cannot keep up stops the reading for all until it resumes: TCP tells the remote.
    void PauseReading(ClientListener& user);
    void ResumeReading(ClientListener& user);

    ClientStatus Status() const;
    bool connected() const noexcept { return phase_ == Phase::kOpen; }
    const ClientTarget& target() const noexcept { return target_; }
    const ClientBehaviour& behaviour() const noexcept { return behaviour_; }

  private:
    enum class Phase : uint8_t {
        kIdle,
        kDialing,
        kHandshake,
        kOpen,
        kFarewell,  // Close() while open: the queue drains, then our close frame goes
        kClosing,   // our close frame is on its way or sent; waiting for the end of the stream
        kWaiting,   // between two attempts
        kClosed,
    };
    struct OrderedPing {
        uint64_t number = 0;
        ClientListener* user = nullptr;  // null: detached
        uint64_t sequence = 0;           // as the user counts
        int64_t sent_ns = 0;             // when the socket had taken it, 0 before
    };
    struct User {
        ClientListener* listener = nullptr;  // null: detached, removed when nobody iterates
        bool blocked = false;
        bool paused = false;
    };

    // Connecting and ending (client_connect.cc).
    void Dial();
    void OnConnected(tl::expected<std::unique_ptr<io::Stream>, io::ConnectFailure> outcome);
    void BeginHandshake();
    void WriteHandshake();
    void ReadHandshake();
    void HandshakeFailed();
    void HandshakeBroke();
    std::string TlsHint() const;
    void Open(size_t head_bytes, size_t received);
    void AttemptFailed(io::ConnectStep step, std::string reason, bool permanent);
    void Lost(std::string reason);
    void DropConnection();
    void Redial(int64_t delay_ms);
    void Finish();
    void SetState(ClientState state);

    // Frames (client.cc).
    void WaitReadable();
    void OnReadable();
    void HandleEvents();
    void HandleEvent(const FrameEvent& event);
    void OnPong(std::string_view payload);
    void BeginClosing(CloseCode code, std::string_view reason);
    void ScheduleFlush();
    void OnBlocked();
    void OnWriteFailed(int error);
    std::string BrokenText(int error) const;
    void AfterFlush();
    void AwaitPong();
    void OnPongTimer();
    void OnPingTimer();
    void OnWriteTimer();
    bool reading_paused() const noexcept { return paused_users_ > 0; }
    User* Find(const ClientListener& user) noexcept;
    template <typename Call>
    void ForEachUser(Call&& call);
    int64_t NowMs() const { return environment_.scheduler->clock().NowMs(); }
    int64_t NowNs() const { return environment_.scheduler->clock().MonotonicNs(); }
    uint64_t Random() { return environment_.random ? environment_.random() : writer_.random().Number(); }

    Environment environment_;
    ClientTarget target_;
    ClientBehaviour behaviour_;
    Phase phase_ = Phase::kIdle;
    ClientStatus status_;
    std::vector<User> users_;
    int iterating_ = 0;
    int paused_users_ = 0;
    std::function<void()> closed_;
    CloseCode farewell_code_ = CloseCode::kNormal;  // of Close()
    std::string farewell_;

    // The connection at hand.
    Backoff backoff_;
    std::unique_ptr<io::Connector> connector_;
    std::unique_ptr<io::Stream> stream_;
    std::unique_ptr<ClientHandshake> handshake_;
    size_t request_sent_ = 0;
    bool answer_begun_ = false;
    std::unique_ptr<FrameParser> parser_;
    Ref<Buffer> read_buffer_;
    bool parsing_paused_ = false;  // events of the last read wait for ResumeReading()
    bool close_queued_ = false;    // our close frame is with the writer
    std::string close_reason_;     // why the connection ends, for the status
    ClientWriter writer_;
    bool flush_scheduled_ = false;
    bool write_blocked_ = false;
    int64_t dial_deadline_ns_ = 0;
    int64_t connected_ns_ = 0;
    int64_t last_received_ns_ = 0;
    int64_t last_progress_ns_ = 0;
    int64_t resumed_ns_ = 0;    // when reading was last allowed again
    int64_t ping_sent_ns_ = 0;  // of the ping that silence brought about, 0: it does not wait for an answer
    uint64_t ping_counter_ = 0;
    std::deque<OrderedPing> ordered_pings_;  // not answered yet, oldest first

    io::Timer phase_timer_;  // deadline of the handshake, the backoff, the close
    io::Timer ping_timer_;   // silence
    io::Timer pong_timer_;   // the oldest unanswered ping of SendPing()
    io::Timer write_timer_;
    // Tasks at turn ends hold it weakly, and find nothing when the client has gone.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace haumea::ws
