#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "cli/commands.h"
#include "io/loop.h"
#include "io/signal_waiter.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::cli {
namespace {

// What both roles do with a message: print it, count it, stop after enough of them. Loop only.
class Printer {
  public:
    Printer(io::Loop& loop, const WatchOptions& options) : loop_(loop), options_(options), tick_(loop) {
        if (options_.rate) {
            Tick();
        }
    }

    void Message(const BufferView& payload, bool is_text) {
        if (options_.count > 0 && total_ == options_.count) {
            return;  // more of them may come in the turn in which the loop is stopped
        }
        ++messages_;
        ++total_;
        bytes_ += payload.len;
        if (!options_.rate) {
            if (is_text) {
                std::fwrite(payload.ptr, 1, payload.len, stdout);
            } else {
                fmt::print("<{} bytes>", payload.len);
            }
            std::fputc('\n', stdout);
            if (!flush_pending_) {
                flush_pending_ = true;
                loop_.OnTurnEnd([this] {
                    flush_pending_ = false;
                    std::fflush(stdout);
                });
            }
        }
        if (options_.count > 0 && total_ >= options_.count) {
            std::fflush(stdout);
            loop_.Stop();
        }
    }

  private:
    void Tick() {
        tick_.Start(1000, [this] {
            fmt::print("{} messages/s, {:.1f} kB/s, {} messages in all\n", messages_,
                       static_cast<double>(bytes_) / 1e3, total_);
            std::fflush(stdout);
            messages_ = 0;
            bytes_ = 0;
            Tick();
        });
    }

    io::Loop& loop_;
    const WatchOptions& options_;
    io::Timer tick_;
    int64_t messages_ = 0;
    int64_t total_ = 0;
    size_t bytes_ = 0;
    bool flush_pending_ = false;
};

// A message that cannot be dropped by Ctrl-C in the middle: everything the loop says goes to standard error.
// A remote's close reason is among it, hence OneLine().
void Say(const std::string& text) { fmt::print(stderr, "{}\n", log::OneLine(text)); }

class WatchClient final : public ws::ClientListener {
  public:
    WatchClient(io::Loop& loop, const WatchOptions& options, std::string url)
        : printer_(loop, options), url_(std::move(url)) {}

    void OnMessage(const BufferView& payload, bool is_text) override { printer_.Message(payload, is_text); }
    void OnState(const ws::ClientStatus& status) override {
        if (status.state == ws::ClientState::kConnected) {
            Say(fmt::format("connected to {}", url_));
        } else if (!status.last_error.empty() && status.last_error != said_) {
            Say(fmt::format("{}: {}; trying again", url_, status.last_error));
            said_ = status.last_error;
        }
    }

  private:
    Printer printer_;
    std::string url_;
    std::string said_;
};

class WatchServer final : public ws::EndpointListener {
  public:
    WatchServer(io::Loop& loop, const WatchOptions& options) : printer_(loop, options) {}

    ws::Intake OnMessage(const BufferView& payload, bool is_text, const ws::ClientInfo&) noexcept override {
        printer_.Message(payload, is_text);
        return ws::Intake::kContinue;
    }
    void OnConnect(const ws::ClientInfo& client) noexcept override {
        Say(fmt::format("{} connected", client.remote_address));
    }
    void OnDisconnect(const ws::ClientInfo& client, ws::CloseCode,
                      const std::string& reason) noexcept override {
        Say(fmt::format("{} left: {}", client.remote_address, reason));
    }

  private:
    Printer printer_;
};

struct Url {
    bool secure = false;
    std::string address;
    std::string path;
};

// "ws://host:port/path", or without scheme for --listen.
std::optional<Url> ParseUrl(std::string_view text, bool scheme_required) {
    Url url;
    if (text.starts_with("ws://")) {
        text.remove_prefix(5);
    } else if (text.starts_with("wss://")) {
        text.remove_prefix(6);
        url.secure = true;
    } else if (scheme_required) {
        return std::nullopt;
    }
    const size_t slash = text.find('/');
    url.address = text.substr(0, slash);
    url.path = slash == std::string_view::npos ? "/" : text.substr(slash);
    return url;
}

int Fail(const std::string& text) {
    Say("watch: " + text);
    return 1;
}

}  // namespace

int Watch(const WatchOptions& options) {
    const bool listens = !options.listen.empty();
    const auto url = ParseUrl(listens ? options.listen : options.url, !listens);
    if (!url) {
        Say(fmt::format("watch: \"{}\" is no WebSocket address; it looks like ws://127.0.0.1:10081/path",
                        options.url));
        return 2;
    }
    const auto address = ws::ParseHostPort(url->address, url->secure ? 443 : 80);
    if (!address) {
        return Fail(address.error().message);
    }
    if (options.insecure) {
        Say(url->secure ? "warning: the server's certificate is not verified (--insecure)"
                        : "warning: --insecure has no effect without wss://");
    }
    // Standard output is for messages alone; what is worth saying, Say() says.
    log::SetLevel(log::Level::kOff);
    io::Loop loop;
    const io::SignalWaiter signals([&loop](int) { loop.Stop(); });
    io::Timer limit(loop);
    std::unique_ptr<ws::ClientPool> pool;
    std::unique_ptr<ws::Server> server;
    WatchClient client(loop, options, options.url);
    WatchServer listener(loop, options);
    ws::ClientRef connection;
    ws::EndpointRef endpoint;
    std::string failure;
    loop.Post([&] {
        if (options.seconds > 0) {
            limit.Start(static_cast<int64_t>(options.seconds * 1000), [&loop] { loop.Stop(); });
        }
        if (listens) {
            ws::ServerSettings settings;
            settings.address = address->host;
            settings.port = address->port;
            server = std::make_unique<ws::Server>(loop, settings);
            auto acquired = server->Acquire(url->path, ws::EndpointSettings{}, "watch");
            if (!acquired) {
                failure = acquired.error().message;
                loop.Stop();
                return;
            }
            endpoint = std::move(*acquired);
            endpoint.Subscribe(&listener);
            Say(fmt::format("waiting for clients on ws://{}:{}{}", address->host, server->port(), url->path));
            return;
        }
        pool = std::make_unique<ws::ClientPool>(loop);
        ws::ClientTarget target;
        target.host = address->host;
        target.port = address->port;
        target.path = url->path;
        if (url->secure) {
            target.tls.emplace();
            target.tls->insecure_skip_verify = options.insecure;
        }
        auto acquired = pool->Acquire(target, ws::ClientBehaviour{}, client);
        if (!acquired) {
            failure = acquired.error().message;
            loop.Stop();
            return;
        }
        connection = std::move(*acquired);
    });
    loop.Run();
    if (!failure.empty()) {
        return Fail(failure);
    }
    // Says goodbye: what is connected gets a close frame, and a moment to answer it.
    loop.Post([&] {
        connection.Reset();
        endpoint.Reset();
        limit.Start(1000, [&loop] { loop.Stop(); });
        if (pool) {
            pool->OnIdle([&loop] { loop.Stop(); });
        }
        if (server) {
            server->OnIdle([&loop] { loop.Stop(); });
        }
    });
    loop.Run();
    std::fflush(stdout);
    return 0;
}

}  // namespace haumea::cli
