#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/buffer.h"
#include "io/scheduler.h"
#include "io/stream.h"
#include "ws/close_code.h"
#include "ws/deflate.h"
#include "ws/hub.h"
#include "ws/prepared_frame.h"
#include "ws/server_context.h"

namespace haumea::ws {

class EndpointRef;
class Server;
class Session;
struct ServerContext;

// Properties of one served path. Each of its holders brings them; of each property the first value that is
// not the default holds, and all headers that anybody wants are kept. A change counts at once, but for
// clients that are connected already not in what was settled with them (limits of messages, compression,
// subprotocol, headers).
struct EndpointSettings {
    BacklogLimits backlog;
    SlowConsumer slow_consumer = SlowConsumer::kDropOldest;
    // kBlock: how long one client may hold up everybody before it is closed.
    int64_t block_timeout_ms = 10'000;
    int64_t ping_interval_ms = 30'000;  // 0: no pings
    int64_t pong_timeout_ms = 10'000;   // 0: a missing pong has no consequence
    int64_t close_timeout_ms = 2'000;
    uint64_t max_message_bytes = 16U << 20U;
    size_t max_clients = 10'000;
    // Beyond it a client is closed with 1008: answering floods of pings is work that others pay for.
    uint32_t max_control_frames_per_second = 1'000;
    uint64_t max_fragments = 1U << 17U;  // frames of one incoming message; beyond: closed with 1008
    bool permessage_deflate = false;
    DeflateTuning deflate;
    std::vector<std::string> subprotocols;  // in order of preference
    // Request headers kept with a client as metadata of what it sends; all others are forgotten.
    std::vector<std::string> metadata_headers;

    bool operator==(const EndpointSettings&) const = default;

    // Takes of `other` what is still the default here.
    void Complete(const EndpointSettings& other);
    // Properties that are not the default here and hold otherwise in `other`, by name.
    std::vector<std::string_view> DifferingFrom(const EndpointSettings& other) const;
};

// Who is connected, fixed at the handshake. Owned by its session; lives until OnDisconnect has returned.
struct ClientInfo {
    uint64_t id = 0;             // unique in the server, never 0
    std::string remote_address;  // "127.0.0.1:4711"
    std::string path;            // as requested, without query, still percent-encoded
    std::string query;           // behind '?', may be empty
    std::string subprotocol;
    bool secure = false;
    int64_t since_ms = 0;                                             // wall clock
    std::vector<std::pair<std::string, std::string>> path_variables;  // of the template, percent-decoded
    std::vector<std::pair<std::string, std::string>> headers;         // those of metadata_headers that came
};

// What a listener tells the endpoint: kPause asks for no further message until EndpointRef::Resume(); the
// message of the call that returned it has been taken.
enum class Intake : uint8_t { kContinue, kPause };

// Receives what clients of an endpoint send, and their coming and going. Home loop only. A listener may
// publish and resume from inside a call, and release its EndpointRef.
class EndpointListener {
  public:
    virtual ~EndpointListener() = default;
    // `payload` may be kept (it owns a reference, possibly to a larger buffer shared with other messages).
    virtual Intake OnMessage(const BufferView& payload, bool is_text, const ClientInfo& client) noexcept = 0;
    // First of all about a client, even when the answer to its handshake could not be written any more.
    virtual void OnConnect(const ClientInfo& client) noexcept = 0;
    // Once, after OnConnect. `code` is what ended the connection (kAbnormal: cut without a close), `reason`
    // in plain words.
    virtual void OnDisconnect(const ClientInfo& client, CloseCode code,
                              const std::string& reason) noexcept = 0;
};

// One client as the REST interface lists it.
struct ClientSnapshot {
    uint64_t id = 0;
    std::string remote_address;
    std::string path;  // as requested, which a template does not say
    int64_t since_ms = 0;
    uint64_t backlog_messages = 0;
    uint64_t backlog_bytes = 0;
    uint64_t dropped = 0;
    uint64_t messages_in = 0;
    int64_t ping_rtt_us = -1;  // -1: no pong yet
};

// Numbers of one endpoint since it exists.
struct EndpointStats {
    int64_t since_ms = 0;  // wall clock
    HubStats hub;
    size_t clients = 0;
    HandshakeStats handshakes;  // those that asked for this path
    uint64_t connected_total = 0;
    uint64_t messages_in = 0;
    uint64_t bytes_in = 0;          // payload, after inflating
    uint64_t messages_ignored = 0;  // came in while nobody listened
    uint64_t protocol_errors = 0;
    uint64_t too_big = 0;  // of these, messages beyond max_message_bytes (1009) are counted here alone
    uint64_t pong_timeouts = 0;
    uint64_t control_floods = 0;
    uint64_t kicked = 0;
    int64_t ping_rtt_us_last = -1;
    int64_t ping_rtt_us_max = -1;
};

// One served path (or template) with its clients, full duplex. Owned by the Server; alive while an
// EndpointRef holds it, and after that until its clients have been closed politely. Home loop only.
class Endpoint {
  public:
    Endpoint(ServerContext& context, std::string path);
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    ~Endpoint();

    const std::string& path() const noexcept { return path_; }
    const EndpointSettings& settings() const noexcept { return settings_; }
    // Names of those who hold it, in the order they came.
    std::vector<std::string> holders() const;
    size_t client_count() const noexcept;

    // To every client connected now. kBlocked: not taken, offer it again after EndpointRef::WhenReady; it
    // means either that a client of policy kBlock is full or that this process is short of CPU. In both cases
    // the caller is to stop its own input, not to drop.
    Publication Publish(Ref<const PreparedFrame> frame) noexcept;
    Publication Publish(BufferView payload, bool is_text) noexcept;
    // Unsent data that sockets would take is piling up: a publisher does well to pause its source now;
    // kBlocked follows at four times as much.
    bool wants_pause() const noexcept { return hub_.wants_pause(); }

    EndpointStats stats();
    // Somebody is connected whose backlog is at most half full.
    bool has_room() const noexcept { return open_clients_ != 0 && hub_.HasRoom(); }
    // What slow clients have missed since the last call, whoever called: several publishers on one path count
    // each drop once.
    uint64_t TakeDropped() noexcept { return hub_.TakeDropped(); }
    std::vector<ClientSnapshot> clients();
    // Closes one client politely with 1008; false when there is none of that id.
    bool Kick(uint64_t client_id, std::string_view reason);

  private:
    friend class EndpointRef;
    friend class Server;
    friend class Session;
    struct Holder {
        uint64_t id;
        std::string name;
        EndpointSettings settings;
        EndpointListener* listener = nullptr;
        bool paused = false;
        std::function<void()> ready;
    };

    // For Server.
    bool drained() const noexcept { return closing_ && sessions_.empty() && finished_.empty(); }
    // Nobody holds it, yet it stays for who comes next (Server::HoldEndpoints): clients are not read.
    void SetKept(bool kept);
    bool kept() const noexcept { return kept_; }
    uint64_t AddHolder(std::string name, const EndpointSettings& settings);
    // Brings `settings_` up to date with the holders; without any they stay.
    void ApplySettings();
    void RemoveHolder(uint64_t id);
    // `early`: what the client sent behind its request.
    void AddClient(std::unique_ptr<io::Stream> stream, ClientInfo client, const DeflateParams& deflate,
                   std::string_view response, std::string_view early);
    void CloseAll(CloseCode code, std::string_view reason);

    // For Session.
    Intake Deliver(const BufferView& payload, bool is_text, const ClientInfo& client) noexcept;
    bool paused() const noexcept { return paused_holders_ != 0 || kept_; }
    void Closing(Session& session);
    void Finished(Session& session);
    void TellGone(Session& session);
    HandshakeStats& handshakes() noexcept { return stats_.handshakes; }
    // `consequence`: what happens to a client that has just become slow.
    void WarnSlow(const ClientInfo& client, std::string_view consequence);
    void NotePing(int64_t rtt_us) noexcept;

    Holder* FindHolder(uint64_t id) noexcept;
    void SetPaused(Holder& holder, bool paused);
    void ResumeSessions();
    void NotifyReady();
    void Sweep();
    void ScheduleSweep();
    void Reap();
    void RemoveReleased();
    void Post(void (Endpoint::*method)());
    template <typename Call>
    void ForEachListener(const Call& call);

    ServerContext* context_;
    std::string path_;
    EndpointSettings settings_;
    std::unique_ptr<SharedDeflaters> own_deflaters_;  // null: those of the loop, whose level is the default
    Hub hub_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::vector<std::unique_ptr<Session>> finished_;  // freed in a later turn
    std::vector<std::unique_ptr<Holder>> holders_;
    size_t listeners_ = 0;
    size_t paused_holders_ = 0;
    size_t open_clients_ = 0;
    uint64_t last_holder_id_ = 0;
    int calls_ = 0;  // listeners being called: their list stays as it is
    bool closing_ = false;
    bool kept_ = false;
    int64_t last_slow_warning_ms_ = 0;
    uint64_t slow_warnings_held_ = 0;
    EndpointStats stats_;
    io::Timer sweep_timer_;
    std::shared_ptr<Endpoint*> self_;  // shared with posted tasks, which find null when it is gone
};

// A share in an endpoint: while one exists the path is served. Released on destruction; the server outlives
// it. Home loop only.
class EndpointRef {
  public:
    EndpointRef() = default;
    EndpointRef(EndpointRef&& other) noexcept;
    EndpointRef& operator=(EndpointRef&& other) noexcept;
    ~EndpointRef() { Reset(); }

    explicit operator bool() const noexcept { return endpoint_ != nullptr; }
    Endpoint* operator->() const noexcept { return endpoint_; }
    Endpoint& operator*() const noexcept { return *endpoint_; }
    // Why some of the settings asked for do not hold: the endpoint existed with others. Empty when all is
    // well.
    const std::string& warning() const noexcept { return warning_; }

    // One listener per share; it outlives the share or the next call. Null unsubscribes.
    void Subscribe(EndpointListener* listener);
    // After Intake::kPause.
    void Resume();
    // Runs `ready` once, from the loop, when publishing is worth a try again (no client blocks, wants_pause()
    // is false); in the next turn when it is already. While no client is connected nothing can block: then it
    // runs when one has come. Another call replaces it.
    void WhenReady(std::function<void()> ready);
    // Runs `ready` once when a client has connected or has_room() may be true again; now and then for
    // nothing. Replaces WhenReady().
    void WhenRoom(std::function<void()> ready);
    void Reset();

  private:
    friend class Server;
    EndpointRef(Server& server, Endpoint& endpoint, uint64_t holder, std::string warning)
        : server_(&server), endpoint_(&endpoint), holder_(holder), warning_(std::move(warning)) {}

    Server* server_ = nullptr;
    Endpoint* endpoint_ = nullptr;
    uint64_t holder_ = 0;
    std::string warning_;
};

}  // namespace haumea::ws
