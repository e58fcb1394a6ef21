// The half of ws::Client that makes connections and ends them.

#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "ws/client.h"

namespace haumea::ws {
namespace {

constexpr size_t kReadBytes = 16U << 10U;
constexpr int64_t kGraceMs = 50;

const char* StepName(io::ConnectStep step) {
    switch (step) {
        case io::ConnectStep::kDns:
            return "DNS";
        case io::ConnectStep::kTcp:
            return "TCP";
        case io::ConnectStep::kProxy:
            return "proxy";
        case io::ConnectStep::kTls:
            return "TLS";
        case io::ConnectStep::kHttp:
            return "HTTP";
        case io::ConnectStep::kWebSocket:
            return "WebSocket";
    }
    return "";
}

// Will the same request be answered the same way next time? Time-outs, "too early" and "too many" pass by
// themselves, as do errors of the server (5xx).
bool IsPermanent(int status) {
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

ClientRequest MakeRequest(const ClientTarget& target) {
    ClientRequest request;
    request.host = target.HostHeader();
    request.target = target.path;
    request.headers = target.headers;
    request.subprotocols = target.subprotocols;
    request.deflate = target.deflate;
    return request;
}

}  // namespace

Result<> Client::Check(const ClientTarget& target) {
    const auto made = ClientHandshake::Make(MakeRequest(target));
    if (!made) {
        return Fail(made.error());
    }
    return {};
}

void Client::Start() {
    if (phase_ == Phase::kIdle) {
        status_.changed_ms = NowMs();
        Dial();
    }
}

void Client::Dial() {
    phase_ = Phase::kDialing;
    status_.last_try_ms = NowMs();
    status_.retry_at_ms = 0;
    ++status_.attempts;
    dial_deadline_ns_ = NowNs() + behaviour_.connect_timeout_ms * 1'000'000;
    connector_ = environment_.connect(behaviour_.connect_timeout_ms,
                                      [this](auto outcome) { OnConnected(std::move(outcome)); });
}

void Client::OnConnected(tl::expected<std::unique_ptr<io::Stream>, io::ConnectFailure> outcome) {
    const auto finished = std::move(connector_);  // dies after its callback
    if (!outcome) {
        AttemptFailed(outcome.error().step, std::move(outcome.error().message), outcome.error().permanent);
        return;
    }
    stream_ = std::move(*outcome);
    BeginHandshake();
}

void Client::BeginHandshake() {
    ClientRequest request = MakeRequest(target_);
    request.nonce = writer_.random().Bytes<16>();
    auto made = ClientHandshake::Make(std::move(request));
    if (!made) {
        AttemptFailed(io::ConnectStep::kWebSocket, std::move(made.error().message), true);
        return;
    }
    handshake_ = std::make_unique<ClientHandshake>(std::move(*made));
    request_sent_ = 0;
    answer_begun_ = false;
    phase_ = Phase::kHandshake;
    phase_timer_.Start((dial_deadline_ns_ - NowNs()) / 1'000'000, [this] {
        AttemptFailed(
            io::ConnectStep::kHttp,
            fmt::format("the server has not answered the WebSocket handshake within {} ms (connectTimeout)",
                        behaviour_.connect_timeout_ms),
            false);
    });
    stream_->WaitReadable([this] { ReadHandshake(); });
    WriteHandshake();
}

void Client::WriteHandshake() {
    const std::string& request = handshake_->request_bytes();
    while (request_sent_ < request.size()) {
        const iovec part{const_cast<char*>(request.data()) + request_sent_, request.size() - request_sent_};
        const io::IoResult result = stream_->Write({&part, 1});
        if (result.status == io::IoResult::Status::kWouldBlock) {
            stream_->WaitWritable([this] { WriteHandshake(); });
            return;
        }
        if (result.status != io::IoResult::Status::kOk) {
            // An answer may be there all the same (a server that refuses early). Reading finds it or the end;
            // the timer is for a stream whose end cannot be read.
            write_timer_.Start(kGraceMs, [this] { HandshakeBroke(); });
            return;
        }
        request_sent_ += result.bytes;
    }
}

void Client::ReadHandshake() {
    if (!read_buffer_ || !read_buffer_->unique()) {
        read_buffer_ = Buffer::Allocate(kReadBytes);
    }
    const io::IoResult result = stream_->Read({read_buffer_->data(), read_buffer_->capacity()});
    switch (result.status) {
        case io::IoResult::Status::kWouldBlock:
            break;
        case io::IoResult::Status::kEnd:
            AttemptFailed(
                io::ConnectStep::kHttp,
                answer_begun_
                    ? "the server closed the connection within its answer to the handshake"
                    : "the server closed the connection without answering the handshake" + TlsHint(),
                false);
            return;
        case io::IoResult::Status::kFailed:
            if (target_.tls && result.error == 0) {
                // With TLS 1.3 a server that wants another certificate says so here.
                AttemptFailed(io::ConnectStep::kTls, stream_->last_error(), true);
            } else {
                HandshakeBroke();
            }
            return;
        case io::IoResult::Status::kOk: {
            answer_begun_ = true;
            const size_t taken = handshake_->Feed({read_buffer_->data(), result.bytes});
            if (handshake_->state() == ClientHandshake::State::kFailed) {
                HandshakeFailed();
                return;
            }
            if (handshake_->state() == ClientHandshake::State::kOpen) {
                Open(taken, result.bytes);
                return;
            }
            break;
        }
    }
    stream_->WaitReadable([this] { ReadHandshake(); });
}

void Client::HandshakeBroke() {
    AttemptFailed(
        io::ConnectStep::kHttp,
        fmt::format("the connection broke during the handshake: {}{}", stream_->last_error(), TlsHint()),
        false);
}

// What a TLS server does with plain text is often to hang up.
std::string Client::TlsHint() const {
    return answer_begun_ || target_.tls ? "" : "; if it expects TLS, set scheme: wss";
}

void Client::HandshakeFailed() {
    const std::string reason = handshake_->failure();
    const ClientHandshake::Step step = handshake_->step();
    const bool http = step == ClientHandshake::Step::kHttpStatus;
    const bool permanent = !http || IsPermanent(handshake_->http_status());
    AttemptFailed(http ? io::ConnectStep::kHttp : io::ConnectStep::kWebSocket, reason, permanent);
}

void Client::Open(size_t head_bytes, size_t received) {
    phase_timer_.Cancel();
    write_timer_.Cancel();
    phase_ = Phase::kOpen;
    ParserLimits limits;
    limits.max_message_bytes = behaviour_.max_message_bytes;
    limits.max_fragments = behaviour_.max_fragments;
    parser_ = std::make_unique<FrameParser>(Role::kClient, limits, handshake_->deflate());
    writer_.Connected(handshake_->deflate(), behaviour_.deflate);
    status_.subprotocol = handshake_->subprotocol();
    ++status_.connects;
    connected_ns_ = last_received_ns_ = last_progress_ns_ = NowNs();
    handshake_.reset();
    if (behaviour_.ping_interval_ms > 0) {
        ping_timer_.Start(behaviour_.ping_interval_ms, [this] { OnPingTimer(); });
    }
    status_.last_connected_ms = NowMs();
    SetState(ClientState::kConnected);
    if (phase_ != Phase::kOpen) {
        return;  // closed by a listener
    }
    ScheduleFlush();
    // Frames may stand right behind the answer.
    parser_->Feed({read_buffer_->data() + head_bytes, received - head_bytes},
                  Ref<const Buffer>::Share(read_buffer_.get()));
    HandleEvents();
    WaitReadable();
}

void Client::AttemptFailed(io::ConnectStep step, std::string reason, bool permanent) {
    DropConnection();
    status_.failed_step = step;
    ++status_.failures[static_cast<size_t>(step)];
    std::string text = fmt::format("{}: {}", StepName(step), reason);
    if (text != status_.last_error && !environment_.quiet) {
        log::Warn("websocket client {}: {}{}", target_.Url(), text, permanent ? "; tries again slowly" : "");
    }
    status_.last_error = std::move(text);
    if (closed_) {
        Finish();
        return;
    }
    Redial(permanent ? backoff_.Slow(Random()) : backoff_.Next(Random()));
    SetState(status_.connects > 0 ? ClientState::kDisconnected : ClientState::kConnecting);
}

void Client::Lost(std::string reason) {
    // A server that takes connections only to end them must not be dialled at full speed.
    if (NowNs() - connected_ns_ >= behaviour_.reconnect.max_ms * 1'000'000) {
        backoff_.Reset();
    }
    DropConnection();
    status_.last_disconnected_ms = NowMs();
    if (closed_) {
        Finish();
        return;
    }
    ++status_.losses;
    if (!environment_.quiet) {
        log::Warn("websocket client {}: disconnected: {}", target_.Url(), reason);
    }
    status_.last_error = std::move(reason);
    Redial(backoff_.Next(Random()));
    SetState(ClientState::kDisconnected);
}

void Client::DropConnection() {
    phase_timer_.Cancel();
    ping_timer_.Cancel();
    pong_timer_.Cancel();
    write_timer_.Cancel();
    connector_.reset();
    if (stream_) {
        stream_->Close();
        stream_.reset();
    }
    handshake_.reset();
    parser_.reset();
    read_buffer_ = nullptr;
    parsing_paused_ = close_queued_ = write_blocked_ = false;
    ping_sent_ns_ = 0;
    ordered_pings_.clear();
    close_reason_.clear();
    writer_.Disconnected();
}

void Client::Redial(int64_t delay_ms) {
    phase_ = Phase::kWaiting;
    status_.retry_at_ms = NowMs() + delay_ms;
    phase_timer_.Start(delay_ms, [this] { Dial(); });
}

void Client::SetFarewell(CloseCode code, std::string reason) {
    farewell_code_ = code;
    farewell_ = std::move(reason);
}

void Client::Close(std::function<void()> closed) {
    closed_ = std::move(closed);
    if (!closed_) {
        closed_ = [] {};
    }
    switch (phase_) {
        case Phase::kOpen:
            phase_ = Phase::kFarewell;
            phase_timer_.Start(behaviour_.close_timeout_ms, [this] { Lost(""); });
            ScheduleFlush();
            break;
        case Phase::kClosing:
            break;  // its own deadline ends it
        case Phase::kFarewell:
        case Phase::kClosed:
            break;
        case Phase::kIdle:
        case Phase::kDialing:
        case Phase::kHandshake:
        case Phase::kWaiting:
            DropConnection();
            phase_ = Phase::kWaiting;
            // From the loop, as promised.
            phase_timer_.Start(0, [this] { Finish(); });
            break;
    }
}

void Client::Finish() {
    DropConnection();
    status_.dropped += writer_.messages();  // what the farewell had no time for
    status_.dropped_on_close += writer_.messages();
    phase_ = Phase::kClosed;
    SetState(ClientState::kClosed);
    // Last action: it may destroy this object.
    const auto closed = std::exchange(closed_, nullptr);
    if (closed) {
        closed();
    }
}

}  // namespace haumea::ws
