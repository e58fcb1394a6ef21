#include "ws/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ws/client_test_support.h"

namespace haumea::ws::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- connecting ----

TEST_F(ClientTest, ConnectsAndTellsItsUsers) {
    Make({.host = "example.test", .port = 8080, .path = "/x?y=1", .headers = {{"X-Token", "t"}}});
    const std::string request = server().ReadRequest();
    EXPECT_THAT(request, HasSubstr("GET /x?y=1 HTTP/1.1\r\nHost: example.test:8080\r\n"));
    EXPECT_EQ(server().Header("X-Token"), "t");
    server().SendRaw(server().Answer());
    Run();
    EXPECT_THAT(user_.states, ElementsAre(ClientState::kConnected));
    EXPECT_EQ(client_->Status().connects, 1U);
    EXPECT_EQ(client_->Status().last_connected_ms, 1'000'000);
}

TEST_F(ClientTest, TakesFramesThatStandRightBehindTheAnswer) {
    Make();
    server().Accept(FakeServer::Frame(Opcode::kText, "early"));
    Run();
    EXPECT_THAT(user_.messages, ElementsAre("early"));
}

TEST_F(ClientTest, RedialsWithGrowingDelaysUpToTheMaximum) {
    behaviour_.reconnect = {100, 400, 2};
    // One less than a multiple of 101, 201 and 401: the jitter picks the longest delay of each span.
    random_ = uint64_t{101} * 201 * 401 - 1;
    refuse_ = true;
    Make();
    EXPECT_EQ(client_->Status().last_error, "TCP: connection refused");
    EXPECT_EQ(client_->Status().state, ClientState::kConnecting);
    Advance(1'500);
    EXPECT_THAT(dialled_at_, ElementsAre(1'000'000, 1'000'100, 1'000'300, 1'000'700, 1'001'100, 1'001'500));
}

TEST_F(ClientTest, AServerThatSaysNoIsAskedAtTheSlowEnd) {
    Make();
    server().ReadRequest();
    server().SendRaw("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    Run();
    EXPECT_THAT(client_->Status().last_error,
                "HTTP: the server answered HTTP 401 Unauthorized instead of 101 Switching Protocols");
    EXPECT_EQ(client_->Status().failed_step, io::ConnectStep::kHttp);
    Advance(4'999);
    EXPECT_EQ(dialled_at_.size(), 1U);
    Advance(5'001);
    EXPECT_EQ(dialled_at_.size(), 2U);
}

TEST_F(ClientTest, AServerErrorIsAskedAgainSoon) {
    Make();
    server().ReadRequest();
    server().SendRaw("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    Run();
    Advance(100);
    EXPECT_GE(dialled_at_.size(), 2U);
}

TEST_F(ClientTest, GarbageIsRefusedAtOnce) {
    Make();
    server().SendRaw("SSH-2.0-OpenSSH\r\n");
    Run();
    EXPECT_FALSE(client_->connected());
    EXPECT_EQ(client_->Status().failed_step, io::ConnectStep::kWebSocket);
}

TEST_F(ClientTest, EndlessHeadersAreRefused) {
    Make();
    server().stream().wire().SetCapacity(1, 1 << 20);
    server().SendRaw("HTTP/1.1 101 Switching Protocols\r\n");
    for (int i = 0; i < 1000; ++i) {
        server().SendRaw("X-Header: some text that nobody reads\r\n");
    }
    Run();
    EXPECT_THAT(client_->Status().last_error, HasSubstr("WebSocket: the server's answer is refused"));
}

TEST_F(ClientTest, AnAnswerThatDripsEndsAtTheDeadline) {
    Make();
    const std::string answer = (server().ReadRequest(), server().Answer());
    for (size_t i = 0; i < 11; ++i) {
        server().SendRaw(answer.substr(i, 1));
        Advance(999);
    }
    EXPECT_THAT(client_->Status().last_error, HasSubstr("within 10000 ms (connectTimeout)"));
}

TEST_F(ClientTest, AServerThatOnlyHangsUpIsNotDialledAtFullSpeed) {
    behaviour_.reconnect = {100, 10'000, 2};
    random_ = 99;  // 99 ms, then up to 99 ms of each growing span
    Open();
    for (int i = 0; i < 5; ++i) {
        server().Close();
        Run();
        Advance(10'000);
        server().Accept();
        Run();
    }
    EXPECT_EQ(client_->Status().connects, 6U);
    EXPECT_EQ(client_->Status().state, ClientState::kConnected);
}

TEST(Backoff, GrowsToTheMaximumAndStaysWithinItsSpan) {
    Backoff backoff({100, 1000, 2});
    EXPECT_EQ(backoff.Next(100), 100);
    EXPECT_EQ(backoff.Next(200), 200);
    EXPECT_EQ(backoff.Next(400), 400);
    EXPECT_EQ(backoff.Next(800), 800);
    EXPECT_EQ(backoff.Next(1000), 1000);
    EXPECT_EQ(backoff.Next(1000), 1000);
    EXPECT_EQ(backoff.Next(1001), 0);
    EXPECT_EQ(backoff.Slow(0), 500);
    EXPECT_EQ(backoff.Slow(500), 1000);
    backoff.Reset();
    EXPECT_EQ(backoff.Next(100), 100);
}

// ---- sending ----

TEST_F(ClientTest, JoinsTheMessagesOfATurnInOneWrite) {
    Open();
    server().Receive();
    const size_t before = server().stream().wire().pipes[0].writes;
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(Send("m" + std::to_string(i)), SendResult::kAccepted);
    }
    Run();
    EXPECT_EQ(server().stream().wire().pipes[0].writes, before + 1);
    EXPECT_EQ(server().ReceiveMessages().size(), 20U);
    EXPECT_EQ(user_.handed_over, 20U);
    EXPECT_EQ(client_->Status().messages_out, 20U);
}

TEST_F(ClientTest, QueuesUntilConnected) {
    Make();
    Send("a");
    Send("b");
    Run();
    EXPECT_EQ(user_.handed_over, 0U);
    server().Accept();
    Run();
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre("a", "b"));
}

TEST_F(ClientTest, SendsAgainInOrderWhatTheSocketDidNotTakeWhole) {
    Open();
    server().stream().wire().SetCapacity(0, 1000);
    std::vector<std::string> sent;
    for (int i = 0; i < 10; ++i) {
        sent.push_back(std::string(300, static_cast<char>('a' + i)));
        Send(sent.back());
    }
    Run();
    EXPECT_EQ(user_.handed_over, 3U);
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre(sent[0], sent[1], sent[2]));
    server().stream().wire().Reset();
    Run();
    EXPECT_EQ(client_->Status().state, ClientState::kDisconnected);
    EXPECT_EQ(client_->Status().last_error, "connection reset by peer");
    Advance(1000);
    server().Accept();
    Run();
    EXPECT_EQ(server().ReceiveMessages(), std::vector<std::string>(sent.begin() + 3, sent.end()));
    EXPECT_EQ(user_.handed_over, 10U);
}

TEST_F(ClientTest, LongMessagesGoOutPieceByPieceAndWhole) {
    Open();
    server().stream().wire().SetCapacity(0, 8U << 20U);
    const std::string text(3U << 20U, 'x');
    Send(text);
    Send("short");
    Run();
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre(text, "short"));
}

TEST_F(ClientTest, AFullBacklogBlocksAndWakes) {
    behaviour_.backlog_messages = 4;
    Open();
    server().stream().wire().SetCapacity(0, 0);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(Send("x"), SendResult::kAccepted);
    }
    Run();
    EXPECT_EQ(Send("y"), SendResult::kBlocked);
    EXPECT_EQ(client_->Status().backlog_messages, 4U);
    EXPECT_EQ(user_.writable, 0);
    server().stream().wire().SetCapacity(0, 1000);
    Run();
    EXPECT_EQ(user_.writable, 1);
    EXPECT_EQ(Send("y"), SendResult::kAccepted);
}

TEST_F(ClientTest, DropsTheOldestOrTheNewestWhenAskedTo) {
    behaviour_.backlog_messages = 2;
    Make();
    Send("1");
    Send("2");
    EXPECT_EQ(Send("3", WhenFull::kDropOldest), SendResult::kAccepted);
    EXPECT_EQ(Send("4", WhenFull::kDropNewest), SendResult::kDropped);
    EXPECT_EQ(user_.dropped, 1U);
    EXPECT_EQ(client_->Status().dropped, 2U);
    server().Accept();
    Run();
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre("2", "3"));
}

TEST_F(ClientTest, TheBacklogIsBoundedInBytesButTakesOneLargeMessage) {
    behaviour_.backlog_bytes = 100;
    Make();
    EXPECT_EQ(Send(std::string(500, 'x')), SendResult::kAccepted);
    EXPECT_EQ(Send("y"), SendResult::kBlocked);
    EXPECT_EQ(client_->Status().backlog_bytes, 500U);
}

TEST_F(ClientTest, ARemoteThatTakesNothingIsGivenUp) {
    behaviour_.ping_interval_ms = 0;
    Open();
    server().stream().wire().SetCapacity(0, 10);
    Send(std::string(100, 'x'));
    Run();
    Advance(9'999);
    EXPECT_TRUE(client_->connected());
    Advance(1);
    EXPECT_EQ(client_->Status().last_error, "the remote has taken nothing for 10000 ms (writeTimeout)");
}

// ---- receiving, control frames ----

TEST_F(ClientTest, DeliversTextAndBinary) {
    Open();
    server().Send(Opcode::kText, "text");
    server().Send(Opcode::kBinary, "\x01\x02");
    Run();
    EXPECT_THAT(user_.messages, ElementsAre("text", "\x01\x02"));
    EXPECT_THAT(user_.texts, ElementsAre(true, false));
}

TEST_F(ClientTest, AnswersPings) {
    Open();
    server().Send(Opcode::kPing, "abc");
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, FrameEvent::Kind::kPong);
    EXPECT_EQ(events[0].payload, "abc");
}

TEST_F(ClientTest, PingsASilentRemoteAndLeavesADeadOne) {
    Open();
    Advance(30'000);
    auto events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, FrameEvent::Kind::kPing);
    server().Send(Opcode::kPong, events[0].payload);
    Advance(30'000);
    EXPECT_TRUE(client_->connected());
    EXPECT_GE(client_->Status().last_round_trip_us, 0);
    events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    Advance(10'000);
    EXPECT_EQ(client_->Status().state, ClientState::kDisconnected);
    EXPECT_EQ(client_->Status().last_error, "no answer to a ping within 10000 ms (pongTimeout)");
}

TEST_F(ClientTest, DoesNotPingARemoteThatTalks) {
    Open();
    for (int i = 0; i < 10; ++i) {
        Advance(20'000);
        server().Send(Opcode::kText, "x");
        Run();
    }
    EXPECT_TRUE(server().Receive().empty());
}

TEST_F(ClientTest, AnOrderedPingGoesBehindTheMessagesBeforeIt) {
    Open();
    Send("a");
    EXPECT_TRUE(client_->SendPing(user_, 42));
    Send("b");
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[1].kind, FrameEvent::Kind::kPing);
    server().Send(Opcode::kPong, events[1].payload);
    Run();
    EXPECT_THAT(user_.pongs, ElementsAre(42U));
}

TEST_F(ClientTest, APongAnswersTheUserThatAskedAndStandsForEarlierPings) {
    Open();
    RecordingListener other;
    client_->Attach(other);
    EXPECT_TRUE(client_->SendPing(user_, 7));
    EXPECT_TRUE(client_->SendPing(other, 7));
    EXPECT_TRUE(client_->SendPing(user_, 8));
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 3U);
    server().Send(Opcode::kPong, events[1].payload);
    Run();
    EXPECT_THAT(user_.pongs, ElementsAre(7U));
    EXPECT_THAT(other.pongs, ElementsAre(7U));
    client_->Detach(other);
}

TEST_F(ClientTest, ARemoteThatDoesNotAnswerAnOrderedPingInTimeIsLost) {
    Open();
    EXPECT_TRUE(client_->SendPing(user_, 1));
    Run();
    Advance(9'999);
    EXPECT_EQ(client_->Status().state, ClientState::kConnected);
    Advance(1);
    EXPECT_EQ(client_->Status().last_error, "no answer to a ping within 10000 ms (pongTimeout)");
    EXPECT_THAT(user_.pongs, ElementsAre());
}

TEST_F(ClientTest, EveryOrderedPingIsAwaitedForItsOwnTime) {
    for (const int64_t interval_ms : {int64_t{30'000}, int64_t{0}}) {
        SCOPED_TRACE(interval_ms);
        behaviour_.ping_interval_ms = interval_ms;
        Open();
        EXPECT_TRUE(client_->SendPing(user_, 1));
        Run();
        server().Send(Opcode::kPong, server().Receive().at(0).payload);
        Run();
        Advance(5'000);
        EXPECT_TRUE(client_->SendPing(user_, 2));
        Run();
        Advance(9'999);
        EXPECT_TRUE(client_->connected());
        Advance(1);
        EXPECT_FALSE(client_->connected());
        EXPECT_EQ(client_->Status().last_error, "no answer to a ping within 10000 ms (pongTimeout)");
    }
}

TEST_F(ClientTest, ARemoteThatTalksButNeverAnswersAnOrderedPingIsLost) {
    Open();
    EXPECT_TRUE(client_->SendPing(user_, 1));
    Run();
    for (int i = 0; i < 9; ++i) {
        Advance(1'000);
        server().Send(Opcode::kText, "x");
        Run();
    }
    EXPECT_TRUE(client_->connected());
    Advance(1'000);
    EXPECT_EQ(client_->Status().last_error, "no answer to a ping within 10000 ms (pongTimeout)");
}

TEST_F(ClientTest, AnOrderedPingIsNotMissedWhileNobodyReads) {
    Open();
    EXPECT_TRUE(client_->SendPing(user_, 1));
    Run();
    client_->PauseReading(user_);
    Advance(60'000);
    EXPECT_TRUE(client_->connected());
    client_->ResumeReading(user_);
    Run();
    Advance(9'000);
    EXPECT_TRUE(client_->connected());
    server().Send(Opcode::kPong, server().Receive().at(0).payload);
    Run();
    EXPECT_THAT(user_.pongs, ElementsAre(1U));
    Advance(20'000);
    EXPECT_TRUE(client_->connected());
}

TEST_F(ClientTest, APongThatComesBeforeItsPingConfirmsNothing) {
    Open();
    EXPECT_TRUE(client_->SendPing(user_, 1));
    Run();
    std::string forged = server().Receive().at(0).payload;
    forged.replace(1, 8, 8, '\x7f');
    server().stream().wire().pipes[0].capacity = 0;
    EXPECT_TRUE(client_->SendPing(user_, 2));
    server().Send(Opcode::kPong, forged);
    Run();
    EXPECT_THAT(user_.pongs, ElementsAre(1U));
}

TEST_F(ClientTest, APausedUserStopsReadingForAllUntilItResumes) {
    Open();
    user_.on_message = [&] { client_->PauseReading(user_); };
    server().SendRaw(FakeServer::Frame(Opcode::kText, "1") + FakeServer::Frame(Opcode::kText, "2"));
    server().Send(Opcode::kText, "3");
    Run();
    EXPECT_THAT(user_.messages, ElementsAre("1"));
    Advance(100'000);  // silence of our own making is no dead remote
    EXPECT_TRUE(client_->connected());
    user_.on_message = nullptr;
    client_->ResumeReading(user_);
    Run();
    EXPECT_THAT(user_.messages, ElementsAre("1", "2", "3"));
}

TEST_F(ClientTest, AnswersACloseAndComesBack) {
    Open();
    server().SendClose(CloseCode::kGoingAway, "restart");
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, FrameEvent::Kind::kClose);
    EXPECT_EQ(events[0].code, CloseCode::kGoingAway);
    Send("kept");
    server().Close();
    Run();
    EXPECT_EQ(client_->Status().last_error, "the remote closed the connection with code 1001: restart");
    Advance(1000);
    server().Accept();
    Run();
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre("kept"));
}

TEST_F(ClientTest, SaysWhatWasWrongBeforeItLeavesARemoteThatBreaksTheProtocol) {
    Open();
    server().SendRaw(std::string("\xC3\x00", 2));  // reserved bit, reserved opcode
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].code, CloseCode::kProtocolError);
    Advance(2'000);
    EXPECT_THAT(client_->Status().last_error, HasSubstr("the remote broke the WebSocket protocol"));
}

TEST_F(ClientTest, TooLongMessagesAreRefused) {
    behaviour_.max_message_bytes = 10;
    Open();
    server().Send(Opcode::kText, "more than ten bytes");
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].code, CloseCode::kMessageTooBig);
}

// ---- ending ----

TEST_F(ClientTest, CloseSendsWhatIsQueuedAndThenSaysGoodbye) {
    Open();
    Send("last");
    bool closed = false;
    client_->Close([&] { closed = true; });
    EXPECT_EQ(Send("too late"), SendResult::kDropped);
    Run();
    const auto events = server().Receive();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].payload, "last");
    EXPECT_EQ(events[1].code, CloseCode::kNormal);
    EXPECT_FALSE(closed);
    server().SendClose(CloseCode::kNormal, "");
    server().Close();
    Run();
    EXPECT_TRUE(closed);
    EXPECT_EQ(client_->Status().state, ClientState::kClosed);
    EXPECT_EQ(client_->Status().last_error, "");
}

TEST_F(ClientTest, CloseDoesNotWaitForARemoteThatIsStuck) {
    Open();
    server().stream().wire().SetCapacity(0, 0);
    Send("never");
    bool closed = false;
    client_->Close([&] { closed = true; });
    Advance(2'000);
    EXPECT_TRUE(closed);
    EXPECT_EQ(client_->Status().dropped, 1U);
}

TEST_F(ClientTest, CloseEndsAttemptsAndMayDestroyTheClient) {
    refuse_ = true;
    Make();
    client_->Close([&] { client_.reset(); });
    EXPECT_TRUE(client_);
    Advance(0);
    EXPECT_FALSE(client_);
}

TEST_F(ClientTest, ADetachedUserHearsNothingButItsMessagesGoOut) {
    Open();
    Send("a");
    client_->Detach(user_);
    Run();
    EXPECT_EQ(user_.handed_over, 0U);
    EXPECT_THAT(server().ReceiveMessages(), ElementsAre("a"));
}

TEST_F(ClientTest, DiscardTakesBackWhatWasNotBegun) {
    Make();
    Send("a");
    Send("b");
    EXPECT_EQ(client_->Discard(user_), 2U);
    EXPECT_EQ(client_->Status().backlog_bytes, 0U);
    server().Accept();
    Run();
    EXPECT_TRUE(server().ReceiveMessages().empty());
}

// ---- compression ----

TEST_F(ClientTest, CompressesWhenAgreed) {
    Make({.host = "example.test", .deflate = {.enabled = true}});
    server().ReadRequest();
    server().SendRaw(server().Answer("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    Run();
    ASSERT_TRUE(client_->connected()) << client_->Status().last_error;
    Send(std::string(10'000, 'x'));
    Run();
    EXPECT_LT(server().stream().ReadAll().size(), 200U);
}

}  // namespace
}  // namespace haumea::ws::testing
