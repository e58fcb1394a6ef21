#include "ws/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "ws/handshake.h"
#include "ws/origin.h"
#include "ws/server_handshake.h"
#include "ws/server_path.h"
#include "ws/session.h"

namespace haumea::ws {
namespace {

// Handshakes under way beyond what may become clients, in total and of one address: room to tell others why
// they are refused. Beyond it the oldest one goes, first those that have been refused: a flood pushes itself
// out, and who comes next gets its turn.
constexpr size_t kHandshakeRoom = 256;
constexpr size_t kHandshakeRoomPerAddress = 64;
constexpr uint32_t kRefusalsLoggedPerSecond = 10;

bool IsLoopback(std::string_view address) noexcept {
    return address.starts_with("127.") || address == "[::1]" || address.starts_with("[::ffff:127.");
}

}  // namespace

Server::Server(io::Loop& loop, ServerSettings settings)
    : Server(
          loop, [&loop](io::Scheduler::Task task) { loop.OnTurnEnd(std::move(task)); }, std::move(settings)) {
    loop_ = &loop;
}

Server::Server(io::Scheduler& scheduler, std::function<void(io::Scheduler::Task)> at_turn_end,
               ServerSettings settings)
    : settings_(std::move(settings)), self_(std::make_shared<Server*>(this)) {
    context_.scheduler = &scheduler;
    context_.at_turn_end = std::move(at_turn_end);
    context_.server = this;
}

Server::~Server() { *self_ = nullptr; }

Result<EndpointRef> Server::Acquire(std::string_view path, const EndpointSettings& settings,
                                    std::string holder) {
    if (const std::string problem = CheckEndpointPath(path); !problem.empty()) {
        return Failf("websocket endpoint {}: {}", path, problem);
    }
    std::string warning;
    Endpoint* endpoint = Find(path);
    if (endpoint == nullptr) {
        if (auto listening = Listen(); !listening) {
            return Fail(std::move(listening.error()).With(fmt::format("websocket endpoint {}", path)));
        }
        auto made = std::make_unique<Endpoint>(context_, std::string(path));
        endpoint = made.get();
        endpoints_.emplace(CanonicalPath(path), std::move(made));
        if (IsPathTemplate(path)) {
            templates_.push_back(endpoint);
        }
    }
    const std::vector<std::string> others = endpoint->holders();
    const uint64_t id = endpoint->AddHolder(std::move(holder), settings);
    if (const auto differing = settings.DifferingFrom(endpoint->settings()); !differing.empty()) {
        warning = fmt::format(
            "websocket endpoint {} exists with other settings, which hold instead of those given here ({}); "
            "it "
            "is used by {}",
            path, fmt::join(differing, ", "), fmt::join(others, ", "));
    }
    return EndpointRef(*this, *endpoint, id, std::move(warning));
}

Endpoint* Server::Find(std::string_view path) const noexcept {
    const auto found = path.starts_with('/') ? endpoints_.find(CanonicalPath(path)) : endpoints_.end();
    return found == endpoints_.end() ? nullptr : found->second.get();
}

std::vector<Endpoint*> Server::endpoints() const {
    std::vector<Endpoint*> list;
    for (const auto& [path, endpoint] : endpoints_) {
        list.push_back(endpoint.get());
    }
    std::sort(list.begin(), list.end(),
              [](const Endpoint* a, const Endpoint* b) { return a->path() < b->path(); });
    return list;
}

Result<void> Server::Listen() {
    if (listener_ != nullptr || loop_ == nullptr) {
        return {};
    }
    if (settings_.prepare) {
        HAUMEA_TRY_VOID(settings_.prepare());
    }
    // No TCP_USER_TIMEOUT: a client that reads nothing for a while is slow, not dead; pings tell.
    auto accept = [this](std::unique_ptr<io::Stream> stream) { Adopt(std::move(stream)); };
    HAUMEA_TRY(listener_, io::Listener::Open(*loop_, settings_.address, settings_.port, io::SocketOptions{},
                                             std::move(accept)));
    log::Info("websocket server: listens on {}, port {}", settings_.address, listener_->port());
    return {};
}

Result<void> Server::Check() {
    const bool was_listening = listening();
    HAUMEA_TRY_VOID(Listen());
    if (!was_listening) {
        listener_.reset();
    }
    return {};
}

void Server::SetFarewell(CloseCode code, std::string reason) {
    farewell_code_ = code;
    farewell_ = std::move(reason);
}

bool Server::idle() const noexcept {
    return client_count_ == 0 && closing_.empty() && reading_.empty() && refused_.empty();
}

void Server::OnIdle(std::function<void()> callback) {
    on_idle_ = std::move(callback);
    ScheduleReap();
}

void Server::Adopt(std::unique_ptr<io::Stream> stream) {
    if (settings_.wrap) {
        stream = settings_.wrap(std::move(stream));
        if (stream == nullptr) {
            ++handshakes_.ended_early;
            return;
        }
    }
    auto made = std::make_unique<PendingHandshake>(*this, std::move(stream));
    PendingHandshake& handshake = *made;
    MakeRoom(handshake.address());
    Address& address = addresses_[handshake.address()];
    handshake.place_ = reading_.insert(reading_.end(), std::move(made));
    handshake.place_in_address_ = address.reading.insert(address.reading.end(), &handshake);
    handshake.Start();
}

void Server::MakeRoom(std::string_view address) {
    const auto found = addresses_.find(std::string(address));
    if (found != addresses_.end()) {
        const Address& of = found->second;
        if (of.reading.size() + of.refused.size() >=
            settings_.max_clients_per_address + kHandshakeRoomPerAddress) {
            Evict(of.refused.empty() ? *of.reading.front() : *of.refused.front());
        }
    }
    if (reading_.size() + refused_.size() >= settings_.max_clients + kHandshakeRoom) {
        Evict(refused_.empty() ? *reading_.front() : *refused_.front());
    }
}

void Server::Evict(PendingHandshake& handshake) {
    handshakes_.over_limit += handshake.reading() ? 1 : 0;
    handshake.End();
}

void Server::Decide(PendingHandshake& handshake) {
    if (handshake.reader().state() != HttpHeadReader::State::kDone) {
        ++handshakes_.malformed;
        handshake.Refuse(RejectBadHead(handshake.reader()));
        return;
    }
    UpgradeCheck check = CheckUpgrade(handshake.reader().head());
    ClientInfo client;
    Endpoint* endpoint = check.request.path.empty() ? nullptr : Match(check.request.path, client);
    // Counted for the server, and for the endpoint when there is one.
    const auto count = [&](uint64_t HandshakeStats::* cause) {
        ++(handshakes_.*cause);
        if (endpoint != nullptr) {
            ++(endpoint->handshakes().*cause);
        }
    };
    std::optional<Rejection> rejection = std::move(check.rejection);
    if (!rejection) {
        rejection = Judge(handshake, check.request, endpoint, count);
    } else if (endpoint == nullptr && !check.request.path.empty()) {
        rejection = NoSuchPath(check.request.path, count);  // whatever else is wrong with it
    } else {
        count(rejection->status == 405   ? &HandshakeStats::wrong_method
              : rejection->status == 426 ? &HandshakeStats::wrong_version
                                         : &HandshakeStats::malformed);
    }
    if (!rejection) {
        Accept(handshake, check.request, *endpoint, std::move(client));
        return;
    }
    if (handshake.reader().head().method == "HEAD") {
        rejection->DropBody();
    }
    handshake.Refuse(std::move(*rejection));
}

Rejection Server::NoSuchPath(std::string_view path, const CountHandshake& count) {
    count(&HandshakeStats::unknown_path);
    return Reject(404, fmt::format("no WebSocket endpoint {}", path.substr(0, 200)));
}

// What the server as a whole has against a well-formed request.
std::optional<Rejection> Server::Judge(PendingHandshake& handshake, const UpgradeRequest& request,
                                       const Endpoint* endpoint, const CountHandshake& count) {
    const Peer peer = IsLoopback(handshake.address()) ? Peer::kLoopback : Peer::kRemote;
    if (!IsOriginAllowed(request.origin, request.host, peer, settings_.allowed_origins)) {
        count(&HandshakeStats::origin_refused);
        return Reject(
            403, fmt::format("pages of origin {} may not connect; add it to the setting allowedOrigins of "
                             "the data server, or \"*\" for all",
                             request.origin));
    }
    if (endpoint == nullptr) {
        return NoSuchPath(request.path, count);
    }
    const auto over = [&](std::string_view setting, size_t limit) {
        count(&HandshakeStats::over_limit);
        return Reject(503, fmt::format("too many clients: {} is {}", setting, limit));
    };
    if (client_count_ >= settings_.max_clients) {
        return over("maxClients of the data server", settings_.max_clients);
    }
    if (addresses_[handshake.address()].clients >= settings_.max_clients_per_address) {
        return over("maxClientsPerAddress", settings_.max_clients_per_address);
    }
    if (endpoint->client_count() >= endpoint->settings().max_clients) {
        return over("maxClients of this endpoint", endpoint->settings().max_clients);
    }
    if (const auto& ours = endpoint->settings().subprotocols;
        !ours.empty() && !request.subprotocols.empty() &&
        std::find_first_of(ours.begin(), ours.end(), request.subprotocols.begin(),
                           request.subprotocols.end()) == ours.end()) {
        count(&HandshakeStats::subprotocol);
        return Reject(400,
                      fmt::format("none of the subprotocols offered is spoken here; this endpoint speaks "
                                  "{} (subprotocols)",
                                  fmt::join(ours, ", ")));
    }
    return std::nullopt;
}

void Server::Accept(PendingHandshake& handshake, const UpgradeRequest& request, Endpoint& endpoint,
                    ClientInfo client) {
    const EndpointSettings& settings = endpoint.settings();
    const AcceptOptions options{.subprotocols = settings.subprotocols,
                                .deflate = {.enabled = settings.permessage_deflate,
                                            .server_window_bits = settings.deflate.window_bits},
                                .headers = {}};
    const AcceptedUpgrade accepted = AcceptUpgrade(request, options);
    client.id = ++last_client_id_;
    client.remote_address = handshake.stream().remote_address();
    client.path = request.path;
    client.query = request.query;
    client.subprotocol = accepted.subprotocol;
    client.secure = handshake.stream().secure();
    client.since_ms = context_.scheduler->clock().NowMs();
    for (const std::string& name : settings.metadata_headers) {
        if (std::string value = request.head->Joined(name); !value.empty()) {
            client.headers.emplace_back(name, std::move(value));
        }
    }
    ++handshakes_.accepted;
    ++endpoint.handshakes().accepted;
    std::unique_ptr<io::Stream> stream = handshake.TakeStream();
    const std::string early = handshake.early();
    ++client_count_;
    ++addresses_[handshake.address()].clients;
    Unlist(handshake);
    endpoint.AddClient(std::move(stream), std::move(client), accepted.deflate, accepted.response, early);
}

Endpoint* Server::Match(std::string_view path, ClientInfo& client) const {
    if (Endpoint* exact = Find(path); exact != nullptr && !IsPathTemplate(exact->path())) {
        return exact;
    }
    for (Endpoint* endpoint : templates_) {
        client.path_variables.clear();
        if (MatchTemplate(endpoint->path(), path, client.path_variables)) {
            return endpoint;
        }
    }
    return nullptr;
}

void Server::Refused(PendingHandshake& handshake) {
    Address& address = addresses_[handshake.address()];
    address.refused.splice(address.refused.end(), address.reading, handshake.place_in_address_);
    refused_.splice(refused_.end(), reading_, handshake.place_);
}

// It is over, as a client or with its connection. Freed in a later turn: its own methods may be running.
void Server::Unlist(PendingHandshake& handshake) {
    Address& address = addresses_[handshake.address()];
    (handshake.refused() ? address.refused : address.reading).erase(handshake.place_in_address_);
    dropped_.splice(dropped_.end(), handshake.refused() ? refused_ : reading_, handshake.place_);
    ForgetAddress(handshake.address());
    ScheduleReap();
}

// Unless it still has something here.
void Server::ForgetAddress(const std::string& address) {
    const auto found = addresses_.find(address);
    if (found != addresses_.end() && found->second.clients == 0 && found->second.reading.empty() &&
        found->second.refused.empty()) {
        addresses_.erase(found);
    }
}

// A flood of bad requests is counted, not written down.
bool Server::MayLogRefusal(int status) {
    const int64_t second = context_.scheduler->clock().MonotonicNs() / 1'000'000'000;
    if (second != refusals_second_) {
        refusals_second_ = second;
        refusals_logged_ = {};
    }
    // Contract 3: the line that names allowedOrigins is not lost among others.
    return ++refusals_logged_[status == 403 ? 0 : 1] <= kRefusalsLoggedPerSecond;
}

void Server::ClientGone(const ClientInfo& client) {
    const std::string address(HostPart(client.remote_address));
    --client_count_;
    --addresses_[address].clients;
    ForgetAddress(address);
    ScheduleReap();
}

void Server::Release(Endpoint& endpoint, uint64_t holder) {
    endpoint.RemoveHolder(holder);
    if (!endpoint.holders().empty()) {
        return;
    }
    if (holds_ != 0) {
        endpoint.SetKept(true);
    } else {
        CloseEndpoint(endpoint);
    }
}

void Server::LetGo() {
    if (holds_ == 0 || --holds_ != 0) {
        return;
    }
    for (Endpoint* endpoint : endpoints()) {
        if (endpoint->holders().empty()) {
            CloseEndpoint(*endpoint);
        } else {
            endpoint->SetKept(false);
        }
    }
    StopIfUnused();
}

void Server::CloseEndpoint(Endpoint& endpoint) {
    const auto found = endpoints_.find(CanonicalPath(endpoint.path()));
    closing_.push_back(std::move(found->second));
    endpoints_.erase(found);
    std::erase(templates_, &endpoint);
    endpoint.CloseAll(farewell_code_, farewell_);
    ScheduleReap();
    StopIfUnused();
}

void Server::StopIfUnused() {
    if (endpoints_.empty() && holds_ == 0) {
        if (listener_ != nullptr) {
            log::Info("websocket server: port {} is closed, no endpoint is left", listener_->port());
            listener_.reset();
        }
        RefuseHandshakes();
    }
}

// The port is closed: nothing can come of those under way, and a shutdown does not wait for them.
void Server::RefuseHandshakes() {
    std::vector<PendingHandshake*> waiting;
    for (const auto& handshake : reading_) {
        waiting.push_back(handshake.get());
    }
    for (PendingHandshake* handshake : waiting) {
        ++handshakes_.unknown_path;
        handshake->Refuse(Reject(503, "no endpoint is served any more"));
    }
}

void Server::EndpointDrained(Endpoint&) { ScheduleReap(); }

void Server::ScheduleReap() {
    if (!std::exchange(reap_posted_, true)) {
        context_.scheduler->Post([weak = std::weak_ptr<Server*>(self_)] {
            if (const auto self = weak.lock()) {
                (*self)->Reap();
            }
        });
    }
}

void Server::Reap() {
    reap_posted_ = false;
    dropped_.clear();
    std::erase_if(closing_, [](const auto& endpoint) { return endpoint->drained(); });
    if (on_idle_ && idle()) {
        std::exchange(on_idle_, nullptr)();
    }
}

}  // namespace haumea::ws
