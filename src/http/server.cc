#include "http/server.h"

#include <fmt/core.h>

#include <exception>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "http/session.h"
#include "io/stream.h"
#include "io/tls.h"

namespace haumea::http {
namespace {

class ListeningServer final : public Server {
  public:
    ListeningServer(io::Loop& loop, const ServerOptions& options, std::function<Response(Request)> handler)
        : loop_(loop), options_(options), handler_(std::move(handler)) {}

    Result<> Open() {
        if (options_.cert_file.empty() != options_.key_file.empty()) {
            return Failf("certificate and key file belong together: set both or none");
        }
        if (!options_.cert_file.empty()) {
            io::TlsServerOptions tls;
            tls.certificate.file = options_.cert_file;
            tls.key.file = options_.key_file;
            HAUMEA_TRY(tls_, io::TlsContext::ForServer(tls));
        }
        HAUMEA_TRY(listener_, io::Listener::Open(
                                  loop_, options_.address, options_.port, {},
                                  [this](std::unique_ptr<io::Stream> stream) { Accept(std::move(stream)); }));
        return {};
    }
    uint16_t port() const override { return listener_->port(); }
    void RetryPostponed() override {
        HAUMEA_ASSERT_LOOP(loop_);
        for (const auto& [id, session] : sessions_) {  // none comes or goes meanwhile
            session->Retry();
        }
    }

  private:
    void Accept(std::unique_ptr<io::Stream> stream) {
        HAUMEA_ASSERT_LOOP(loop_);
        if (sessions_.size() >= options_.max_connections) {
            if (!std::exchange(full_, true)) {
                log::Warn(
                    "http server on port {}: more than {} connections at once, further ones are refused with "
                    "503",
                    port(), options_.max_connections);
            }
            std::string refusal =
                SerializeResponse({503, "text/plain; charset=utf-8", "too many connections\n", {}}, true);
            // To a client that speaks TLS this is a failed handshake: it is not worth one now.
            const iovec part{refusal.data(), refusal.size()};
            [[maybe_unused]] const io::IoResult best_effort = stream->Write({&part, 1});
            stream->Close();
            return;
        }
        if (tls_) {
            stream = io::TlsStream::Server(std::move(stream), *tls_);
        }
        const uint64_t id = ++last_id_;
        Session::Options options;
        options.limits.max_header_bytes = options_.max_header_bytes;
        options.limits.max_body_bytes = options_.max_body_bytes;
        options.request_timeout_ms = options_.request_timeout_ms;
        auto session = std::make_unique<Session>(
            loop_, std::move(stream), options, [this](Request request) { return Handle(std::move(request)); },
            [this, id] { Forget(id); });
        Session& started = *session;
        sessions_.emplace(id, std::move(session));
        started.Start();
    }

    // The session is still on the stack: it is destroyed in a turn of its own.
    void Forget(uint64_t id) {
        loop_.Post([this, id, alive = std::weak_ptr<bool>(alive_)] {
            if (!alive.expired()) {
                sessions_.erase(id);
                full_ = full_ && sessions_.size() >= options_.max_connections;
            }
        });
    }

    Response Handle(Request request) {
        const std::string what = request.method + " " + request.path;
        try {
            return handler_(std::move(request));
        } catch (const std::exception& e) {
            log::Error("{} failed: {}", what, e.what());
            return {500, "text/plain; charset=utf-8", "internal error, see the log of the server\n", {}};
        }
    }

    io::Loop& loop_;
    ServerOptions options_;
    std::function<Response(Request)> handler_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted calls may outlive the server
    std::shared_ptr<io::TlsContext> tls_;                         // shared by its type; null: plain HTTP
    uint64_t last_id_ = 0;
    bool full_ = false;
    std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
    std::unique_ptr<io::Listener> listener_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Open(io::Loop& loop, const ServerOptions& options,
                                             std::function<Response(Request)> handler) {
    auto server = std::make_unique<ListeningServer>(loop, options, std::move(handler));
    HAUMEA_TRY_VOID(server->Open());
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace haumea::http
