#include "ws/session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace haumea::ws {
namespace {

constexpr int kReadsPerTurn = 4;  // then others get their chance
// Bytes without a whole frame that still count as a sign of life: a long upload does, a byte a minute does
// not.
constexpr uint32_t kLifeBytes = 512;
// Pongs that wait for a peer that does not read; further pings are not answered (RFC 6455 5.5.3 allows to
// leave out all but the latest).
constexpr size_t kMaxQueuedControl = 4096;

}  // namespace

Session::Session(Endpoint& endpoint, ServerContext& context, std::unique_ptr<io::Stream> stream,
                 ClientInfo client, const DeflateParams& deflate)
    : endpoint_(&endpoint),
      context_(&context),
      stream_(std::move(stream)),
      client_(std::move(client)),
      parser_(Role::kServer,
              {.max_message_bytes = endpoint.settings().max_message_bytes,
               .max_fragments = endpoint.settings().max_fragments},
              deflate),
      close_timer_(*context.scheduler),
      last_alive_ms_(NowMs()) {
    deflate_ = WireForm::For(deflate);
}

Session::~Session() = default;

void Session::Start(std::string_view response) { endpoint_->hub_.Add(*this, deflate_, response); }

void Session::Begin(std::string_view early) {
    if (!early.empty() && state_ != State::kFinished) {
        const Ref<Buffer> buffer = Buffer::Copy(early);
        parser_.Feed({buffer->data(), early.size()}, Ref<const Buffer>::Share(buffer.get()));
        Parse();
    }
    WaitReadable();
}

void Session::Close(CloseCode code, std::string_view reason, Hub::Waiting waiting) {
    if (state_ == State::kOpen) {
        BeginClose(code, reason, MakeCloseFrame(code, reason, nullptr).view(), waiting);
        // Even when the endpoint is paused: the answer has to be seen.
        if (unparsed_) {
            endpoint_->Post(&Endpoint::ResumeSessions);
        } else {
            WaitReadable();
        }
    }
}

void Session::BeginClose(CloseCode code, std::string_view reason, std::string_view frame,
                         Hub::Waiting waiting) {
    state_ = State::kClosing;
    end_code_ = code;
    end_reason_ = reason;
    close_timer_.Start(endpoint_->settings().close_timeout_ms,
                       [this] { Finish(end_code_, end_reason_ + " (no close handshake in time)"); });
    endpoint_->hub_.Finish(*this, frame, waiting);
    endpoint_->Closing(*this);
}

void Session::Finish(CloseCode code, std::string_view reason) {
    if (state_ == State::kFinished) {
        return;
    }
    const bool was_open = state_ == State::kOpen;
    state_ = State::kFinished;
    if (was_open) {
        end_code_ = code;
        end_reason_ = reason;
    }
    close_timer_.Cancel();
    stream_->Close();
    endpoint_->hub_.Remove(*this);
    if (was_open) {
        endpoint_->Closing(*this);
    }
    endpoint_->Finished(*this);
}

// RFC 6455 7.1.1: the server closes TCP first, and a bare close would destroy what the peer has not read yet.
void Session::Linger() {
    state_ = State::kLingering;
    stream_->ShutdownWrite();
    if (input_over_) {
        Finish(end_code_, end_reason_);
        return;
    }
    WaitReadable();
}

io::IoResult Session::Write(std::span<const iovec> parts) noexcept { return stream_->Write(parts); }

void Session::WaitWritable() {
    stream_->WaitWritable([this] {
        last_alive_ms_ = NowMs();  // the peer has read something
        endpoint_->hub_.OnWritable(*this);
    });
}

void Session::OnWriteFailed(const io::IoResult&) noexcept {
    Finish(CloseCode::kAbnormal, stream_->last_error());
}

void Session::OnSlow() noexcept {
    endpoint_->WarnSlow(client_, "its backlog is full, messages for it are dropped");
}

void Session::OnTooSlow(std::string_view reason) noexcept {
    endpoint_->WarnSlow(client_, "it is closed with 1013");
    Close(CloseCode::kTryAgainLater, reason, Hub::Waiting::kDrop);
}

void Session::OnDrained() noexcept {
    if (state_ == State::kClosing && peer_done_) {
        Linger();
    }
}

void Session::WaitReadable() {
    if (!waiting_readable_ && !input_over_ && state_ != State::kFinished &&
        !(state_ == State::kOpen && endpoint_->paused())) {
        waiting_readable_ = true;
        stream_->WaitReadable([this] {
            waiting_readable_ = false;
            OnReadable();
        });
    }
}

void Session::Resume() {
    if (state_ != State::kFinished && Parse()) {
        WaitReadable();
    }
}

void Session::OnReadable() {
    if (unparsed_ && !Parse()) {
        return;
    }
    for (int reads = 0; reads < kReadsPerTurn; ++reads) {
        const Ref<Buffer> buffer = context_->ReadBuffer();
        const io::IoResult result = stream_->Read({buffer->data(), ServerContext::kReadBytes});
        if (result.status == io::IoResult::Status::kWouldBlock) {
            break;
        }
        if (result.status != io::IoResult::Status::kOk) {
            input_over_ = true;
            const bool failed = result.status == io::IoResult::Status::kFailed;
            if (failed || state_ != State::kClosing || !peer_done_) {
                Finish(CloseCode::kAbnormal,
                       failed ? stream_->last_error() : std::string("the client left without a close frame"));
            }
            return;
        }
        if (peer_done_) {
            continue;  // after its last frame: read on only so that closing TCP does not reset it
        }
        quiet_bytes_ += static_cast<uint32_t>(result.bytes);
        if (quiet_bytes_ >= kLifeBytes) {
            quiet_bytes_ = 0;
            last_alive_ms_ = NowMs();
        }
        parser_.Feed({buffer->data(), result.bytes}, Ref<const Buffer>::Share(buffer.get()));
        if (!Parse()) {
            return;
        }
        if (result.bytes < ServerContext::kReadBytes) {
            break;  // most likely nothing is left; if it is, the wait ends at once
        }
    }
    WaitReadable();
}

bool Session::Parse() {
    FrameEvent event;
    while (state_ != State::kFinished && !(state_ == State::kOpen && endpoint_->paused())) {
        if (!parser_.Next(event)) {
            unparsed_ = false;
            if (endpoint_->hub_.queued_control_bytes(*this) != 0) {
                endpoint_->hub_.Flush(*this);
            }
            return state_ != State::kFinished;
        }
        last_alive_ms_ = NowMs();
        quiet_bytes_ = 0;
        OnEvent(event);
    }
    unparsed_ = true;
    return false;
}

void Session::OnEvent(const FrameEvent& event) {
    switch (event.kind) {
        case FrameEvent::Kind::kText:
        case FrameEvent::Kind::kBinary:
            OnMessage(event);
            return;
        case FrameEvent::Kind::kPing:
            OnControl();
            if (state_ == State::kOpen && endpoint_->hub_.queued_control_bytes(*this) < kMaxQueuedControl) {
                endpoint_->hub_.QueueControl(
                    *this, MakeControlFrame(Opcode::kPong, event.payload.view(), nullptr).view());
            }
            return;
        case FrameEvent::Kind::kPong:
            OnControl();
            OnPong(event.payload.view());
            return;
        case FrameEvent::Kind::kClose:
            OnPeerClose(event);
            return;
        case FrameEvent::Kind::kError:
            ++(event.code == CloseCode::kMessageTooBig ? endpoint_->stats_.too_big
                                                       : endpoint_->stats_.protocol_errors);
            peer_done_ = true;
            if (state_ == State::kOpen) {
                Close(event.code, event.reason, Hub::Waiting::kSend);
            } else if (endpoint_->hub_.is_drained(*this)) {
                Linger();
            }
            return;
    }
}

void Session::OnMessage(const FrameEvent& event) {
    if (state_ != State::kOpen) {
        return;
    }
    ++messages_in_;
    const bool is_text = event.kind == FrameEvent::Kind::kText;
    endpoint_->Deliver(event.payload, is_text, client_);
}

// Counts control frames by the second, so that a flood ends. Each message entitles to one more: whoever wants
// its messages confirmed asks as often as it sends.
void Session::OnControl() {
    const int64_t second = last_alive_ms_ / 1000;
    if (second != control_second_) {
        control_second_ = second;
        control_frames_ = 0;
        messages_before_ = messages_in_;
    }
    const uint64_t limit =
        endpoint_->settings().max_control_frames_per_second + messages_in_ - messages_before_;
    if (++control_frames_ > limit && state_ == State::kOpen) {
        ++endpoint_->stats_.control_floods;
        Close(CloseCode::kPolicyViolation, "too many pings", Hub::Waiting::kSend);
    }
}

void Session::OnPong(std::string_view payload) {
    int64_t sent_ns = 0;
    if (ping_sent_ns_ == 0 || payload.size() != sizeof sent_ns) {
        return;
    }
    std::memcpy(&sent_ns, payload.data(), sizeof sent_ns);
    if (sent_ns == ping_sent_ns_) {
        ping_rtt_us_ = (context_->scheduler->clock().MonotonicNs() - sent_ns) / 1000;
        ping_sent_ns_ = 0;
        endpoint_->NotePing(ping_rtt_us_);
    }
}

void Session::OnPeerClose(const FrameEvent& event) {
    peer_done_ = true;
    if (state_ == State::kOpen) {
        // What waits goes before the echo when it goes at once; the peer has stopped listening otherwise.
        const auto waiting = endpoint_->hub_.is_blocked(*this) ? Hub::Waiting::kDrop : Hub::Waiting::kSend;
        BeginClose(event.code, event.payload.view(), MakeCloseFrame(event.code, {}, nullptr).view(), waiting);
    } else if (endpoint_->hub_.is_drained(*this)) {
        Linger();
    }
}

void Session::Tick(int64_t now_ms) {
    const EndpointSettings& settings = endpoint_->settings();
    if (state_ != State::kOpen) {
        return;
    }
    if (endpoint_->paused()) {
        last_alive_ms_ = now_ms;  // we do not listen: silence says nothing
        ping_sent_ns_ = 0;
        return;
    }
    if (ping_sent_ns_ != 0) {
        const int64_t waited_ms = now_ms - std::max(ping_sent_ns_ / 1'000'000, last_alive_ms_);
        if (settings.pong_timeout_ms > 0 && waited_ms >= settings.pong_timeout_ms) {
            ++endpoint_->stats_.pong_timeouts;
            Close(CloseCode::kPolicyViolation, "no pong in time", Hub::Waiting::kDrop);
        }
        return;
    }
    if (settings.ping_interval_ms > 0 && now_ms - last_alive_ms_ >= settings.ping_interval_ms) {
        ping_sent_ns_ = context_->scheduler->clock().MonotonicNs();
        std::array<char, sizeof ping_sent_ns_> payload{};
        std::memcpy(payload.data(), &ping_sent_ns_, payload.size());
        endpoint_->hub_.QueueControl(
            *this, MakeControlFrame(Opcode::kPing, {payload.data(), payload.size()}, nullptr).view());
        endpoint_->hub_.Flush(*this);
    }
}

int64_t Session::NowMs() const { return context_->scheduler->clock().MonotonicNs() / 1'000'000; }

}  // namespace haumea::ws
