#include "rule/connections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "io/loop.h"
#include "io/testing/test_certificates.h"
#include "io/virtual_scheduler.h"
#include "rule/connections_secrets.h"

namespace haumea::rule {
namespace {

using config::Node;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Node Json(std::string_view text) { return *config::ParseJson(text); }

ws::ServerSettings Loopback(uint16_t port) {
    ws::ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = port;
    return settings;
}

// A real data loop; the control side on virtual time.
class ConnectionsTest : public ::testing::Test {
  protected:
    ConnectionsTest() : thread_([this] { loop_.Run(); }) {
        OnLoop([this] { clients_ = std::make_unique<ws::ClientPool>(loop_); });
        Serve(0);
        Boot();
    }
    ~ConnectionsTest() override {
        connections_.reset();
        OnLoop([this] {
            clients_.reset();
            server_.reset();
        });
        loop_.Stop();
        thread_.join();
    }
    void OnLoop(const std::function<void()>& task) { ASSERT_TRUE(loop_.RunSync(task)); }
    void Serve(uint16_t port) {
        OnLoop([&] {
            ws::ServerSettings settings = Loopback(port);
            settings.prepare = [this]() -> Result<void> {
                return files_broken_ ? Failf("certificate cannot be read") : Result<void>();
            };
            server_ = std::make_unique<ws::Server>(loop_, std::move(settings));
        });
    }
    // As after a start of the process.
    void Boot() {
        connections_.reset();
        Connections::Environment environment;
        environment.control = &control_;
        environment.home = {&loop_,
                            [this](const std::function<void()>& task) { return loop_.RunSync(task); }};
        environment.data_server = server_.get();
        environment.clients = clients_.get();
        environment.configured = Json(R"({"websocket":{"Local":{"path":"/file"}}})");
        environment.references = [this](const std::string& id) {
            return id == "busy" ? users_ : std::vector<std::string>();
        };
        connections_ = std::make_unique<Connections>(std::move(environment), store_->Table("endpoint"),
                                                     store_->Table("connection"));
        ASSERT_TRUE(connections_->Load());
    }
    std::string Show(const std::string& id) {
        const auto node = connections_->Describe(id);
        return node ? config::ToJson(*node) : node.error().message;
    }
    std::string Refusal(const Result<void>& result) { return result ? "" : result.error().message; }
    std::string Refusal(const Result<Connections::Warnings>& result) {
        return result ? "" : result.error().message;
    }

    io::Loop loop_;
    io::VirtualScheduler control_{1'000};
    std::unique_ptr<store::Store> store_ = store::MakeMemoryStore();
    std::unique_ptr<ws::Server> server_;
    std::unique_ptr<ws::ClientPool> clients_;
    bool files_broken_ = false;  // a port cannot be opened
    std::vector<std::string> users_ = {"r1", "r2"};
    std::unique_ptr<Connections> connections_;
    std::thread thread_;
};

TEST_F(ConnectionsTest, EndpointsAndConnectionsComeBackAfterARestart) {
    ASSERT_TRUE(connections_->AddEndpoint("/managed"));
    ASSERT_TRUE(connections_->Create("c", "websocket", Json(R"({"path":"/named"})")));
    Boot();
    EXPECT_TRUE(connections_->IsServed("/managed"));
    EXPECT_THAT(Show("c"), StartsWith(R"({"id":"c","typ":"websocket","props":{"path":"/named"},)"
                                      R"("isNamed":true,"status":"connected","stats":{"stateSince":)"));
    ASSERT_TRUE(connections_->RemoveEndpoint("/managed"));
    ASSERT_TRUE(connections_->Delete("c"));
    Boot();
    EXPECT_FALSE(connections_->IsServed("/managed"));
    EXPECT_FALSE(connections_->IsServed("/named"));
    EXPECT_EQ(Show("c"), "connection c not existed");
}

TEST_F(ConnectionsTest, AnEndpointInUseStaysAndItsUsersAreNamed) {
    ASSERT_TRUE(connections_->AddEndpoint("/x"));
    std::optional<ws::EndpointRef> sink;
    OnLoop([&] {
        auto acquired = server_->Acquire("/x", {}, "rule1");
        ASSERT_TRUE(acquired);
        sink = std::move(*acquired);
    });
    EXPECT_THAT(Refusal(connections_->RemoveEndpoint("/x")), HasSubstr("used by rule1"));
    OnLoop([&] { sink.reset(); });
    EXPECT_TRUE(connections_->IsServed("/x"));
    EXPECT_EQ(Refusal(connections_->RemoveEndpoint("/x")), "");
    EXPECT_EQ(Refusal(connections_->RemoveEndpoint("/x")), "");
}

TEST_F(ConnectionsTest, AConnectionInUseIsNeitherChangedNorDeleted) {
    ASSERT_TRUE(connections_->Create("busy", "websocket", Json(R"({"path":"/x"})")));
    constexpr const char* kText = "connection busy can't be dropped due to rule references [r1 r2]";
    EXPECT_EQ(Refusal(connections_->Delete("busy")), kText);
    EXPECT_EQ(Refusal(connections_->Update("busy", "websocket", Json(R"({"path":"/y"})"))), kText);
    EXPECT_THAT(Show("busy"), HasSubstr(R"("refCount":2)"));
    users_.clear();
    EXPECT_EQ(Refusal(connections_->Update("busy", "websocket", Json(R"({"path":"/y"})"))), "");
    EXPECT_TRUE(connections_->IsServed("/y"));
    EXPECT_FALSE(connections_->IsServed("/x"));
}

TEST_F(ConnectionsTest, AChangeThatCannotWorkLeavesTheOldOneOpen) {
    ASSERT_TRUE(connections_->Create("c", "websocket", Json(R"({"path":"/x"})")));
    EXPECT_THAT(Refusal(connections_->Update("c", "websocket", Json(R"({"path":"y"})"))),
                HasSubstr("should start with /"));
    EXPECT_THAT(Refusal(connections_->Update("c", "websocket", Json(R"({"path":"/a{b"})"))),
                HasSubstr("/a{b"));
    EXPECT_TRUE(connections_->IsServed("/x"));
    EXPECT_THAT(Show("c"), HasSubstr("\"connected\""));
}

TEST_F(ConnectionsTest, AChangeOfTheOnlyEndpointKeepsThePortOpen) {
    ASSERT_TRUE(connections_->Create("c", "websocket", Json(R"({"path":"/x"})")));
    OnLoop([&] { files_broken_ = true; });
    EXPECT_EQ(Refusal(connections_->Update("c", "websocket", Json(R"({"path":"/y"})"))), "");
    EXPECT_TRUE(connections_->IsServed("/y"));
    EXPECT_FALSE(connections_->IsServed("/x"));
    EXPECT_THAT(Show("c"), HasSubstr("\"connected\""));
}

TEST_F(ConnectionsTest, WhenNeitherTheNewNorTheOldOneOpensItSaysSoAndIsTriedAgain) {
    const std::string certificate = io::testing::MakeTestIdentity({}).certificate;
    const std::string file = ::testing::TempDir() + "connections_test_ca.pem";
    std::filesystem::remove(file);
    std::ofstream(file) << certificate;
    const Node old =
        Json(R"({"addr":"127.0.0.1:1","scheme":"wss","path":"/x","rootCaPath":")" + file + "\"}");
    ASSERT_EQ(Refusal(connections_->Create("c", "websocket", old)), "");
    std::filesystem::remove(file);
    OnLoop([&] { files_broken_ = true; });
    EXPECT_THAT(Refusal(connections_->Update("c", "websocket", Json(R"({"path":"/y"})"))),
                HasSubstr("certificate cannot be read"));
    EXPECT_THAT(Show("c"), HasSubstr("\"disconnected\""));
    EXPECT_THAT(Show("c"), HasSubstr("rootCaPath"));
    std::ofstream(file) << certificate;
    control_.AdvanceTo(10'000);
    EXPECT_THAT(Show("c"), HasSubstr("\"connecting\""));
    std::filesystem::remove(file);
}

TEST_F(ConnectionsTest, WhatCannotBeOpenedAtStartIsTriedAgain) {
    ASSERT_TRUE(connections_->AddEndpoint("/managed"));
    ASSERT_TRUE(connections_->Create("c", "websocket", Json(R"({"path":"/named"})")));
    connections_.reset();
    // Somebody else has the port.
    std::unique_ptr<ws::Server> other;
    std::optional<ws::EndpointRef> taken;
    uint16_t port = 0;
    OnLoop([&] {
        other = std::make_unique<ws::Server>(loop_, Loopback(0));
        auto acquired = other->Acquire("/", {}, "other");
        ASSERT_TRUE(acquired);
        taken = std::move(*acquired);
        port = other->port();
    });
    Serve(port);
    Boot();
    EXPECT_FALSE(connections_->IsServed("/managed"));
    EXPECT_THAT(Show("c"), HasSubstr("\"disconnected\""));
    EXPECT_THAT(Show("c"), HasSubstr(std::to_string(port)));
    OnLoop([&] { taken.reset(); });
    control_.AdvanceTo(10'000);
    EXPECT_TRUE(connections_->IsServed("/managed"));
    EXPECT_THAT(Show("c"), HasSubstr("\"connected\""));
    OnLoop([&] { other.reset(); });
}

TEST_F(ConnectionsTest, TypesMatchInAnyLetterCaseAndOthersAreRefused) {
    EXPECT_EQ(Refusal(connections_->Create("c", "WebSocket", Json(R"({"path":"/x"})"))), "");
    EXPECT_THAT(Show("c"), HasSubstr(R"("typ":"websocket")"));
    EXPECT_THAT(Refusal(connections_->Create("d", "mqtt", Json("{}"))), HasSubstr("typ has to be websocket"));
    EXPECT_THAT(Refusal(connections_->Create("d", "websocke", Json("{}"))), HasSubstr("websocke "));
}

TEST_F(ConnectionsTest, SelectorsFindNamedOnesAndThoseOfTheConfigurationFile) {
    ASSERT_TRUE(connections_->Create("c", "websocket", Json(R"({"path":"/x"})")));
    EXPECT_EQ(config::ToJson(*connections_->Select("c")), R"({"path":"/x"})");
    EXPECT_EQ(config::ToJson(*connections_->Select("websocket.local")), R"({"path":"/file"})");
    for (const char* unknown : {"local", "mqtt.local", "websocket.", ""}) {
        EXPECT_FALSE(connections_->Select(unknown)) << unknown;
    }
}

TEST_F(ConnectionsTest, ARemoteThatIsAwayIsConnectingAndHasNoClients) {
    const auto warnings = connections_->Create(
        "c", "websocket", Json(R"({"addr":"127.0.0.1:1","path":"/x","maxConnRetry":3,"colour":"red"})"));
    ASSERT_TRUE(warnings);
    EXPECT_EQ(warnings->size(), 2U);
    EXPECT_THAT(Show("c"), HasSubstr("\"connecting\""));
    EXPECT_THAT(connections_->ServedPath("c").error().message, HasSubstr("dials a remote server"));
    EXPECT_EQ(connections_->List(true).array().size(), 1U);
}

TEST(Secrets, AreMaskedWhereverTheyStand) {
    const Node props =
        Json(R"({"path":"/x","privateKeyRaw":"abc","certificationRaw":"pub","empty_token":"",)"
             R"("requestHeader":{"Authorization":["Bearer 1","Bearer 2"],"X-Api-Key":"k","A":"b"}})");
    const Node masked = MaskSecrets(props);
    EXPECT_EQ(config::ToJson(masked),
              R"({"path":"/x","privateKeyRaw":"******","certificationRaw":"pub","empty_token":"",)"
              R"("requestHeader":{"Authorization":["******","******"],"X-Api-Key":"******","A":"b"}})");
    EXPECT_EQ(UnmaskSecrets(masked, props), props);
    EXPECT_EQ(config::ToJson(UnmaskSecrets(Json(R"({"token":"******","privatekeyraw":"******"})"), props)),
              R"({"token":"******","privatekeyraw":"abc"})");
}

TEST(Secrets, AreMaskedInTheQueryOfAPath) {
    const Node props = Json(R"({"path":"/x?a=1&access_token=abc&b=&token="})");
    const Node masked = MaskSecrets(props);
    EXPECT_EQ(config::ToJson(masked, {.escape_html = false}),
              R"({"path":"/x?a=1&access_token=******&b=&token="})");
    EXPECT_EQ(UnmaskSecrets(masked, props), props);
}

TEST(Secrets, HaveManyNames) {
    for (const char* name : {"X-Auth-Key", "X-Auth", "passphrase", "Credentials", "X-Session-Id", "accessKey",
                             "X-Signature", "private_key", "pwd", "jwt", "Bearer"}) {
        EXPECT_TRUE(IsSecretName(name)) << name;
    }
    for (const char* name : {"path", "author", "clientAuth", "sendInterval", "insecureSkipVerify", "keyField",
                             "certificationPath", "privateKeyPath", "Sec-WebSocket-Key"}) {
        EXPECT_FALSE(IsSecretName(name)) << name;
    }
    EXPECT_EQ(MaskSecrets(Json(R"(["/x?sig=1&key=2&auth=3&sort=4","key=1"])")),
              Json(R"(["/x?sig=******&key=******&auth=******&sort=4","key=1"])"));
}

TEST_F(ConnectionsTest, AMaskWithoutAStoredValueIsRefused) {
    EXPECT_THAT(Refusal(connections_->Create(
                    "c", "websocket",
                    Json(R"({"addr":"h:1","path":"/x","requestHeader":{"Authorization":["******"]}})"))),
                HasSubstr("property requestHeader.Authorization.0 is masked"));
    EXPECT_EQ(Show("c"), "connection c not existed");
}

}  // namespace
}  // namespace haumea::rule
