#include "ws/session.h"

#include "ws/server_test_support.h"

namespace haumea::ws {
namespace {

TEST_F(ServerTest, PublishedMessageReachesEveryClientAsTextOrBinary) {
    EndpointRef ref = Acquire("/a");
    EXPECT_EQ(Publish(ref, "nobody"), Publication::kNoClient);
    Peer one = Join("/a");
    Peer two = Join("/a");
    EXPECT_EQ(Publish(ref, "hi"), Publication::kAccepted);
    EXPECT_EQ(ref->Publish(BufferView::Copy("\xff"), false), Publication::kAccepted);
    Turn();
    const std::string expected = Plain(Opcode::kText, "hi") + Plain(Opcode::kBinary, "\xff");
    EXPECT_EQ(one->ReadAll(), expected);
    EXPECT_EQ(two->ReadAll(), expected);
}

TEST_F(ServerTest, MessagePublishedOnConnectFollowsThe101) {
    EndpointRef ref = Acquire("/a");
    ref.WhenReady([&] { Publish(ref, "cached"); });
    Turn();
    Peer peer = Connect();
    peer->WriteAll(Request("/a"));
    Turn();
    const std::string got = peer->ReadAll();
    EXPECT_TRUE(got.ends_with("\r\n\r\n" + Plain(Opcode::kText, "cached"))) << got;
}

TEST_F(ServerTest, ListenerHearsMessagesEvenThoseSentWithTheRequest) {
    EndpointRef ref = Acquire("/a");
    RecordingListener listener;
    ref.Subscribe(&listener);
    Peer peer = Connect();
    peer->WriteAll(Request("/a") + Masked(Opcode::kText, "early"));
    Turn();
    peer->WriteAll(Masked(Opcode::kBinary, "late"));
    Turn();
    EXPECT_EQ(listener.messages, (std::vector<std::string>{"early", "late"}));
    EXPECT_EQ(listener.kinds, "tb");
    peer->WriteAll(MaskedClose(1000));
    Turn();
    EXPECT_EQ(listener.disconnects, 1);
    EXPECT_EQ(listener.last_code, 1000);
}

TEST_F(ServerTest, PausedListenerStopsReadingAndLosesNothing) {
    EndpointRef ref = Acquire("/a");
    RecordingListener listener;
    listener.pause_after = 2;
    ref.Subscribe(&listener);
    Peer peer = Join("/a");
    std::string burst;
    for (int i = 0; i < 5; ++i) {
        burst += Masked(Opcode::kText, std::to_string(i));
    }
    peer->WriteAll(burst);
    Turn();
    peer->WriteAll(Masked(Opcode::kText, "5"));
    Turn();
    EXPECT_EQ(listener.messages.size(), 2U);
    EXPECT_FALSE(peer->wire().pipes[0].bytes.empty());  // TCP would slow the peer down
    Advance(120'000);                                   // no ping concerns a client we do not read
    EXPECT_EQ(ref->client_count(), 1U);
    ref.Resume();
    Turn();
    EXPECT_EQ(listener.messages, (std::vector<std::string>{"0", "1", "2", "3", "4", "5"}));
}

TEST_F(ServerTest, ClientClosedWhileItsEndpointIsPausedEndsInACleanHandshake) {
    EndpointRef ref = Acquire("/a");
    RecordingListener listener;
    listener.pause_after = 1;
    ref.Subscribe(&listener);
    Peer peer = Join("/a");
    const std::string cut = Masked(Opcode::kText, "cut in the middle");
    peer->WriteAll(Masked(Opcode::kText, "pauses") + Masked(Opcode::kText, "waits") + cut.substr(0, 9));
    Turn();
    ASSERT_TRUE(ref->Kick(ref->clients().at(0).id, "by hand"));
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(1008, "by hand"));
    EXPECT_FALSE(peer->at_end());  // its own close frame is awaited
    peer->WriteAll(cut.substr(9) + MaskedClose(1008));
    Turn();
    EXPECT_TRUE(peer->at_end());
    EXPECT_EQ(ref->stats().protocol_errors, 0U);
    EXPECT_EQ(listener.messages, (std::vector<std::string>{"pauses"}));
}

TEST_F(ServerTest, MessagesWithoutListenerAreCountedAsIgnored) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    peer->WriteAll(Masked(Opcode::kText, "x"));
    Turn();
    EXPECT_EQ(ref->stats().messages_ignored, 1U);
}

TEST_F(ServerTest, PingIsAnsweredWithItsPayload) {
    const EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    peer->WriteAll(Masked(Opcode::kPing, "tick"));
    Turn();
    EXPECT_EQ(peer->ReadAll(), Plain(Opcode::kPong, "tick"));
}

TEST_F(ServerTest, CloseIsEchoedAndThenTheServerHangsUpFirst) {
    const EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    peer->WriteAll(MaskedClose(3001));
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(3001));
    EXPECT_TRUE(peer->at_end());
    EXPECT_EQ(ref->client_count(), 0U);
}

TEST_F(ServerTest, ViolationsAreClosedWithTheirCodes) {
    EndpointSettings settings;
    settings.max_message_bytes = 10;
    EndpointRef ref = Acquire("/a", settings);
    const std::vector<std::pair<std::string, uint16_t>> cases = {
        {Plain(Opcode::kText, "unmasked"), 1002},
        {Masked(Opcode::kText, "\xff"), 1007},
        {Masked(Opcode::kText, "eleven chars"), 1009},
    };
    for (const auto& [bytes, code] : cases) {
        Peer peer = Join("/a");
        peer->WriteAll(bytes);
        Turn();
        EXPECT_EQ(peer->ReadAll().substr(2, 2), CloseFrame(code).substr(2)) << code;
        EXPECT_TRUE(peer->at_end());
    }
    EXPECT_EQ(ref->stats().protocol_errors, 2U);
    EXPECT_EQ(ref->stats().too_big, 1U);
    Advance(5000);
    EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(ServerTest, WhatWasQueuedBeforeAViolationIsSentBeforeTheClose) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    Publish(ref, "good");
    peer->WriteAll("\xff\xff");
    Turn();
    EXPECT_TRUE(peer->ReadAll().starts_with(Plain(Opcode::kText, "good") + "\x88"));
}

TEST_F(ServerTest, SilentClientIsPingedAndClosedWithoutAPong) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    Advance(31'000);
    const std::string ping = peer->ReadAll();
    ASSERT_EQ(ping.size(), 10U);
    EXPECT_EQ(ping.substr(0, 2), "\x89\x08");
    peer->WriteAll(Masked(Opcode::kPong, ping.substr(2)));
    Turn();
    EXPECT_GE(ref->stats().ping_rtt_us_last, 0);
    Advance(31'000);
    EXPECT_EQ(peer->ReadAll().size(), 10U);
    Advance(11'000);
    EXPECT_EQ(peer->ReadAll().substr(2, 2), CloseFrame(1008).substr(2));
    EXPECT_EQ(ref->stats().pong_timeouts, 1U);
    Advance(2000);
    EXPECT_EQ(server_->client_count(), 0U);
}

TEST_F(ServerTest, AByteAMinuteIsNoSignOfLife) {
    const EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    const std::string frame = Masked(Opcode::kText, std::string(100, 'x'));
    for (size_t i = 0; i < 4; ++i) {
        peer->WriteAll(frame.substr(i, 1));
        peer->ReadAll();
        Advance(20'000);
    }
    EXPECT_EQ(ref->client_count(), 0U);
}

TEST_F(ServerTest, FloodOfPingsIsClosed) {
    EndpointSettings settings;
    settings.max_control_frames_per_second = 100;
    EndpointRef ref = Acquire("/a", settings);
    Peer peer = Join("/a");
    std::string flood;
    for (int i = 0; i < 200; ++i) {
        flood += Masked(Opcode::kPing, "x");
    }
    peer->WriteAll(flood);
    Turn();
    EXPECT_EQ(ref->stats().control_floods, 1U);
    EXPECT_EQ(ref->client_count(), 0U);
}

TEST_F(ServerTest, PingsThatGoWithMessagesAreNoFlood) {
    EndpointSettings settings;
    settings.max_control_frames_per_second = 10;
    EndpointRef ref = Acquire("/a", settings);
    Peer peer = Join("/a");
    std::string wire;
    for (int i = 0; i < 200; ++i) {
        wire += Masked(Opcode::kText, "m") + Masked(Opcode::kPing, "x");
    }
    peer->WriteAll(wire);
    Turn();
    EXPECT_EQ(ref->stats().control_floods, 0U);
    EXPECT_EQ(ref->client_count(), 1U);
}

TEST_F(ServerTest, NeverReadingClientIsBoundedDroppedForAndEndedByItsMissingPong) {
    EndpointSettings settings;
    settings.backlog = {100, 1U << 20U};
    EndpointRef ref = Acquire("/a", settings);
    Peer stuck = Join("/a");
    Peer good = Join("/a");
    stuck->wire().SetCapacity(1, 1000);
    size_t got = 0;
    for (int i = 0; i < 2000; ++i) {
        ASSERT_EQ(Publish(ref, std::string(98, 'x')), Publication::kAccepted);
        Turn();
        got += good->ReadAll().size();
    }
    EXPECT_EQ(got, 2000U * 100);
    const EndpointStats stats = ref->stats();
    EXPECT_EQ(stats.hub.dropped_oldest, 2000U - 10 - 100);
    EXPECT_EQ(stats.hub.slow_clients, 1U);
    EXPECT_LE(stats.hub.log_messages, 400U);
    EXPECT_EQ(ref->clients()[0].dropped, stats.hub.dropped_oldest);
    for (int i = 0; i < 5; ++i) {
        Advance(10'000);
        good->WriteAll(Masked(Opcode::kText, "alive"));
        Turn();
    }
    EXPECT_EQ(ref->client_count(), 1U);
}

TEST_F(ServerTest, KickedClientIsClosedWithTheReason) {
    EndpointRef ref = Acquire("/a");
    Peer peer = Join("/a");
    const uint64_t id = ref->clients().at(0).id;
    EXPECT_FALSE(ref->Kick(id + 1, "no"));
    EXPECT_TRUE(ref->Kick(id, "by hand"));
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(1008, "by hand"));
}

TEST_F(ServerTest, DeflateIsSharedAndOnlyForThoseWhoAskedForIt) {
    EndpointSettings settings;
    settings.permessage_deflate = true;
    EndpointRef ref = Acquire("/a", settings);
    Peer plain = Join("/a");
    Peer small = Join("/a", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    const std::string text(1000, 'x');
    Publish(ref, text);
    Turn();
    EXPECT_EQ(plain->ReadAll(), Plain(Opcode::kText, text));
    const std::string deflated = small->ReadAll();
    EXPECT_LT(deflated.size(), 100U);
    EXPECT_EQ(deflated[0], '\xc1');
}

TEST_F(ServerTest, ListenerMayLetGoOfTheEndpointFromInsideAMessage) {
    class Leaver final : public EndpointListener {
      public:
        Intake OnMessage(const BufferView&, bool, const ClientInfo&) noexcept override {
            ref.Reset();
            return Intake::kPause;
        }
        void OnConnect(const ClientInfo&) noexcept override {}
        void OnDisconnect(const ClientInfo&, CloseCode, const std::string&) noexcept override {}
        EndpointRef ref;
    } leaver;
    leaver.ref = Acquire("/a");
    leaver.ref.Subscribe(&leaver);
    Peer peer = Join("/a");
    peer->WriteAll(Masked(Opcode::kText, "1") + Masked(Opcode::kText, "2"));
    Turn();
    EXPECT_EQ(peer->ReadAll(), CloseFrame(1000, "the endpoint was closed"));
    Advance(3000);
    EXPECT_TRUE(server_->idle());
}

TEST(SessionSize, IdleClientStaysBelowTwoKilobytes) { EXPECT_LE(sizeof(Session), 1200U); }

}  // namespace
}  // namespace haumea::ws
