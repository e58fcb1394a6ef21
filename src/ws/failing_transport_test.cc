// Every place where a connection can break: each scenario is run with a fault at its first Read or Write, its
// second, and so on until the fault is no longer reached.

#include <gmock/gmock.h>

#include "io/testing/test_certificates.h"
#include "io/tls.h"
#include "ws/client_test_support.h"
#include "ws/server_test_support.h"

namespace haumea::ws {
namespace {

using io::testing::FailingStream;
using io::testing::Fault;

constexpr size_t kNoEnd = 2'000;  // a scenario with more operations than this does not end by itself

const char* Name(Fault::Kind kind) {
    switch (kind) {
        case Fault::Kind::kReset:
            return "Reset";
        case Fault::Kind::kEnd:
            return "End";
        case Fault::Kind::kStall:
            return "Stall";
    }
    return "";
}

// ---- server role ----

enum class Secure : uint8_t { kNo, kYes };
enum class Ending : uint8_t { kPeerCloses, kPeerErrs, kPeerVanishes, kKicked, kReleased };

// A session and its hub: handshake, messages of all kinds, a full socket, pings, each way to end.
class FailingServerTest : public ServerTest,
                          public ::testing::WithParamInterface<std::tuple<Fault::Kind, Secure, Ending>> {
  protected:
    FailingServerTest() {
        const io::testing::TestIdentity identity = io::testing::MakeTestIdentity({});
        io::TlsServerOptions server;
        server.certificate.text = identity.certificate;
        server.key.text = identity.key;
        server_tls_ = *io::TlsContext::ForServer(server);
        io::TlsClientOptions client;
        client.insecure_skip_verify = true;
        client_tls_ = *io::TlsContext::ForClient(client);
    }

    bool secure() const { return std::get<Secure>(GetParam()) == Secure::kYes; }

    void ConnectFaulty() {
        auto [peer, mine] = io::testing::MakeMemoryPair(scheduler_);
        wire_ = &peer->wire();
        std::unique_ptr<io::Stream> stream = std::make_unique<FailingStream>(std::move(mine), fault_);
        peer_ = std::move(peer);
        if (secure()) {
            stream = io::TlsStream::Server(std::move(stream), *server_tls_);
            peer_ = io::TlsStream::Client(std::move(peer_), *client_tls_, "localhost");
        }
        server_->Adopt(std::move(stream));
    }
    // As much as the other end takes; a broken connection takes nothing.
    void PeerWrites(std::string_view bytes) {
        for (int tries = 0; tries < 20 && !bytes.empty(); ++tries) {
            const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
            const io::IoResult result = peer_->Write({&part, 1});
            bytes.remove_prefix(result.status == io::IoResult::Status::kOk ? result.bytes : 0);
            Turn();
        }
    }
    std::string PeerReads() {
        std::string out;
        char chunk[4096];
        for (int rounds = 0; rounds < 8; ++rounds) {
            for (io::IoResult result = peer_->Read(chunk); result.status == io::IoResult::Status::kOk;
                 result = peer_->Read(chunk)) {
                out.append(chunk, result.bytes);
            }
            Turn();
        }
        return out;
    }
    void PublishToAll(const std::string& text) {
        expected_ += ref_->client_count();
        ASSERT_EQ(Publish(ref_, text), Publication::kAccepted);
        published_.push_back(text);
        Turn();
        ReadGood();
    }
    void ReadGood() {
        std::string bytes = good_->ReadAll();
        while (!bytes.empty()) {
            good_parser_.Feed(bytes);
            for (FrameEvent event; good_parser_.Next(event);) {
                if (event.is_message()) {
                    good_got_.emplace_back(event.payload.view());
                } else if (event.kind == FrameEvent::Kind::kPing) {
                    good_->WriteAll(Masked(Opcode::kPong, event.payload.view()));
                }
            }
            Turn();
            bytes = good_->ReadAll();
        }
    }

    void Play() {
        EndpointSettings settings;
        settings.backlog = {4, 1U << 20U};
        settings.permessage_deflate = true;
        // A policy for each ending, so that all come about.
        static constexpr SlowConsumer kPolicies[] = {SlowConsumer::kDropOldest, SlowConsumer::kDropNewest,
                                                     SlowConsumer::kConflate, SlowConsumer::kDisconnect,
                                                     SlowConsumer::kDropNewest};
        settings.slow_consumer = kPolicies[static_cast<int>(std::get<Ending>(GetParam()))];
        ref_ = Acquire("/a", settings);
        ref_.Subscribe(&listener_);
        good_ = Join("/a");
        ConnectFaulty();
        PeerWrites(Request("/a", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
        PeerReads();
        PublishToAll("small");
        PeerWrites(Masked(Opcode::kText, "from the peer") + Masked(Opcode::kPing, "p"));
        PublishToAll(std::string(1'000, 'x'));
        PeerReads();
        // A full socket, in the middle of a frame, and more than its backlog holds.
        wire_->SetCapacity(1, 3'000);
        std::string random;
        for (uint32_t i = 0, x = 1; i < 20'000; ++i) {
            random += static_cast<char>((x = x * 1664525U + 1013904223U) >> 26U) + ' ';
        }
        for (int i = 0; i < 7; ++i) {
            PublishToAll(random + std::to_string(i));
        }
        PeerReads();
        wire_->SetCapacity(1, 1U << 20U);
        Turn();
        PeerReads();
        Advance(31'000);  // pings
        ReadGood();
        const std::string got = PeerReads();
        const size_t ping = got.rfind("\x89\x08");
        if (ping != std::string::npos && std::get<Ending>(GetParam()) != Ending::kPeerVanishes) {
            PeerWrites(Masked(Opcode::kPong, got.substr(ping + 2, 8)));
        }
        End();
        PublishToAll("after the end");
    }

    void End() {
        switch (std::get<Ending>(GetParam())) {
            case Ending::kPeerCloses:
                PeerWrites(MaskedClose(1000));
                break;
            case Ending::kPeerErrs:
                PeerWrites("\xff\xff");
                break;
            case Ending::kPeerVanishes:
                for (int i = 0; i < 3; ++i) {  // while the good one stays alive
                    Advance(6'000);
                    ReadGood();
                    good_->WriteAll(Masked(Opcode::kText, "alive"));
                }
                break;
            case Ending::kKicked:
                for (const ClientSnapshot& client : ref_->clients()) {
                    if (client.id == 2) {
                        ref_->Kick(client.id, "by hand");
                    }
                }
                break;
            case Ending::kReleased:
                return;
        }
        Turn();
        PeerReads();
        peer_->Close();
        Advance(2'500);
        ReadGood();
    }

    void CheckAfterwards() {
        EXPECT_EQ(good_got_, published_);
        const bool released = std::get<Ending>(GetParam()) == Ending::kReleased;
        EXPECT_GE(ref_->client_count(), 1U);
        EXPECT_LE(ref_->client_count(), released ? 2U : 1U);
        EXPECT_EQ(listener_.connects - listener_.disconnects, static_cast<int>(ref_->client_count()));
        const EndpointStats stats = ref_->stats();
        EXPECT_EQ(stats.connected_total, static_cast<uint64_t>(listener_.connects));
        EXPECT_EQ(stats.hub.published, published_.size());
        if (!released) {
            const HubStats& hub = stats.hub;
            EXPECT_EQ(hub.deliveries + hub.dropped_oldest + hub.dropped_newest + hub.dropped_conflated +
                          hub.dropped_on_close,
                      expected_);
            EXPECT_EQ(hub.slow_clients, 0U);
            EXPECT_EQ(hub.log_messages, 0U);
        }
        const HandshakeStats& handshakes = server_->handshake_stats();
        EXPECT_EQ(handshakes.accepted, stats.connected_total);
        EXPECT_EQ(handshakes.accepted + handshakes.malformed + handshakes.timed_out + handshakes.ended_early +
                      handshakes.tls_failed,
                  2U);
        ref_.Reset();
        Turn();
        peer_->Close();
        Advance(2'500);
        EXPECT_TRUE(server_->idle());
        EXPECT_EQ(server_->client_count(), 0U);
        EXPECT_EQ(scheduler_.timers(), 0U);
    }

    void Clear() {
        Restart({});
        listener_ = {};
        good_parser_ = FrameParser(Role::kClient);
        good_got_.clear();
        published_.clear();
        expected_ = 0;
    }

    std::shared_ptr<io::TlsContext> server_tls_;
    std::shared_ptr<io::TlsContext> client_tls_;
    Fault fault_;
    EndpointRef ref_;
    RecordingListener listener_;
    Peer good_;
    FrameParser good_parser_{Role::kClient};
    std::vector<std::string> good_got_;
    std::vector<std::string> published_;
    uint64_t expected_ = 0;  // messages times clients that were connected
    io::testing::MemoryStream::Wire* wire_ = nullptr;
    std::unique_ptr<io::Stream> peer_;
};

TEST_P(FailingServerTest, AConnectionThatBreaksAnywhereConcernsNobodyElseAndIsCounted) {
    size_t runs = 0;
    do {
        fault_ = {.kind = std::get<Fault::Kind>(GetParam()), .at = ++runs};
        SCOPED_TRACE("fault at operation " + std::to_string(fault_.at));
        Play();
        CheckAfterwards();
        Clear();
        ASSERT_LT(runs, kNoEnd);
    } while (fault_.reached() && !HasFailure());
    EXPECT_GT(runs, 15U);
}

std::string ServerCaseName(const ::testing::TestParamInfo<FailingServerTest::ParamType>& info) {
    static constexpr const char* kEndings[] = {"PeerCloses", "PeerErrs", "PeerVanishes", "Kicked",
                                               "Released"};
    return std::string(Name(std::get<Fault::Kind>(info.param))) +
           (std::get<Secure>(info.param) == Secure::kYes ? "OverTls" : "") +
           kEndings[static_cast<int>(std::get<Ending>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(
    All, FailingServerTest,
    ::testing::Combine(::testing::Values(Fault::Kind::kReset, Fault::Kind::kEnd, Fault::Kind::kStall),
                       ::testing::Values(Secure::kNo, Secure::kYes),
                       ::testing::Values(Ending::kPeerCloses, Ending::kPeerErrs, Ending::kPeerVanishes,
                                         Ending::kKicked, Ending::kReleased)),
    ServerCaseName);

// A request that is refused: the answer is written or not, the connection is gone and counted once.
TEST_F(ServerTest, AClientIsSaidToHaveGoneOnlyAfterItIsSaidToHaveCome) {
    struct Order final : EndpointListener {
        Intake OnMessage(const BufferView&, bool, const ClientInfo&) noexcept override {
            return Intake::kContinue;
        }
        void OnConnect(const ClientInfo&) noexcept override { events += 'c'; }
        void OnDisconnect(const ClientInfo&, CloseCode, const std::string&) noexcept override {
            events += 'd';
        }
        std::string events;
    };
    for (size_t at = 1; at < 5; ++at) {
        SCOPED_TRACE("at operation " + std::to_string(at));
        Fault fault{.kind = Fault::Kind::kReset, .at = at};
        Restart({});
        Order order;
        EndpointRef ref = Acquire("/a");
        ref.Subscribe(&order);
        auto [peer, mine] = io::testing::MakeMemoryPair(scheduler_);
        server_->Adopt(std::make_unique<FailingStream>(std::move(mine), fault));
        peer->WriteAll(Request("/a"));
        Turn();
        peer->Close();
        Turn();
        const bool accepted = server_->handshake_stats().accepted == 1;
        EXPECT_EQ(order.events, accepted ? "cd" : "");
        EXPECT_EQ(ref->stats().clients, 0U);
        ref.Reset();
    }
}

TEST_F(ServerTest, ARefusedHandshakeThatBreaksAnywhereIsCountedOnce) {
    for (const Fault::Kind kind : {Fault::Kind::kReset, Fault::Kind::kEnd, Fault::Kind::kStall}) {
        Fault fault;
        size_t at = 0;
        do {
            fault = {.kind = kind, .at = ++at};
            SCOPED_TRACE(std::string(Name(kind)) + " at operation " + std::to_string(at));
            Restart({});
            const EndpointRef ref = Acquire("/a");
            auto [peer, mine] = io::testing::MakeMemoryPair(scheduler_);
            peer->wire().pipes[1].max_per_write = 50;
            server_->Adopt(std::make_unique<FailingStream>(std::move(mine), fault));
            peer->WriteAll(Request("/b").substr(0, 30));
            Turn();
            peer->WriteAll(Request("/b").substr(30));
            Turn();
            peer->WriteAll("more");
            Turn();
            peer->Close();
            Turn();
            const HandshakeStats& stats = server_->handshake_stats();
            EXPECT_EQ(stats.unknown_path + stats.ended_early + stats.tls_failed, 1U);
            Advance(1'100);
            EXPECT_EQ(server_->client_count(), 0U);
        } while (fault.reached() && !HasFailure());
        EXPECT_GT(at, 5U);
    }
}

}  // namespace

// ---- client role ----

namespace testing {
namespace {

using ::testing::Combine;
using ::testing::Values;

enum class Breaks : uint8_t { kOnce, kEveryTime };
enum class Deflate : uint8_t { kNo, kYes };

// Legible when it stands in a failure.
std::string Short(std::string_view text) {
    return text.size() < 40 ? std::string(text) : fmt::format("{} bytes", text.size());
}

// A client with a queue of small and large messages; the server is sound, the transport is not.
class FailingClientTest : public ClientTest,
                          public ::testing::WithParamInterface<std::tuple<Fault::Kind, Breaks, Deflate>> {
  protected:
    bool deflate() const { return std::get<Deflate>(GetParam()) == Deflate::kYes; }

    // The servers do their part: answer requests, pings and closes.
    void Serve() {
        for (int rounds = 0; rounds < 12; ++rounds) {
            for (size_t i = 0; i < servers_.size(); ++i) {
                ServeOne(i);
            }
            Run();
        }
    }
    void ServeOne(size_t i) {
        FakeServer& server = *servers_[i];
        accepted_.resize(servers_.size());
        if (!accepted_[i]) {
            if (server.stream().wire().pipes[0].bytes.find("\r\n\r\n") == std::string::npos) {
                return;
            }
            accepted_[i] = true;
            deflate() ? server.AcceptWithDeflate() : server.Accept();
            return;
        }
        for (FakeServer::Event& event : server.Receive()) {
            switch (event.kind) {
                case FrameEvent::Kind::kText:
                case FrameEvent::Kind::kBinary:
                    received_.push_back(Short(event.payload));
                    break;
                case FrameEvent::Kind::kPing:
                    server.Send(Opcode::kPong, event.payload);
                    break;
                case FrameEvent::Kind::kClose:
                    server.SendClose(event.code, "");
                    server.stream().ShutdownWrite();
                    break;
                case FrameEvent::Kind::kPong:
                case FrameEvent::Kind::kError:
                    break;
            }
        }
    }
    // Time for reconnects; a fault that strikes each attempt anew begins to count.
    void Wait(int64_t ms) {
        for (int64_t end = scheduler_.clock().NowMs() + ms; scheduler_.clock().NowMs() < end;) {
            Advance(std::min<int64_t>(50, end - scheduler_.clock().NowMs()));
            if (std::get<Breaks>(GetParam()) == Breaks::kEveryTime && dialled_at_.size() != dials_) {
                reached_ |= fault_.reached();
                fault_.operations = 0;
                dials_ = dialled_at_.size();
            }
            Serve();
        }
    }
    void Queue(const std::string& text) {
        ASSERT_EQ(Send(text), SendResult::kAccepted);
        sent_.push_back(Short(text));
    }

    void Play() {
        ClientTarget target{.host = "example.test", .path = "/x"};
        target.deflate.enabled = deflate();
        behaviour_.reconnect = {20, 20, 2};
        behaviour_.write_timeout_ms = 1'000;
        random_ = 7;
        quiet_ = true;
        Make(target);
        for (int i = 0; i < 5; ++i) {
            Queue("small " + std::to_string(i));
        }
        Wait(100);
        for (const auto& server : servers_) {
            server->Send(Opcode::kText, "hello");
            server->Send(Opcode::kPing, "are you there");
        }
        Wait(100);
        Queue(std::string(200'000, 'x') + "large");
        client_->SendPing(user_, 1);
        Queue("behind the large one");
        Wait(400);
        servers_.back()->SendClose(CloseCode::kServiceRestart, "come again");
        Queue("while it closes");
        Wait(400);
    }

    void CheckAfterwards() {
        if (std::get<Breaks>(GetParam()) == Breaks::kOnce) {
            EXPECT_TRUE(client_->connected());
            EXPECT_EQ(received_, sent_);
            EXPECT_EQ(user_.handed_over, sent_.size());
        } else {
            // What got through came once and in order.
            EXPECT_EQ(received_, std::vector<std::string>(sent_.begin(), sent_.begin() + received_.size()));
            EXPECT_LE(dialled_at_.size(), 60U);  // one each 20 ms
        }
        bool closed = false;
        client_->Close([&closed] { closed = true; });
        Serve();
        Wait(2'100);
        EXPECT_TRUE(closed);
        const ClientStatus status = client_->Status();
        EXPECT_EQ(status.state, ClientState::kClosed);
        EXPECT_EQ(status.messages_out, user_.handed_over);
        EXPECT_EQ(status.messages_out, received_.size());
        EXPECT_EQ(status.messages_out + status.dropped, sent_.size());
        EXPECT_EQ(status.attempts, dialled_at_.size());
        client_.reset();
        EXPECT_EQ(scheduler_.timers(), 0U);
    }

    void Clear() {
        servers_.clear();
        accepted_.clear();
        dialled_at_.clear();
        dials_ = 0;
        received_.clear();
        sent_.clear();
        user_ = {};
    }

    std::vector<bool> accepted_;
    std::vector<std::string> sent_;
    std::vector<std::string> received_;
    size_t dials_ = 0;
    bool reached_ = false;
};

TEST_P(FailingClientTest, AConnectionThatBreaksAnywhereLosesAndDoublesNothing) {
    size_t at = 0;
    do {
        fault_ = {.kind = std::get<Fault::Kind>(GetParam()), .at = ++at};
        reached_ = false;
        SCOPED_TRACE("fault at operation " + std::to_string(at));
        Play();
        CheckAfterwards();
        reached_ |= fault_.reached();
        Clear();
        ASSERT_LT(at, kNoEnd);
    } while (reached_ && !HasFailure());
    EXPECT_GT(at, 12U);
}

std::string ClientCaseName(const ::testing::TestParamInfo<FailingClientTest::ParamType>& info) {
    return std::string(Name(std::get<Fault::Kind>(info.param))) +
           (std::get<Breaks>(info.param) == Breaks::kOnce ? "Once" : "EveryTime") +
           (std::get<Deflate>(info.param) == Deflate::kYes ? "WithDeflate" : "");
}

INSTANTIATE_TEST_SUITE_P(All, FailingClientTest,
                         Combine(Values(Fault::Kind::kReset, Fault::Kind::kEnd, Fault::Kind::kStall),
                                 Values(Breaks::kOnce, Breaks::kEveryTime),
                                 Values(Deflate::kNo, Deflate::kYes)),
                         ClientCaseName);

}  // namespace
}  // namespace testing
}  // namespace haumea::ws
