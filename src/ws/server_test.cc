#include "ws/server.h"

#include <algorithm>

#include "ws/server_path.h"
#include "ws/server_test_support.h"

namespace haumea::ws {
namespace {

TEST_F(ServerTest, AcceptsAnUpgradeOnAnAcquiredPath) {
    const EndpointRef ref = Acquire("/a");
    const Peer peer = Join("/a?x=1");
    EXPECT_EQ(ref->client_count(), 1U);
    EXPECT_EQ(server_->handshake_stats().accepted, 1U);
}

TEST_F(ServerTest, RefusalsNameTheirReasonAndAreCountedByCause) {
    const EndpointRef ref = Acquire("/a");
    EXPECT_TRUE(Ask(Request("/b")).starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(Ask("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405 "));
    EXPECT_TRUE(Ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(Ask("GET /a HTTP/1.1\nHost: h\n\n").starts_with("HTTP/1.1 400 "));
    std::string old = Request("/a");
    old.replace(old.find("Version: 13"), 11, "Version: 8 ");
    EXPECT_TRUE(Ask(old).starts_with("HTTP/1.1 426 "));
    const std::string forbidden = Ask(Request("/a", "Origin: https://evil.test\r\n"));
    EXPECT_TRUE(forbidden.starts_with("HTTP/1.1 403 "));
    EXPECT_NE(forbidden.find("allowedOrigins"), std::string::npos);
    const HandshakeStats& stats = server_->handshake_stats();
    EXPECT_EQ(stats.unknown_path, 1U);
    EXPECT_EQ(stats.wrong_method, 1U);
    EXPECT_EQ(stats.malformed, 2U);
    EXPECT_EQ(stats.wrong_version, 1U);
    EXPECT_EQ(stats.origin_refused, 1U);
    EXPECT_EQ(ref->client_count(), 0U);
    Advance(10'000);
    EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(ServerTest, RequestWithABodyIsRefused) {
    const EndpointRef ref = Acquire("/a");
    EXPECT_TRUE(Ask(Request("/a", "Content-Length: 5\r\n") + "hello").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(Ask(Request("/a", "Transfer-Encoding: chunked\r\n")).starts_with("HTTP/1.1 400 "));
}

TEST_F(ServerTest, ClientsBeyondEachLimitGet503WithTheNameOfTheLimit) {
    ServerSettings server_settings;
    server_settings.max_clients = 2;
    Restart(server_settings);
    EndpointSettings settings;
    settings.max_clients = 1;
    const EndpointRef a = Acquire("/a", settings);
    const EndpointRef b = Acquire("/b");
    const Peer first = Join("/a");
    EXPECT_NE(Ask(Request("/a")).find("maxClients of this endpoint"), std::string::npos);
    Advance(2000);
    const Peer second = Join("/b");
    const std::string answer = Ask(Request("/b"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 "));
    EXPECT_NE(answer.find("maxClients of the data server is 2"), std::string::npos);
    EXPECT_EQ(server_->handshake_stats().over_limit, 2U);
}

TEST_F(ServerTest, ClientsOfOneAddressAreLimited) {
    ServerSettings settings;
    settings.max_clients_per_address = 1;
    Restart(settings);
    const EndpointRef c = Acquire("/c");
    const Peer third = Join("/c");
    EXPECT_NE(Ask(Request("/c")).find("maxClientsPerAddress"), std::string::npos);
}

TEST_F(ServerTest, RefusedHandshakesDoNotCountToTheLimits) {
    ServerSettings settings;
    settings.max_clients = 2;
    settings.max_clients_per_address = 2;
    Restart(settings);
    const EndpointRef ref = Acquire("/a");
    std::vector<Peer> refused;
    for (int i = 0; i < 5; ++i) {
        refused.push_back(Connect());
        refused.back()->WriteAll(Request("/nosuch"));
    }
    Turn();
    EXPECT_EQ(server_->client_count(), 0U);
    const Peer first = Join("/a");
    const Peer second = Join("/a");
    EXPECT_NE(Ask(Request("/a")).find(" 503 "), std::string::npos);
}

// Neither are they without bound, nor do they keep out who comes in between: the oldest go.
TEST_F(ServerTest, AFloodOfHandshakesPushesItselfOutAndNotAGoodClient) {
    ServerSettings settings;
    settings.max_clients_per_address = 1;
    Restart(settings);
    const EndpointRef ref = Acquire("/a");
    std::vector<Peer> flood;
    for (int i = 0; i < 300; ++i) {
        flood.push_back(Connect());
        if (i % 2 == 0) {
            flood.back()->WriteAll(Request("/nosuch"));
            Turn();
        }
    }
    const Peer good = Join("/a");
    Turn();
    const auto open = std::count_if(flood.begin(), flood.end(), [](const Peer& peer) {
        static_cast<void>(peer->ReadAll());
        return !peer->at_end();
    });
    EXPECT_LE(open, 65);
    EXPECT_EQ(server_->handshake_stats().unknown_path, 150U);
    EXPECT_EQ(server_->handshake_stats().over_limit, 150U - static_cast<uint64_t>(open));
    Advance(10'000);
    EXPECT_EQ(server_->client_count(), 1U);
}

TEST_F(ServerTest, HandshakesOfAllAddressesTogetherAreBounded) {
    ServerSettings settings;
    settings.max_clients = 1;
    Restart(settings);
    const EndpointRef ref = Acquire("/a");
    std::vector<Peer> flood;
    for (int i = 0; i < 300; ++i) {
        flood.push_back(Connect());
    }
    Turn();
    EXPECT_EQ(server_->handshake_stats().over_limit, 300U - 257U);
    const Peer good = Join("/a");
}

TEST_F(ServerTest, AnUnknownPathIs404WhateverElseIsWrong) {
    const EndpointRef ref = Acquire("/a");
    EXPECT_TRUE(Ask("GET /b HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(
        Ask("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(Ask("GET /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .starts_with("HTTP/1.1 400 "));  // who knows where it ends
    EXPECT_EQ(server_->handshake_stats().unknown_path, 2U);
}

TEST_F(ServerTest, TheAnswerToHeadHasNoBody) {
    const EndpointRef ref = Acquire("/a");
    const std::string answer = Ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, FailuresAreCountedForThePathThatWasAskedFor) {
    const EndpointRef a = Acquire("/a");
    const EndpointRef c = Acquire("/c/{id}");
    std::string old = Request("/c/7");
    old.replace(old.find("Version: 13"), 11, "Version: 8 ");
    Ask(old);
    Ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    Ask("PUT /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(c->stats().handshakes.wrong_version, 1U);
    EXPECT_EQ(a->stats().handshakes.malformed, 1U);
    EXPECT_EQ(a->stats().handshakes.wrong_method, 1U);
    EXPECT_EQ(a->stats().handshakes.wrong_version, 0U);
}

TEST_F(ServerTest, ClientsStayWhileTheirPathChangesHands) {
    EndpointRef ref = Acquire("/a");
    RecordingListener first;
    ref.Subscribe(&first);
    Peer peer = Join("/a");
    server_->HoldEndpoints();
    ref.Reset();
    Turn();
    peer->WriteAll(Masked(Opcode::kText, "meanwhile"));
    Turn();
    ref = Acquire("/a");
    RecordingListener second;
    ref.Subscribe(&second);
    Publish(ref, "x");
    server_->LetGo();
    Turn();
    EXPECT_EQ(peer->ReadAll(), Plain(Opcode::kText, "x"));
    EXPECT_EQ(first.messages.size(), 0U);
    EXPECT_EQ(second.messages, (std::vector<std::string>{"meanwhile"}));
    EXPECT_EQ(ref->stats().messages_ignored, 0U);
    EXPECT_EQ(ref->client_count(), 1U);
}

TEST_F(ServerTest, ClientsOfAPathThatNobodyTakesOverAreClosedPolitely) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    server_->HoldEndpoints();
    ref.Reset();
    server_->LetGo();
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(1000, "the endpoint was closed"));
    EXPECT_EQ(server_->Find("/a"), nullptr);
}

TEST_F(ServerTest, LettingGoOfWhatIsNotHeldHoldsNothing) {
    server_->LetGo();
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    ref.Reset();
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(1000, "the endpoint was closed"));
}

TEST_F(ServerTest, WhoTakesAPathOverWithOtherSettingsGetsThem) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    server_->HoldEndpoints();
    ref.Reset();
    EndpointSettings other;
    other.max_clients = 5;
    ref = Acquire("/a", other);
    server_->LetGo();
    Turn();
    EXPECT_EQ(ref->settings().max_clients, 5U);
    EXPECT_EQ(ref.warning(), "");
    EXPECT_EQ(peer->ReadAll(), "");
    EXPECT_EQ(ref->client_count(), 1U);
}

// A managed endpoint, a source or another rule may have been there first, without any wish.
TEST_F(ServerTest, OfEachSettingTheFirstThatIsNotTheDefaultHoldsWhileItsHolderStays) {
    const EndpointRef managed = Acquire("/a");
    EndpointSettings conflate;
    conflate.slow_consumer = SlowConsumer::kConflate;
    conflate.metadata_headers = {"X-A"};
    EndpointRef sink = Acquire("/a", conflate);
    EndpointSettings other;
    other.slow_consumer = SlowConsumer::kDisconnect;
    other.backlog.messages = 7;
    other.metadata_headers = {"X-B", "X-A"};
    auto second = server_->Acquire("/a", other, "rule2");
    ASSERT_TRUE(second);
    EXPECT_EQ(second->warning(),
              "websocket endpoint /a exists with other settings, which hold instead of those given here "
              "(slowConsumer); it is used by test, test");
    const EndpointSettings& settings = managed->settings();
    EXPECT_EQ(settings.slow_consumer, SlowConsumer::kConflate);
    EXPECT_EQ(settings.backlog.messages, 7U);
    EXPECT_EQ(settings.metadata_headers, (std::vector<std::string>{"X-A", "X-B"}));
    sink.Reset();
    EXPECT_EQ(settings.slow_consumer, SlowConsumer::kDisconnect);
    second->Reset();
    EXPECT_EQ(settings, EndpointSettings{});
}

TEST_F(ServerTest, APolicyThatComesLaterHoldsForClientsThatAreThere) {
    EndpointRef ref = Acquire("/a");
    const Peer stuck = Join("/a");
    EndpointSettings settings;
    settings.slow_consumer = SlowConsumer::kDisconnect;
    settings.backlog.messages = 2;
    const EndpointRef rule = Acquire("/a", settings);
    for (int i = 0; i < 10; ++i) {
        Publish(ref, std::string(100'000, 'x'));
        Turn();
    }
    EXPECT_EQ(ref->stats().hub.closed_slow, 1U);
}

TEST_F(ServerTest, HandshakesUnderWayEndWithTheLastEndpoint) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Connect();
    peer->WriteAll("GET /a HT");
    Turn();
    ref.Reset();
    Turn();
    EXPECT_TRUE(peer->ReadAll().starts_with("HTTP/1.1 503 "));
    peer->Close();
    Turn();
    EXPECT_TRUE(server_->idle());
}

TEST_F(ServerTest, RequestThatDoesNotCompleteInTimeIsCutOff) {
    const EndpointRef ref = Acquire("/a");
    Peer peer = Connect();
    for (int i = 0; i < 6; ++i) {
        peer->WriteAll("G");
        peer->ReadAll();
        Advance(1000);
        if (i == 0) {
            peer->WriteAll("ET");
        }
    }
    Advance(10'000);
    EXPECT_EQ(server_->handshake_stats().timed_out + server_->handshake_stats().malformed, 1U);
    EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(ServerTest, SilentConnectionGets408) {
    const EndpointRef ref = Acquire("/a");
    Peer peer = Connect();
    Advance(5000);
    EXPECT_TRUE(peer->ReadAll().starts_with("HTTP/1.1 408 "));
    Advance(1000);
    EXPECT_TRUE(server_->idle());
}

// Such as TLS that is not agreed on yet.
TEST_F(ServerTest, WhoIsLateAndTakesNoAnswerIsCutAtTheDeadline) {
    const EndpointRef ref = Acquire("/a");
    const Peer peer = Connect();
    peer->wire().SetCapacity(1, 0);
    Advance(4999);
    EXPECT_FALSE(server_->idle());
    Advance(1);
    EXPECT_TRUE(server_->idle());
    EXPECT_TRUE(peer->at_end());
    EXPECT_EQ(server_->handshake_stats().timed_out, 1U);
}

TEST_F(ServerTest, TemplateServesEveryMatchingPathAndKeepsTheVariables) {
    EndpointSettings settings;
    settings.metadata_headers = {"X-Device", "X-Absent"};
    EndpointRef ref = Acquire("/c/{id}/{name}", settings);
    RecordingListener listener;
    ref.Subscribe(&listener);
    const Peer peer = Join("/c/7/a%20b?q=1", "X-Device: d9\r\n");
    EXPECT_EQ(listener.connects, 1);
    const ClientInfo& client = listener.last_client;
    ASSERT_EQ(client.path_variables.size(), 2U);
    EXPECT_EQ(client.path_variables[0], (std::pair<std::string, std::string>("id", "7")));
    EXPECT_EQ(client.path_variables[1], (std::pair<std::string, std::string>("name", "a b")));
    EXPECT_EQ(client.path, "/c/7/a%20b");
    EXPECT_EQ(client.query, "q=1");
    ASSERT_EQ(client.headers.size(), 1U);
    EXPECT_EQ(client.headers[0].second, "d9");
    EXPECT_TRUE(Ask(Request("/c/7")).starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(Ask(Request("/c/7/")).starts_with("HTTP/1.1 404 "));
}

TEST_F(ServerTest, AllSpellingsOfAPathMeanTheSameEndpoint) {
    const EndpointRef ref = Acquire("/a%20b/%c3%A4");
    EXPECT_EQ(server_->Find("/%61%20b/\u00e4"), &*ref);
    const Peer peer = Join("/a%20b/%C3%A4");
    EXPECT_EQ(ref->client_count(), 1U);
    // An encoded slash is part of its segment.
    const EndpointRef slash = Acquire("/x%2Fy");
    EXPECT_EQ(server_->Find("/x/y"), nullptr);
    EXPECT_EQ(server_->Find("/x%2fy"), &*slash);
    EXPECT_EQ(server_->Find("/x%252Fy"), nullptr);
}

TEST_F(ServerTest, ATemplateIsNoPathOfItsOwnForClients) {
    EndpointRef ref = Acquire("/c/{id}");
    RecordingListener listener;
    ref.Subscribe(&listener);
    const Peer peer = Join("/c/{id}");
    ASSERT_EQ(listener.last_client.path_variables.size(), 1U);
    EXPECT_EQ(listener.last_client.path_variables[0].second, "{id}");
}

TEST_F(ServerTest, TellsOnceThatNothingIsLeft) {
    auto ref = std::make_unique<EndpointRef>(Acquire("/a"));
    Peer peer = Join("/a");
    int told = 0;
    server_->OnIdle([&] { ++told; });
    ref.reset();
    Turn();
    EXPECT_EQ(told, 0) << "a client has not said goodbye yet";
    peer->WriteAll(MaskedClose(1001));
    Turn();
    peer->Close();
    Turn();
    EXPECT_EQ(told, 1);
    server_->OnIdle([&] { ++told; });
    EXPECT_EQ(told, 1) << "never from inside the call";
    Turn();
    EXPECT_EQ(told, 2);
}

TEST_F(ServerTest, ExactPathWinsOverTemplate) {
    const EndpointRef any = Acquire("/c/{id}");
    const EndpointRef exact = Acquire("/c/1");
    const Peer peer = Join("/c/1");
    EXPECT_EQ(exact->client_count(), 1U);
    EXPECT_EQ(any->client_count(), 0U);
}

TEST_F(ServerTest, EndpointLivesAsLongAsAnybodyHoldsIt) {
    auto sink = std::make_unique<EndpointRef>(Acquire("/a"));
    EndpointSettings other;
    other.max_clients = 5;
    auto second = server_->Acquire("/a", other, "rule2");
    ASSERT_TRUE(second);
    EXPECT_EQ(second->warning(), "");
    EXPECT_EQ((*second)->holders(), (std::vector<std::string>{"test", "rule2"}));
    Peer peer = Join("/a");
    sink.reset();
    Turn();
    EXPECT_NE(server_->Find("/a"), nullptr);
    Publish(*second, "x");
    second->Reset();
    EXPECT_EQ(server_->Find("/a"), nullptr);
    Turn();
    EXPECT_EQ(peer->ReadAll(), Plain(Opcode::kText, "x") + CloseFrame(1000, "the endpoint was closed"));
    EXPECT_FALSE(peer->at_end());  // not before its answer
    peer->WriteAll(MaskedClose(1001));
    Turn();
    EXPECT_TRUE(peer->at_end());
    EXPECT_FALSE(server_->idle());
    peer->Close();
    Turn();
    EXPECT_TRUE(server_->idle());
}

TEST_F(ServerTest, ClientThatNeverAnswersTheCloseIsCutAfterTheCloseTimeout) {
    auto ref = std::make_unique<EndpointRef>(Acquire("/a"));
    const Peer peer = Join("/a");
    ref.reset();
    Advance(1999);
    EXPECT_FALSE(server_->idle());
    Advance(1);
    EXPECT_TRUE(server_->idle());
    EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(ServerTest, BadPathsAreRefusedWithAReason) {
    for (const char* path : {"a", "", "/a?b", "/a/{", "/a/x{id}", "/a b", "/{}"}) {
        EXPECT_FALSE(server_->Acquire(path, {}, "test")) << path;
    }
}

TEST(PercentDecode, LeavesWhatIsNoEscape) {
    EXPECT_EQ(PercentDecode("a%41%2f%"), "aA/%");
    EXPECT_EQ(PercentDecode("%4"), "%4");
    EXPECT_EQ(PercentDecode("%zz%-1"), "%zz%-1");
}

TEST(ServerOnALoop, ListensWithTheFirstEndpointAndStopsWithTheLast) {
    io::Loop loop;
    ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = 0;
    Server server(loop, settings);
    EXPECT_FALSE(server.listening());
    EXPECT_TRUE(server.Check());
    EXPECT_FALSE(server.listening());
    auto ref = server.Acquire("/a", {}, "test");
    ASSERT_TRUE(ref);
    EXPECT_NE(server.port(), 0);

    settings.port = server.port();
    Server second(loop, settings);
    const auto refused = second.Acquire("/a", {}, "test");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(std::to_string(server.port())), std::string::npos);
    EXPECT_FALSE(second.Check());

    ref->Reset();
    EXPECT_FALSE(server.listening());
}

}  // namespace
}  // namespace haumea::ws
