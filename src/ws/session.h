#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "io/scheduler.h"
#include "io/stream.h"
#include "ws/close_code.h"
#include "ws/endpoint.h"
#include "ws/frame_parser.h"
#include "ws/server_context.h"
#include "ws/subscriber.h"

namespace haumea::ws {

// One accepted client from the 101 to the end of its TCP connection: reads and answers, keeps it alive, and
// brings every end to a close handshake. Sending is the hub's. Owned by its Endpoint, which frees it in a
// later turn than the one it finished in; home loop only.
class Session final : public Subscriber {
  public:
    Session(Endpoint& endpoint, ServerContext& context, std::unique_ptr<io::Stream> stream, ClientInfo client,
            const DeflateParams& deflate);
    ~Session() override;

    // Sends the 101; from here on the client misses nothing.
    void Start(std::string_view response);
    // Begins to read. `early` came behind the request's head.
    void Begin(std::string_view early);
    // Our close: what waits is sent or dropped, a close frame follows, the peer's answer is awaited for the
    // close timeout. Does nothing when a close is under way.
    void Close(CloseCode code, std::string_view reason, Hub::Waiting waiting);
    // Goes on reading after the endpoint's pause, or because a close is under way.
    void Resume();
    // Pings, and notices who does not answer. Called every now and then.
    void Tick(int64_t now_ms);

    const ClientInfo& client() const noexcept { return client_; }
    bool open() const noexcept { return state_ == State::kOpen; }
    bool finished() const noexcept { return state_ == State::kFinished; }
    uint64_t messages_in() const noexcept { return messages_in_; }
    int64_t ping_rtt_us() const noexcept { return ping_rtt_us_; }
    CloseCode end_code() const noexcept { return end_code_; }
    const std::string& end_reason() const noexcept { return end_reason_; }

  private:
    friend class Endpoint;
    enum class State : uint8_t {
        kOpen,
        kClosing,    // a close frame of ours is on its way; the peer's may still come
        kLingering,  // all is said, our side is shut; waits for the peer to hang up
        kFinished,
    };

    io::IoResult Write(std::span<const iovec> parts) noexcept override;
    void WaitWritable() override;
    void OnWriteFailed(const io::IoResult& result) noexcept override;
    void OnSlow() noexcept override;
    void OnTooSlow(std::string_view reason) noexcept override;
    void OnDrained() noexcept override;

    void WaitReadable();
    void OnReadable();
    // Handles what the parser has; false when reading is to stop for now.
    bool Parse();
    void OnEvent(const FrameEvent& event);
    void OnMessage(const FrameEvent& event);
    void OnControl();
    void OnPong(std::string_view payload);
    void OnPeerClose(const FrameEvent& event);
    void BeginClose(CloseCode code, std::string_view reason, std::string_view frame, Hub::Waiting waiting);
    void Linger();
    // The connection is over, whatever the state. Nothing is touched afterwards.
    void Finish(CloseCode code, std::string_view reason);
    int64_t NowMs() const;

    Endpoint* endpoint_;
    ServerContext* context_;
    std::unique_ptr<io::Stream> stream_;
    ClientInfo client_;
    FrameParser parser_;
    WireForm deflate_;
    io::Timer close_timer_;
    size_t index_ = 0;  // in the endpoint's list, which keeps it
    int64_t last_alive_ms_;
    int64_t ping_sent_ns_ = 0;  // 0: none under way
    int64_t control_second_ = 0;
    int64_t ping_rtt_us_ = -1;
    uint64_t messages_in_ = 0;
    uint64_t messages_before_ = 0;  // until control_second_ began
    std::string end_reason_;
    uint32_t control_frames_ = 0;  // in control_second_
    uint32_t quiet_bytes_ = 0;     // received since the last sign of life
    CloseCode end_code_ = CloseCode::kAbnormal;
    State state_ = State::kOpen;
    bool announced_ = false;   // listeners have heard of it: they are to hear of its end
    bool peer_done_ = false;   // its close frame came, or it broke the protocol: no frames after that
    bool input_over_ = false;  // it has hung up its side
    bool waiting_readable_ = false;
    bool unparsed_ = false;  // the parser was stopped with input left
};

}  // namespace haumea::ws
