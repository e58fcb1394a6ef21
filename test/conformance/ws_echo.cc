// Echoes WebSocket messages, for conformance suites:
//   ws_echo --server PORT [--tls CERT KEY]   serves every path of the form /x and "/"
//   ws_echo --client URL AGENT               runs the cases of an Autobahn fuzzing server: /getCaseCount,
//   then
//                                            each of /runCase?case=N&agent=AGENT, at the end
//                                            /updateReports?agent=AGENT; certificates are not checked

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "io/loop.h"
#include "io/tls.h"
#include "ws/client.h"
#include "ws/client_dial.h"
#include "ws/server.h"

namespace haumea::ws {
namespace {

constexpr size_t kMaxMessageBytes = 64U << 20U;

// ---- client role ----

// One connection that echoes until its server has closed it.
class EchoClient final : public ClientListener {
  public:
    EchoClient(io::Loop& loop, const ClientTarget& target, Client::Connect connect) : loop_(loop) {
        Client::Environment environment;
        environment.scheduler = &loop;
        environment.at_turn_end = [&loop](io::Scheduler::Task task) { loop.OnTurnEnd(std::move(task)); };
        environment.connect = std::move(connect);
        ClientBehaviour behaviour;
        behaviour.max_message_bytes = kMaxMessageBytes;
        behaviour.backlog_bytes = 2 * kMaxMessageBytes;
        client_ = std::make_unique<Client>(std::move(environment), target, behaviour);
        client_->Attach(*this);
        client_->Start();
    }

    // The last message when `echo` is off.
    std::string last_message;
    bool echo = true;

    void OnMessage(const BufferView& payload, bool is_text) override {
        if (!echo) {
            last_message = payload.view();
            return;
        }
        client_->Send(*this, payload.owner ? payload : BufferView::Copy(payload.view()), is_text,
                      WhenFull::kBlock);
        // Before the next frame is looked at: when that one is bad, the connection ends without the queue.
        client_->Flush();
    }
    void OnState(const ClientStatus& status) override {
        if (status.state == ClientState::kConnecting) {
            std::fprintf(stderr, "%s\n", status.last_error.c_str());
        }
        if (status.state == ClientState::kConnecting || status.state == ClientState::kDisconnected) {
            client_->Close([this] { loop_.Stop(); });
        }
    }

  private:
    io::Loop& loop_;
    std::unique_ptr<Client> client_;
};

std::optional<ClientTarget> ParseUrl(std::string_view url) {
    ClientTarget target;
    target.deflate.enabled = true;
    if (url.starts_with("wss://")) {
        target.tls.emplace().insecure_skip_verify = true;
        url.remove_prefix(6);
    } else if (url.starts_with("ws://")) {
        url.remove_prefix(5);
    } else {
        return std::nullopt;
    }
    const size_t slash = url.find('/');
    const auto address = ParseHostPort(url.substr(0, slash), target.tls ? 443 : 80);
    if (!address) {
        return std::nullopt;
    }
    target.host = address->host;
    target.port = address->port;
    target.path = slash == std::string_view::npos ? "" : url.substr(slash);
    while (target.path.ends_with('/')) {
        target.path.pop_back();
    }
    return target;
}

// Runs one connection to its end and returns the last message when `echo` is false.
std::string RunOnce(const ClientTarget& base, const std::string& path, bool echo) {
    io::Loop loop;
    ClientTarget target = base;
    target.path += path;
    auto connect = MakeDialer(loop, target, 0);
    if (!connect) {
        std::fprintf(stderr, "%s\n", connect.error().message.c_str());
        return "";
    }
    EchoClient client(loop, target, std::move(*connect));
    client.echo = echo;
    loop.Run();
    return client.last_message;
}

int RunClient(std::string_view url, const std::string& agent) {
    const auto target = ParseUrl(url);
    if (!target) {
        std::fprintf(stderr, "\"%s\" is not ws://host:port\n", std::string(url).c_str());
        return 2;
    }
    const std::string answer = RunOnce(*target, "/getCaseCount", false);
    int count = 0;
    std::from_chars(answer.data(), answer.data() + answer.size(), count);
    for (int i = 1; i <= count; ++i) {
        RunOnce(*target, fmt::format("/runCase?case={}&agent={}", i, agent), true);
    }
    RunOnce(*target, fmt::format("/updateReports?agent={}", agent), false);
    return count > 0 ? 0 : 1;
}

// ---- server role ----

// Suites run one connection at a time, so a message to all clients is an echo.
class EchoEndpoint final : public EndpointListener {
  public:
    Result<> Open(Server& server, std::string_view path) {
        EndpointSettings settings;
        settings.max_message_bytes = kMaxMessageBytes;
        settings.backlog.bytes = 2 * kMaxMessageBytes;
        settings.permessage_deflate = true;
        settings.max_control_frames_per_second = 100'000;
        HAUMEA_TRY(endpoint_, server.Acquire(path, settings, "echo"));
        endpoint_.Subscribe(this);
        return {};
    }
    Intake OnMessage(const BufferView& payload, bool is_text,
                     const ClientInfo& /*client*/) noexcept override {
        endpoint_->Publish(payload.owner ? payload : BufferView::Copy(payload.view()), is_text);
        return Intake::kContinue;
    }
    void OnConnect(const ClientInfo& /*client*/) noexcept override {}
    void OnDisconnect(const ClientInfo& /*client*/, CloseCode /*code*/,
                      const std::string& /*reason*/) noexcept override {}

  private:
    EndpointRef endpoint_;
};

int RunServer(uint16_t port, const std::optional<io::TlsServerOptions>& tls) {
    io::Loop loop;
    ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = port;
    if (tls) {
        const auto context = io::TlsContext::ForServer(*tls);
        if (!context) {
            std::fprintf(stderr, "%s\n", context.error().message.c_str());
            return 1;
        }
        settings.wrap = [context = *context](std::unique_ptr<io::Stream> stream) {
            return io::TlsStream::Server(std::move(stream), *context);
        };
    }
    Server server(loop, settings);
    EchoEndpoint root;
    EchoEndpoint any;
    for (auto [endpoint, path] : {std::pair(&root, "/"), std::pair(&any, "/{name}")}) {
        if (const auto opened = endpoint->Open(server, path); !opened) {
            std::fprintf(stderr, "%s\n", opened.error().message.c_str());
            return 1;
        }
    }
    loop.Run();
    return 0;
}

}  // namespace
}  // namespace haumea::ws

int main(int argc, char** argv) {
    haumea::log::Init(haumea::log::Level::kError, true, "");
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "--client" && argc == 4) {
        return haumea::ws::RunClient(argv[2], argv[3]);
    }
    const bool tls = argc == 6 && std::string_view(argv[3]) == "--tls";
    if (mode == "--server" && (argc == 3 || tls)) {
        std::optional<haumea::io::TlsServerOptions> options;
        if (tls) {
            options.emplace().certificate.file = argv[4];
            options->key.file = argv[5];
        }
        return haumea::ws::RunServer(static_cast<uint16_t>(std::atoi(argv[2])), options);
    }
    std::fprintf(stderr, "usage: ws_echo --server PORT [--tls CERT KEY] | --client URL AGENT\n");
    return 2;
}
