#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/testing/memory_stream.h"
#include "io/virtual_scheduler.h"
#include "ws/frame.h"
#include "ws/server.h"

namespace haumea::ws {

// A server without a port: connections in memory, time that moves when told.
class ServerTest : public ::testing::Test {
  protected:
    using Peer = std::unique_ptr<io::testing::MemoryStream>;
    static constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";

    ServerTest() { Restart({}); }

    void Restart(ServerSettings settings) {
        server_ = std::make_unique<Server>(
            scheduler_, [this](io::Scheduler::Task task) { scheduler_.Post(std::move(task)); },
            std::move(settings));
    }
    EndpointRef Acquire(std::string_view path, const EndpointSettings& settings = {}) {
        auto ref = server_->Acquire(path, settings, "test");
        EXPECT_TRUE(ref) << ref.error().message;
        return std::move(*ref);
    }
    // The peer of a new connection that has sent nothing yet.
    Peer Connect() {
        auto [peer, mine] = io::testing::MakeMemoryPair(scheduler_);
        server_->Adopt(std::move(mine));
        return std::move(peer);
    }
    static std::string Request(std::string_view target, std::string_view extra = {}) {
        return fmt::format(
            "GET {} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
            target, kKey, extra);
    }
    std::string Ask(std::string_view request) {
        Peer peer = Connect();
        peer->WriteAll(request);
        Turn();
        std::string answer = peer->ReadAll();
        EXPECT_TRUE(peer->at_end());
        return answer;
    }
    // A client whose handshake is over.
    Peer Join(std::string_view target, std::string_view extra = {}) {
        Peer peer = Connect();
        peer->WriteAll(Request(target, extra));
        Turn();
        const std::string answer = peer->ReadAll();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
        return peer;
    }
    static std::string Masked(Opcode opcode, std::string_view payload) {
        BufferBuilder out;
        AppendFrame(out,
                    {.opcode = opcode, .fin = true, .rsv1 = false, .masked = true, .mask_key = {1, 2, 3, 4}},
                    payload);
        return std::string(out.view());
    }
    static std::string Plain(Opcode opcode, std::string_view payload) {
        BufferBuilder out;
        AppendFrame(out, {.opcode = opcode}, payload);
        return std::string(out.view());
    }
    static std::string CloseFrame(uint16_t code, std::string_view reason = {}) {
        return std::string(MakeCloseFrame(static_cast<CloseCode>(code), reason, nullptr).view());
    }
    static std::string MaskedClose(uint16_t code) {
        return Masked(Opcode::kClose, {CloseFrame(code).substr(2)});
    }
    static Publication Publish(EndpointRef& ref, std::string_view text) {
        return ref->Publish(BufferView::Copy(text), true);
    }
    void Turn() { scheduler_.RunPosted(); }
    void Advance(int64_t ms) { scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms); }

    io::VirtualScheduler scheduler_{1'000'000};
    std::unique_ptr<Server> server_;
};

// Writes down what it hears; pauses after `pause_after` messages.
class RecordingListener final : public EndpointListener {
  public:
    Intake OnMessage(const BufferView& payload, bool is_text, const ClientInfo& client) noexcept override {
        messages.emplace_back(payload.view());
        kinds += is_text ? 't' : 'b';
        last_client = client;
        return messages.size() == pause_after ? Intake::kPause : Intake::kContinue;
    }
    void OnConnect(const ClientInfo& client) noexcept override {
        ++connects;
        last_client = client;
    }
    void OnDisconnect(const ClientInfo&, CloseCode code, const std::string& reason) noexcept override {
        ++disconnects;
        last_code = ToNumber(code);
        last_reason = reason;
    }

    std::vector<std::string> messages;
    std::string kinds;
    ClientInfo last_client;
    size_t pause_after = 0;
    int connects = 0;
    int disconnects = 0;
    uint16_t last_code = 0;
    std::string last_reason;
};

}  // namespace haumea::ws
