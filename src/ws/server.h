#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/loop.h"
#include "io/stream.h"
#include "ws/endpoint.h"
#include "ws/handshake.h"
#include "ws/http_head.h"
#include "ws/server_context.h"

namespace haumea::ws {

class PendingHandshake;

// Settings of the data server (contract §3), all endpoints together.
struct ServerSettings {
    std::string address = "0.0.0.0";
    uint16_t port = 10081;                     // 0: the kernel chooses
    std::vector<std::string> allowed_origins;  // `allowedOrigins`; "*": every page
    size_t max_clients = 10'000;               // WebSocket clients; handshakes have bounds of their own
    size_t max_clients_per_address = 10'000;
    int64_t handshake_timeout_ms = 5'000;  // from accepting to the last byte of the request
    HttpHeadLimits head_limits;
    // Turns an accepted connection into a secure one; empty: plain TCP.
    std::function<std::unique_ptr<io::Stream>(std::unique_ptr<io::Stream>)> wrap;
    // Runs before the port is opened; its error is that of who needed the port. May be empty.
    std::function<Result<void>()> prepare;
};

// The data server: one port, endpoints by path. It listens from the first Acquire to the release of the last
// share. Owned by the engine; outlives every EndpointRef. Home loop only.
class Server {
  public:
    Server(io::Loop& loop, ServerSettings settings);
    // For tests and embedders that bring connections themselves (Adopt) and never listen: `at_turn_end` runs
    // a task once what is happening now has happened.
    Server(io::Scheduler& scheduler, std::function<void(io::Scheduler::Task)> at_turn_end,
           ServerSettings settings);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Cuts what is still connected. Close politely before by releasing every share and waiting for OnIdle().
    ~Server();

    // A share in the endpoint of `path` ("/x", or a template "/c/{id}"), which is made when it does not
    // exist. Fails with a text that names path, address, port and reason. `holder` is the name that holders()
    // shows.
    Result<EndpointRef> Acquire(std::string_view path, const EndpointSettings& settings, std::string holder);
    // The endpoint held under this path or template, null when there is none.
    Endpoint* Find(std::string_view path) const noexcept;
    std::vector<Endpoint*> endpoints() const;

    // Between these two an endpoint whose last share is released stays, with its clients, for whoever
    // acquires its path next: a rule that is replaced does not disconnect anybody.
    // What clients send meanwhile waits in their sockets. LetGo() closes what nobody has taken over. They
    // nest; LetGo() without HoldEndpoints() does nothing.
    void HoldEndpoints() { ++holds_; }
    void LetGo();

    // Can the server listen? Binds for a moment when it does not yet; no side effect remains.
    Result<void> Check();
    bool listening() const noexcept { return listener_ != nullptr; }
    // The port bound, 0 while not listening.
    uint16_t port() const noexcept { return listener_ ? listener_->port() : 0; }
    // No client, no handshake, nothing closing.
    bool idle() const noexcept;
    // Runs `callback` once, in a later turn, as soon as the server is idle; replaces one that still waits.
    void OnIdle(std::function<void()> callback);
    size_t client_count() const noexcept { return client_count_; }
    const HandshakeStats& handshake_stats() const noexcept { return handshakes_; }
    const ServerSettings& settings() const noexcept { return settings_; }

    // What clients are told when the last share of their endpoint is released, from now on.
    void SetFarewell(CloseCode code, std::string reason);

    // Serves a connection that came from elsewhere.
    void Adopt(std::unique_ptr<io::Stream> stream);

  private:
    friend class Endpoint;
    friend class EndpointRef;
    friend class PendingHandshake;

    // What one address has here.
    struct Address {
        size_t clients = 0;
        std::list<PendingHandshake*> reading;  // oldest first, as the next
        std::list<PendingHandshake*> refused;
    };

    Result<void> Listen();
    void Release(Endpoint& endpoint, uint64_t holder);
    void CloseEndpoint(Endpoint& endpoint);
    void StopIfUnused();
    Endpoint* Match(std::string_view path, ClientInfo& client) const;
    // The head is complete: the answer is written by the handshake, or by the session it has become.
    void Decide(PendingHandshake& handshake);
    // Counts one cause, for the server and for the endpoint if there is one.
    using CountHandshake = std::function<void(uint64_t HandshakeStats::*)>;
    std::optional<Rejection> Judge(PendingHandshake& handshake, const UpgradeRequest& request,
                                   const Endpoint* endpoint, const CountHandshake& count);
    static Rejection NoSuchPath(std::string_view path, const CountHandshake& count);
    void Accept(PendingHandshake& handshake, const UpgradeRequest& request, Endpoint& endpoint,
                ClientInfo client);
    void MakeRoom(std::string_view address);
    void Evict(PendingHandshake& handshake);
    void RefuseHandshakes();
    // The handshake has been refused: it is the first to go when there is no room.
    void Refused(PendingHandshake& handshake);
    void Unlist(PendingHandshake& handshake);
    void ForgetAddress(const std::string& address);
    bool MayLogRefusal(int status);
    void ClientGone(const ClientInfo& client);
    void EndpointDrained(Endpoint& endpoint);
    void Reap();
    void ScheduleReap();

    io::Loop* loop_ = nullptr;
    ServerSettings settings_;
    ServerContext context_;
    HandshakeStats handshakes_;
    std::unique_ptr<io::Listener> listener_;
    CloseCode farewell_code_ = CloseCode::kNormal;
    std::string farewell_ = "the endpoint was closed";
    std::unordered_map<std::string, std::unique_ptr<Endpoint>> endpoints_;  // by canonical path
    std::vector<Endpoint*> templates_;  // those of endpoints_ whose path has variables, oldest first
    std::vector<std::unique_ptr<Endpoint>> closing_;
    std::list<std::unique_ptr<PendingHandshake>> reading_;  // oldest first, as the next
    std::list<std::unique_ptr<PendingHandshake>> refused_;
    std::list<std::unique_ptr<PendingHandshake>> dropped_;
    std::unordered_map<std::string, Address> addresses_;
    size_t client_count_ = 0;
    size_t holds_ = 0;
    uint64_t last_client_id_ = 0;
    int64_t refusals_second_ = 0;
    std::array<uint32_t, 2> refusals_logged_{};  // in that second: of origins, of all else
    bool reap_posted_ = false;
    std::function<void()> on_idle_;
    std::shared_ptr<Server*> self_;  // shared with posted tasks, which find null when it is gone
};

}  // namespace haumea::ws
