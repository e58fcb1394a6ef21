#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/testing/memory_stream.h"
#include "io/virtual_scheduler.h"
#include "ws/client.h"
#include "ws/frame.h"
#include "ws/frame_parser.h"
#include "ws/handshake.h"

namespace haumea::ws::testing {

// Everything a user of a connection was told.
struct RecordingListener final : ClientListener {
    void OnMessage(const BufferView& payload, bool is_text) override {
        messages.emplace_back(payload.view());
        texts.push_back(is_text);
        if (on_message) {
            on_message();
        }
    }
    void OnState(const ClientStatus& status) override { states.push_back(status.state); }
    void OnWritable() override { ++writable; }
    void OnHandedOver(size_t count) override { handed_over += count; }
    void OnDropped(size_t count) override { dropped += count; }
    void OnPong(uint64_t sequence) override { pongs.push_back(sequence); }

    std::vector<std::string> messages;
    std::vector<bool> texts;
    std::vector<ClientState> states;
    std::vector<uint64_t> pongs;
    size_t handed_over = 0;
    size_t dropped = 0;
    int writable = 0;
    std::function<void()> on_message;
};

// The other end of a connection in memory: what a server would see, step by step.
class FakeServer {
  public:
    explicit FakeServer(std::unique_ptr<io::testing::MemoryStream> stream) : stream_(std::move(stream)) {}

    // The request, which has to be there whole.
    std::string ReadRequest() {
        request_ = stream_->ReadAll();
        EXPECT_TRUE(request_.ends_with("\r\n\r\n")) << request_;
        return request_;
    }
    std::string Header(const std::string& name) const {
        const size_t begin = request_.find("\r\n" + name + ": ");
        if (begin == std::string::npos) {
            return "";
        }
        const size_t value = begin + name.size() + 4;
        return request_.substr(value, request_.find("\r\n", value) - value);
    }
    std::string Answer(const std::string& extra = "") const {
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
               "Upgrade\r\nSec-WebSocket-Accept: " +
               AcceptKey(Header("Sec-WebSocket-Key")) + "\r\n" + extra + "\r\n";
    }
    void Accept(const std::string& behind = "") {
        ReadRequest();
        stream_->WriteAll(Answer() + behind);
    }
    void AcceptWithDeflate() {
        ReadRequest();
        parser_ = FrameParser(Role::kServer, {}, {.enabled = true});
        stream_->WriteAll(Answer("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    }
    static std::string Frame(Opcode opcode, std::string_view payload) {
        BufferBuilder out;
        AppendFrame(out, {.opcode = opcode}, payload);
        return std::string(out.view());
    }
    void Send(Opcode opcode, std::string_view payload) { stream_->WriteAll(Frame(opcode, payload)); }
    void SendRaw(std::string_view bytes) { stream_->WriteAll(bytes); }
    void SendClose(CloseCode code, std::string_view reason) {
        stream_->WriteAll(MakeCloseFrame(code, reason, nullptr).view());
    }

    struct Event {
        FrameEvent::Kind kind;
        std::string payload;
        CloseCode code;
    };
    // What has come since the last call.
    std::vector<Event> Receive() {
        std::vector<Event> events;
        std::string bytes = stream_->ReadAll();
        parser_.Feed(bytes);
        FrameEvent event;
        while (parser_.Next(event)) {
            EXPECT_NE(event.kind, FrameEvent::Kind::kError) << event.reason;
            events.push_back({event.kind, std::string(event.payload.view()), event.code});
        }
        return events;
    }
    std::vector<std::string> ReceiveMessages() {
        std::vector<std::string> messages;
        for (Event& event : Receive()) {
            if (event.kind == FrameEvent::Kind::kText || event.kind == FrameEvent::Kind::kBinary) {
                messages.push_back(std::move(event.payload));
            }
        }
        return messages;
    }
    io::testing::MemoryStream& stream() { return *stream_; }
    void Close() { stream_->Close(); }

  private:
    std::unique_ptr<io::testing::MemoryStream> stream_;
    std::string request_;
    FrameParser parser_{Role::kServer};
};

// A client on virtual time, and a server for each of its attempts.
class ClientTest : public ::testing::Test {
  protected:
    struct Attempt final : io::Connector {};

    void Make(const ClientTarget& target = {.host = "example.test", .path = "/x"}) {
        Client::Environment environment;
        environment.scheduler = &scheduler_;
        environment.at_turn_end = [this](io::Scheduler::Task task) { scheduler_.Post(std::move(task)); };
        environment.random = [this] { return random_; };
        environment.quiet = quiet_;
        environment.connect = [this](int64_t, io::Connector::Callback done) {
            dialled_at_.push_back(scheduler_.clock().NowMs());
            scheduler_.Post([this, done = std::move(done)] {
                if (refuse_) {
                    done(tl::unexpected(io::ConnectFailure{io::ConnectStep::kTcp, "connection refused"}));
                    return;
                }
                auto [ours, theirs] = io::testing::MakeMemoryPair(scheduler_);
                servers_.push_back(std::make_unique<FakeServer>(std::move(theirs)));
                done(std::make_unique<io::testing::FailingStream>(std::move(ours), fault_));
            });
            return std::make_unique<Attempt>();
        };
        client_ = std::make_unique<Client>(std::move(environment), target, behaviour_);
        client_->Attach(user_);
        client_->Start();
        scheduler_.RunPosted();
    }
    // Up to an open connection.
    void Open(const ClientTarget& target = {.host = "example.test", .path = "/x"}) {
        Make(target);
        server().Accept();
        Run();
        ASSERT_TRUE(client_->connected());
    }
    void Run() { scheduler_.RunPosted(); }
    void Advance(int64_t ms) { scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms); }
    FakeServer& server() { return *servers_.back(); }
    SendResult Send(std::string_view text, WhenFull when_full = WhenFull::kBlock) {
        return client_->Send(user_, BufferView::Copy(text), true, when_full);
    }

    io::VirtualScheduler scheduler_{1'000'000};
    ClientBehaviour behaviour_;
    RecordingListener user_;
    uint64_t random_ = 0;
    bool refuse_ = false;
    bool quiet_ = false;        // for tests of hundreds of failures
    io::testing::Fault fault_;  // of the connections, their operations counted together
    std::vector<int64_t> dialled_at_;
    std::vector<std::unique_ptr<FakeServer>> servers_;
    std::unique_ptr<Client> client_;
};

}  // namespace haumea::ws::testing
