#include "ws/client_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "io/testing/test_certificates.h"
#include "io/tls.h"
#include "ws/client_test_support.h"
#include "ws/server.h"

namespace haumea::ws::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Sends back what comes.
class Echo final : public EndpointListener {
  public:
    Echo(Server& server, std::string_view path) : endpoint_(std::move(*server.Acquire(path, {}, "test"))) {
        endpoint_.Subscribe(this);
    }
    Intake OnMessage(const BufferView& payload, bool is_text,
                     const ClientInfo& /*client*/) noexcept override {
        endpoint_->Publish(payload.owner ? payload : BufferView::Copy(payload.view()), is_text);
        return Intake::kContinue;
    }
    void OnConnect(const ClientInfo& /*client*/) noexcept override {}
    void OnDisconnect(const ClientInfo& /*client*/, CloseCode code,
                      const std::string& /*reason*/) noexcept override {
        last_code = code;
    }
    size_t clients() const { return endpoint_->client_count(); }
    CloseCode last_code = CloseCode::kAbnormal;

  private:
    EndpointRef endpoint_;
};

// A pool and a real server on one loop, over loopback.
class ClientPoolTest : public ::testing::Test {
  protected:
    void Serve(bool tls = false) {
        ServerSettings settings;
        settings.address = "127.0.0.1";
        settings.port = port_;
        if (tls) {
            identity_ = io::testing::MakeTestIdentity({});
            io::TlsServerOptions options;
            options.certificate.text = identity_.certificate;
            options.key.text = identity_.key;
            context_ = *io::TlsContext::ForServer(options);
            settings.wrap = [this](std::unique_ptr<io::Stream> stream) -> std::unique_ptr<io::Stream> {
                return io::TlsStream::Server(std::move(stream), *context_);
            };
        }
        server_.emplace(loop_, settings);
        echo_.emplace(*server_, "/echo");
        port_ = server_->port();
    }
    ClientTarget Target(bool tls = false) const {
        ClientTarget target{.host = "127.0.0.1", .port = port_, .path = "/echo"};
        if (tls) {
            target.tls.emplace().root_ca.text = identity_.certificate;
        }
        return target;
    }
    ClientRef Acquire(const ClientTarget& target, ClientListener& listener) {
        auto acquired = pool_.Acquire(target, behaviour_, listener);
        EXPECT_TRUE(acquired) << acquired.error().message;
        return std::move(*acquired);
    }
    // Runs the loop until the condition holds, at most for some seconds.
    bool Until(const std::function<bool()>& condition) {
        const io::Scheduler::TimerId give_up = loop_.RunAfter(10'000, [this] { loop_.Stop(); });
        bool met = false;
        std::function<void()> look = [&] {
            met = condition();
            if (met) {
                loop_.Stop();
            } else {
                look_.Start(1, look);
            }
        };
        look();
        loop_.Run();
        loop_.Cancel(give_up);
        look_.Cancel();
        return met;
    }
    // The error's text, empty on success.
    std::string Probe(const ClientTarget& target) {
        std::optional<std::string> result;
        pool_.Probe(target, behaviour_,
                    [&](const Result<>& outcome) { result = outcome ? "" : outcome.error().message; });
        EXPECT_FALSE(result);
        EXPECT_TRUE(Until([&] { return result.has_value(); }));
        return result.value_or("no answer");
    }

    io::Loop loop_;
    io::Timer look_{loop_};
    uint16_t port_ = 0;
    io::testing::TestIdentity identity_;
    std::shared_ptr<io::TlsContext> context_;
    std::optional<Server> server_;
    std::optional<Echo> echo_;
    ClientBehaviour behaviour_;
    RecordingListener one_;
    RecordingListener two_;
    std::unique_ptr<io::Stream> held_;
    ClientPool pool_{loop_};
};

TEST_F(ClientPoolTest, EqualTargetsShareAConnectionAndAllUsersHear) {
    Serve();
    ClientRef a = Acquire(Target(), one_);
    ClientRef b = Acquire(Target(), two_);
    EXPECT_EQ(&*a, &*b);
    a->Send(one_, BufferView::Copy("hello"), true, WhenFull::kBlock);
    ASSERT_TRUE(Until([&] { return !one_.messages.empty() && !two_.messages.empty(); }));
    EXPECT_EQ(one_.handed_over, 1U);
    EXPECT_EQ(two_.handed_over, 0U);
    EXPECT_EQ(echo_->clients(), 1U);
}

TEST_F(ClientPoolTest, DifferentTargetsNeverShare) {
    Serve();
    ClientTarget other = Target();
    other.headers = {{"X-Token", "2"}};
    ClientRef a = Acquire(Target(), one_);
    ClientRef b = Acquire(other, two_);
    EXPECT_NE(&*a, &*b);
    EXPECT_TRUE(Until([&] { return echo_->clients() == 2; }));
}

TEST_F(ClientPoolTest, TheLastReleaseSaysGoodbye) {
    Serve();
    ClientRef a = Acquire(Target(), one_);
    ClientRef b = Acquire(Target(), two_);
    ASSERT_TRUE(Until([&] { return echo_->clients() == 1; }));
    a.Reset();
    EXPECT_EQ(pool_.clients().size(), 1U);
    bool idle = false;
    pool_.OnIdle([&] { idle = true; });
    b.Reset();
    EXPECT_FALSE(idle);
    ASSERT_TRUE(Until([&] { return idle && echo_->clients() == 0; }));
    EXPECT_TRUE(pool_.idle());
    EXPECT_EQ(echo_->last_code, CloseCode::kNormal);
}

TEST_F(ClientPoolTest, SettingsOfALaterUserThatDifferAreNamed) {
    Serve();
    ClientRef a = Acquire(Target(), one_);
    behaviour_.ping_interval_ms = 1'000;
    EXPECT_THAT(Acquire(Target(), two_).warnings(), ElementsAre("pingInterval"));
}

TEST_F(ClientPoolTest, StaticMistakesAreRefused) {
    ClientTarget target{.host = "127.0.0.1", .path = "no-slash"};
    EXPECT_FALSE(pool_.Acquire(target, behaviour_, one_));
    target.path = "/x";
    target.tls.emplace().root_ca.file = "/nonexistent/ca.pem";
    const auto acquired = pool_.Acquire(target, behaviour_, one_);
    ASSERT_FALSE(acquired);
    EXPECT_THAT(acquired.error().message, HasSubstr("/nonexistent/ca.pem"));
    EXPECT_TRUE(pool_.idle());
}

TEST_F(ClientPoolTest, ComesBackWhenTheServerDoes) {
    behaviour_.reconnect = {1, 20, 2};
    Serve();
    ClientRef client = Acquire(Target(), one_);
    ASSERT_TRUE(Until([&] { return client->connected(); }));
    echo_.reset();
    server_.reset();
    ASSERT_TRUE(Until([&] { return !client->connected(); }));
    client->Send(one_, BufferView::Copy("kept"), true, WhenFull::kBlock);
    Serve();
    ASSERT_TRUE(Until([&] { return !one_.messages.empty(); }));
    EXPECT_THAT(one_.messages, ElementsAre("kept"));
}

TEST_F(ClientPoolTest, TalksTls) {
    Serve(true);
    ClientRef client = Acquire(Target(true), one_);
    const std::string large(1U << 20U, 'x');
    client->Send(one_, BufferView::Copy("small"), true, WhenFull::kBlock);
    client->Send(one_, BufferView::Copy(large), false, WhenFull::kBlock);
    ASSERT_TRUE(Until([&] { return one_.messages.size() == 2; })) << client->Status().last_error;
    EXPECT_EQ(one_.messages[1], large);
}

TEST_F(ClientPoolTest, AProbeLeavesNothingBehind) {
    Serve();
    EXPECT_EQ(Probe(Target()), "");
    EXPECT_TRUE(pool_.idle());
    EXPECT_TRUE(Until([&] { return echo_->clients() == 0; }));
    EXPECT_EQ(echo_->last_code, CloseCode::kNormal);
}

TEST_F(ClientPoolTest, ACancelledProbeEndsAtOnce) {
    // A remote that takes the connection and says nothing.
    std::vector<std::unique_ptr<io::Stream>> taken;
    auto silent =
        io::Listener::Open(loop_, "127.0.0.1", 0, io::SocketOptions{},
                           [&](std::unique_ptr<io::Stream> stream) { taken.push_back(std::move(stream)); });
    ASSERT_TRUE(silent);
    std::optional<std::string> result;
    pool_.Probe({.host = "127.0.0.1", .port = (*silent)->port(), .path = "/"}, behaviour_,
                [&](const Result<>& outcome) { result = outcome ? "" : outcome.error().message; });
    ASSERT_TRUE(Until([&] { return taken.size() == 1; }));
    EXPECT_FALSE(result);
    pool_.CancelProbes();
    ASSERT_TRUE(Until([&] { return pool_.idle(); }));
    EXPECT_EQ(result, "cancelled");
}

TEST_F(ClientPoolTest, AProbeSaysWhichStepFailed) {
    Serve();
    ClientTarget target = Target();
    target.path = "/unknown";
    EXPECT_THAT(Probe(target), HasSubstr("HTTP: the server answered HTTP 404"));
    target = Target();
    target.tls.emplace();
    EXPECT_EQ(Probe(target), "TLS: the server answered in plain text: set scheme: ws");
    target = {.host = "no-such-host.invalid", .path = "/"};
    EXPECT_THAT(Probe(target), HasSubstr("DNS: host name \"no-such-host.invalid\""));
    target = Target();
    echo_.reset();
    server_.reset();
    EXPECT_EQ(Probe(target), fmt::format("TCP: connect to 127.0.0.1:{}: connection refused", port_));
    target.path = "no-slash";
    EXPECT_THAT(Probe(target), HasSubstr("must start with \"/\""));
}

TEST_F(ClientPoolTest, AProbeSaysWhyTlsFailed) {
    Serve(true);
    EXPECT_EQ(Probe(Target(true)), "");
    ClientTarget target = Target(true);
    target.tls->root_ca = {};
    EXPECT_EQ(
        Probe(target),
        "TLS: the server's certificate is refused: self-signed certificate; set rootCaPath to the CA that "
        "has signed it");
    target.tls.reset();
    EXPECT_THAT(Probe(target), HasSubstr("set scheme: wss"));
}

TEST_F(ClientPoolTest, ATlsHandshakeThatIsCutIsTriedAgainSoonARefusedOneSlowly) {
    behaviour_.reconnect = {1, 600'000, 1};
    auto cuts = io::Listener::Open(loop_, "127.0.0.1", 0, {}, [](std::unique_ptr<io::Stream>) {});
    ASSERT_TRUE(cuts);
    ClientTarget target{.host = "127.0.0.1", .port = (*cuts)->port(), .path = "/echo"};
    target.tls.emplace();
    {
        const ClientRef client = Acquire(target, one_);
        EXPECT_TRUE(Until([&] { return client->Status().failures[size_t(io::ConnectStep::kTls)] >= 5; }));
        EXPECT_THAT(client->Status().last_error, HasSubstr("TLS: "));
    }
    Serve(true);
    target.port = port_;
    const ClientRef client = Acquire(target, two_);
    ASSERT_TRUE(Until([&] { return client->Status().failures[size_t(io::ConnectStep::kTls)] == 1; }));
    const ClientStatus status = client->Status();
    EXPECT_GE(status.retry_at_ms - status.last_try_ms, 300'000);
    EXPECT_EQ(status.state, ClientState::kConnecting);
}

TEST_F(ClientPoolTest, AServerThatWantsACertificateIsARefusalOfTls) {
    Serve(true);
    context_ = [this] {
        io::TlsServerOptions options;
        options.certificate.text = identity_.certificate;
        options.key.text = identity_.key;
        options.client_ca.text = identity_.certificate;
        options.client_certificate = io::ClientCertificate::kRequire;
        return *io::TlsContext::ForServer(options);
    }();
    const ClientRef client = Acquire(Target(true), one_);
    ASSERT_TRUE(Until([&] { return client->Status().attempts == 1 && client->Status().retry_at_ms != 0; }));
    const ClientStatus status = client->Status();
    EXPECT_EQ(status.last_error,
              "TLS: the server refuses: it requires a client certificate; set certificationPath and "
              "privateKeyPath");
    EXPECT_GE(status.retry_at_ms - status.last_try_ms, behaviour_.reconnect.max_ms / 2);
}

TEST_F(ClientPoolTest, AProbeOfASilentServerEndsInTime) {
    auto listener = io::Listener::Open(
        loop_, "127.0.0.1", 0, {}, [this](std::unique_ptr<io::Stream> stream) { held_ = std::move(stream); });
    port_ = (*listener)->port();
    behaviour_.connect_timeout_ms = 30;
    EXPECT_THAT(Probe(Target()), HasSubstr("30 ms (connectTimeout)"));
    // A server of HTTP may take the beginning of TLS for a request whose end is still to come.
    ClientTarget secure = Target();
    secure.tls.emplace();
    EXPECT_EQ(Probe(secure),
              "TLS: the server has not finished the TLS handshake within 30 ms (connectTimeout); if it does "
              "not speak "
              "TLS, set scheme: ws");
}

}  // namespace
}  // namespace haumea::ws::testing
