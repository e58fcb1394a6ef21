#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "connect/services.h"
#include "connectors/builtin.h"
#include "connectors/testing.h"
#include "connectors/websocket/websocket_check.h"
#include "io/loop.h"
#include "ws/client_pool.h"
#include "ws/frame.h"
#include "ws/frame_parser.h"
#include "ws/handshake.h"
#include "ws/server.h"

namespace haumea::connectors {
namespace {

using Texts = std::vector<std::string>;

ws::ServerSettings LoopbackSettings() {
    ws::ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = 0;
    return settings;
}

// Both roles on one real loop: what the client role does ends at endpoints of the server role.
class WebSocketConnectors : public testing::Test {
  protected:
    WebSocketConnectors() : services_(loop_) {
        RegisterBuiltinConnectors(registry_);
        thread_ = std::thread([this] { loop_.Run(); });
        loop_.RunSync([this] {
            server_ = std::make_unique<ws::Server>(loop_, LoopbackSettings());
            pool_ = std::make_unique<ws::ClientPool>(loop_);
            services_.data_server = server_.get();
            services_.client_pool = pool_.get();
        });
    }
    ~WebSocketConnectors() override {
        loop_.RunSync([this] {
            actions_.clear();
            sources_.clear();
        });
        // Goodbyes are said by the loop.
        Until([this] { return pool_->idle() && server_->idle(); });
        loop_.RunSync([this] {
            pool_.reset();
            server_.reset();
        });
        loop_.Stop();
        thread_.join();
    }

    // Waits until `condition` holds on the loop.
    bool Until(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        for (;;) {
            bool holds = false;
            loop_.RunSync([&] { holds = condition(); });
            if (holds || std::chrono::steady_clock::now() > deadline) {
                return holds;
            }
            std::this_thread::yield();
        }
    }
    // On the loop.
    connect::Action* OpenAction(std::string_view props, std::string& error) {
        connect::SinkSpec spec;
        spec.rule_id = "rule1";
        spec.type = "websocket";
        spec.props = Props(props);
        auto action = connect::MakeAction(registry_, spec, {}, services_);
        if (!action) {
            error = action.error().message;
            return nullptr;
        }
        if (auto opened = (*action)->Open(); !opened) {
            error = opened.error().message;
            return nullptr;
        }
        return actions_.emplace_back(std::move(*action)).get();
    }
    void StartSource(const std::string& path, std::string_view props, Recorder& recorder) {
        connect::SourceSpec spec;
        spec.rule_id = "rule2";
        spec.type = "websocket";
        spec.datasource = path;
        spec.props = Props(props);
        auto source = registry_.FindSource("websocket")->make(spec, services_);
        ASSERT_TRUE(source) << source.error().message;
        const auto started = (*source)->Start(recorder);
        ASSERT_TRUE(started) << started.error().message;
        sources_.push_back(std::move(*source));
    }
    static void Emit(connect::Action& action, double a) {
        const Field field{"a", Value::Double(a)};
        const Value row = Value::Object({&field, 1});
        action.Emit({.rows = {&row, 1}});
    }
    std::string Remote(const std::string& path, const std::string& more = "") {
        return R"({"addr":"127.0.0.1:)" + std::to_string(server_->port()) + R"(","path":")" + path + "\"" +
               more + "}";
    }

    io::Loop loop_;
    connect::Services services_;
    connect::Registry registry_;
    std::thread thread_;
    std::unique_ptr<ws::Server> server_;
    std::unique_ptr<ws::ClientPool> pool_;
    std::vector<std::unique_ptr<connect::Action>> actions_;
    std::vector<std::unique_ptr<connect::Source>> sources_;
};

TEST_F(WebSocketConnectors, WhatTheClientRolePushesArrivesAtAServedSourceWithItsMetadata) {
    Recorder recorder;
    connect::Action* action = nullptr;
    std::string error;
    loop_.RunSync([&] {
        StartSource("/c/{id}", R"({"metadataHeaders":["X-Site"]})", recorder);
        action = OpenAction(Remote("/c/7?q=1", R"(,"requestHeader":{"X-Site":"north"})"), error);
        ASSERT_NE(action, nullptr) << error;
        Emit(*action, 1);
        Emit(*action, 2);
    });
    ASSERT_TRUE(Until(
        [&] { return recorder.messages.size() == 2 && action->nodes().back()->records_out.load() == 2; }));
    loop_.RunSync([&] {
        EXPECT_EQ(recorder.messages, (Texts{R"([{"a":1}])", R"([{"a":2}])"}));
        const Value meta = recorder.last_meta->object();
        EXPECT_EQ(meta.Get("id").text(), "7");
        EXPECT_EQ(meta.Get("path").text(), "/c/7");
        EXPECT_EQ(meta.Get("query").text(), "q=1");
        EXPECT_TRUE(meta.Get("remoteAddress").text().starts_with("127.0.0.1:"));
        EXPECT_EQ(meta.Get("headers").size(), 1U);
        EXPECT_EQ(action->nodes().back()->texts().connection, metrics::ConnectionState::kConnected);
    });
}

TEST_F(WebSocketConnectors, AServedSinkReachesEverybodyAndCountsWhatNobodyHears) {
    Recorder recorder;
    connect::Action* action = nullptr;
    std::string error;
    loop_.RunSync([&] {
        action = OpenAction(R"({"path":"/out","sendSingle":true})", error);
        ASSERT_NE(action, nullptr) << error;
        Emit(*action, 0);
        EXPECT_EQ(action->nodes().back()->dropped.load(), 1);
        EXPECT_NE(action->nodes().back()->texts().last_exception.find("no_client"), std::string::npos);
        StartSource("/out", Remote("/out"), recorder);
    });
    ASSERT_TRUE(Until([&] { return server_->Find("/out")->client_count() == 1; }));
    loop_.RunSync([&] { Emit(*action, 1); });
    ASSERT_TRUE(Until([&] { return recorder.messages.size() == 1; }));
    loop_.RunSync([&] {
        EXPECT_EQ(recorder.messages.front(), R"({"a":1})");
        EXPECT_EQ(recorder.state, metrics::ConnectionState::kConnected);
        EXPECT_EQ(action->nodes().back()->records_out.load(), 1);
    });
}

TEST_F(WebSocketConnectors, CheckConnectionWantsEndpointAndClient) {
    WebSocketConfig config;
    config.path = "/x";
    std::string error;
    loop_.RunSync([&] {
        auto checked = CheckEndpointConnected(config, *server_);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().message, "websocket has no endpoint /x");
        EXPECT_EQ(checked.error().code, ErrorCode::kIo);
        ASSERT_NE(OpenAction(R"({"path":"/x"})", error), nullptr);
        checked = CheckEndpointConnected(config, *server_);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().message, "websocket endpoint /x has no connection");
        ASSERT_NE(OpenAction(Remote("/x"), error), nullptr);
    });
    EXPECT_TRUE(Until([&] { return CheckEndpointConnected(config, *server_).has_value(); }));
}

TEST(UseConnection, TakesTheConnectionFromThereAndTheMessagesFromTheUser) {
    const auto merged = [](const char* user, const char* connection) {
        return config::ToJson(UseConnection(*config::ParseJson(user), *config::ParseJson(connection)));
    };
    EXPECT_EQ(
        merged(
            R"({"Addr":"a:1","datasource":"/u","requestHeader":{},"sendSingle":true,"messageType":"text"})",
            R"({"path":"/c"})"),
        R"({"sendSingle":true,"messageType":"text","path":"/c"})");
    EXPECT_EQ(merged(R"({"path":"/u","rootCaPath":"x"})", R"({"addr":"b:2"})"),
              R"({"path":"/u","addr":"b:2"})");
}

TEST(UseConnection, NamesWhatTheUserWroteInVain) {
    const auto hidden = [](const char* user, const char* connection) {
        Texts names;
        UseConnection(*config::ParseJson(user), *config::ParseJson(connection), &names);
        return names;
    };
    EXPECT_EQ(hidden(R"({"Addr":"a:1","path":"/c","rootCaPath":"","scheme":null,"sendSingle":true})",
                     R"({"path":"/c"})"),
              Texts{"Addr"});
    EXPECT_EQ(hidden(R"({"path":"/u","pingInterval":5})", R"({"datasource":"/c"})"),
              (Texts{"path", "pingInterval"}));
}

TEST_F(WebSocketConnectors, ADeadRemoteLeavesTheSinkConnectingWithTheReason) {
    uint16_t port = 0;
    connect::Action* action = nullptr;
    loop_.RunSync([&] {
        // A port that was free a moment ago.
        ws::Server other(loop_, LoopbackSettings());
        {
            auto ref = other.Acquire("/", {}, "test");
            ASSERT_TRUE(ref);
            port = other.port();
        }
        std::string error;
        action = OpenAction(R"({"addr":"127.0.0.1:)" + std::to_string(port) + R"(","path":"/x"})", error);
        ASSERT_NE(action, nullptr) << error;
        Emit(*action, 1);
    });
    ASSERT_TRUE(Until([&] { return !action->nodes().back()->texts().last_exception.empty(); }));
    EXPECT_EQ(action->nodes().back()->texts().connection, metrics::ConnectionState::kConnecting);
    EXPECT_EQ(action->nodes().back()->records_out.load(), 0);
    EXPECT_EQ(action->nodes().back()->dropped.load(), 0);
}

TEST_F(WebSocketConnectors, ASourceSendsItsSubscriptionsAfterEveryConnecting) {
    Recorder server_side;
    Recorder client_side;
    loop_.RunSync([&] {
        StartSource("/feed", "{}", server_side);
        StartSource(
            "",
            Remote("/feed",
                   R"(,"subscribeMessages":["{\"op\":\"subscribe\"}","second"],"reconnectMaxDelay":50)"),
            client_side);
    });
    const std::vector<std::string> both = {R"({"op":"subscribe"})", "second"};
    ASSERT_TRUE(Until([&] { return server_side.messages == both; }));
    loop_.RunSync([&] {
        const auto clients = server_->Find("/feed")->clients();
        ASSERT_EQ(clients.size(), 1U);
        server_->Find("/feed")->Kick(clients.front().id, "again");
    });
    EXPECT_TRUE(Until([&] { return server_side.messages.size() == 4; }));
    loop_.RunSync([&] { EXPECT_EQ(server_side.messages[2], both[0]); });
}

// A server by hand, on a thread of its own: the first `refusals` connections get the 101 and a close frame in
// one segment, the next one stays until it has answered a ping. -> the messages of that one
Texts MessagesAfterRefusals(int listener, int refusals) {
    constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    Texts messages;
    for (int i = 0; i <= refusals; ++i) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client < 0) {
            return {"nobody came"};
        }
        ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
        std::array<char, 4096> bytes{};
        const auto receive = [&] {
            const ssize_t n = ::recv(client, bytes.data(), bytes.size(), 0);
            return std::string_view(bytes.data(), n > 0 ? static_cast<size_t>(n) : 0);
        };
        const auto send = [&](std::string_view text) {
            ::send(client, text.data(), text.size(), MSG_NOSIGNAL);
        };
        std::string request;
        while (!request.ends_with("\r\n\r\n")) {
            const std::string_view more = receive();
            if (more.empty()) {
                break;
            }
            request += more;
        }
        const std::string_view name = "Sec-WebSocket-Key: ";
        const std::string key = request.substr(request.find(name) + name.size(), 24);
        const std::string head =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            ws::AcceptKey(key) + "\r\n\r\n";
        if (i < refusals) {
            send(head + std::string(ws::MakeCloseFrame(ws::CloseCode::kTryAgainLater, "", nullptr).view()));
            ::shutdown(client, SHUT_WR);
            while (!receive().empty()) {
            }
        } else {
            // What was queued at connecting goes out before the answer to a ping that comes later.
            send(head);
            ws::FrameParser parser(ws::Role::kServer);
            for (bool asked = false, answered = false; !answered;) {
                const std::string_view more = receive();
                if (more.empty()) {
                    messages.emplace_back("no pong came");
                    break;
                }
                parser.Feed({bytes.data(), more.size()});
                ws::FrameEvent event;
                while (parser.Next(event)) {
                    answered |= event.kind == ws::FrameEvent::Kind::kPong;
                    if (event.kind == ws::FrameEvent::Kind::kText) {
                        messages.emplace_back(event.payload.view());
                    }
                }
                if (!std::exchange(asked, true)) {
                    send(ws::MakeControlFrame(ws::Opcode::kPing, "", nullptr).view());
                }
            }
        }
        ::close(client);
    }
    return messages;
}

TEST_F(WebSocketConnectors, ASourceSubscribesOnceThoughConnectionsEndedBeforeItCould) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 8), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    Texts messages;
    std::thread server([&] { messages = MessagesAfterRefusals(listener, 3); });
    Recorder recorder;
    loop_.RunSync([&] {
        StartSource("",
                    R"({"addr":"127.0.0.1:)" + std::to_string(ntohs(address.sin_port)) +
                        R"(","path":"/","subscribeMessages":["first","second"],"reconnectMaxDelay":50})",
                    recorder);
    });
    server.join();
    ::close(listener);
    loop_.RunSync([&] { sources_.clear(); });  // before the recorder goes, which would hear of the end
    EXPECT_EQ(messages, (Texts{"first", "second"}));
}

TEST_F(WebSocketConnectors, ATemplateInThePathDialsOnceForEveryValue) {
    Recorder recorder;
    connect::Action* action = nullptr;
    std::string error;
    loop_.RunSync([&] {
        StartSource("/c/{id}", R"({"metadataHeaders":["X-Site"]})", recorder);
        action = OpenAction(Remote("/c/{{.a}}", R"(,"sendSingle":true,"requestHeader":{"X-Site":"s{{.a}}"})"),
                            error);
        ASSERT_NE(action, nullptr) << error;
        for (const double a : {1, 2, 1, 2, 1}) {
            Emit(*action, a);
        }
        EXPECT_EQ(pool_->clients().size(), 2U);
    });
    ASSERT_TRUE(Until(
        [&] { return recorder.messages.size() == 5 && action->nodes().back()->records_out.load() == 5; }));
    loop_.RunSync([&] {
        EXPECT_EQ(server_->Find("/c/{id}")->client_count(), 2U);
        EXPECT_EQ(action->nodes().back()->texts().connection, metrics::ConnectionState::kConnected);
        const Value meta = recorder.last_meta->object();
        EXPECT_EQ(meta.Get("headers").Get("X-Site").text(), "s" + std::string(meta.Get("id").text()));
    });
}

TEST_F(WebSocketConnectors, ATemplateInThePathServesAnEndpointForEveryValueWhileItIsUsed) {
    Recorder recorder;
    connect::Action* action = nullptr;
    std::string error;
    loop_.RunSync([&] {
        action = OpenAction(R"({"path":"/d/{{.a}}","sendSingle":true,"dynamicTargetIdle":1000})", error);
        ASSERT_NE(action, nullptr) << error;
        EXPECT_EQ(server_->endpoints().size(), 0U);
        Emit(*action, 1);
        Emit(*action, 2);
        ASSERT_NE(server_->Find("/d/1"), nullptr);
        ASSERT_NE(server_->Find("/d/2"), nullptr);
        EXPECT_EQ(action->nodes().back()->dropped.load(), 2) << "nobody was there";
        StartSource("/d/1", Remote("/d/1"), recorder);
    });
    ASSERT_TRUE(Until([&] {
        const ws::Endpoint* endpoint = server_->Find("/d/1");
        return endpoint != nullptr && endpoint->client_count() == 1;
    }));
    loop_.RunSync([&] {
        Emit(*action, 1);
        Emit(*action, 2);
    });
    EXPECT_TRUE(Until([&] { return server_->Find("/d/2") == nullptr && recorder.messages.size() == 1; }));
    loop_.RunSync([&] { EXPECT_NE(server_->Find("/d/1"), nullptr) << "it has a client"; });
    EXPECT_EQ(recorder.messages, Texts{R"({"a":1})"});
}

TEST_F(WebSocketConnectors, APausedSourceStopsItsClientsAndGoesOnAfterResume) {
    Recorder recorder;
    recorder.answer = connect::Flow::kPause;
    connect::Action* action = nullptr;
    std::string error;
    loop_.RunSync([&] {
        StartSource("/in", "{}", recorder);
        action = OpenAction(Remote("/in"), error);
        ASSERT_NE(action, nullptr) << error;
        for (int i = 0; i < 3; ++i) {
            Emit(*action, i);
        }
    });
    ASSERT_TRUE(
        Until([&] { return action->nodes().back()->records_out.load() == 3 && !recorder.messages.empty(); }));
    loop_.RunSync([&] {
        EXPECT_EQ(recorder.messages.size(), 1U);
        recorder.answer = connect::Flow::kContinue;
        sources_.front()->Resume();
    });
    EXPECT_TRUE(Until([&] { return recorder.messages.size() == 3; }));
}

}  // namespace
}  // namespace haumea::connectors
