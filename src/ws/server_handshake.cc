#include "ws/server_handshake.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "ws/server.h"

namespace haumea::ws {
namespace {

constexpr int64_t kLingerMs = 1000;
constexpr size_t kMaxLingerBytes = 256U << 10U;
// A client may send frames behind its request before it has our answer; more than this it has no business to.
constexpr size_t kMaxEarlyBytes = 64U << 10U;

}  // namespace

std::string_view HostPart(std::string_view address) noexcept { return address.substr(0, address.rfind(':')); }

PendingHandshake::PendingHandshake(Server& server, std::unique_ptr<io::Stream> stream)
    : server_(&server),
      stream_(std::move(stream)),
      reader_(HttpHeadReader::Kind::kRequest, server.settings().head_limits),
      deadline_(*server.context_.scheduler),
      address_(HostPart(stream_->remote_address())) {}

void PendingHandshake::Start() {
    deadline_.Start(server_->settings().handshake_timeout_ms, [this] { TimedOut(); });
    stream_->WaitReadable([this] { OnReadable(); });
}

std::unique_ptr<io::Stream> PendingHandshake::TakeStream() {
    state_ = State::kDone;
    deadline_.Cancel();
    stream_->CancelWaits();
    return std::move(stream_);
}

void PendingHandshake::OnReadable() {
    const Ref<Buffer> buffer = server_->context_.ReadBuffer();
    const io::IoResult result = stream_->Read({buffer->data(), ServerContext::kReadBytes});
    if (result.status == io::IoResult::Status::kWouldBlock) {
        stream_->WaitReadable([this] { OnReadable(); });
        return;
    }
    if (result.status != io::IoResult::Status::kOk) {
        if (state_ == State::kReading) {
            NoteEarlyEnd(result.status == io::IoResult::Status::kFailed && stream_->secure());
        }
        End();
        return;
    }
    if (state_ != State::kReading) {
        lingered_bytes_ += result.bytes;
        if (lingered_bytes_ > kMaxLingerBytes) {
            End();
            return;
        }
        stream_->WaitReadable([this] { OnReadable(); });
        return;
    }
    const std::string_view bytes(buffer->data(), result.bytes);
    const size_t used = reader_.Feed(bytes);
    if (reader_.state() == HttpHeadReader::State::kReading) {
        stream_->WaitReadable([this] { OnReadable(); });
        return;
    }
    early_ = bytes.substr(used, kMaxEarlyBytes);
    server_->Decide(*this);
}

void PendingHandshake::NoteEarlyEnd(bool tls) {
    ++(tls ? server_->handshakes_.tls_failed : server_->handshakes_.ended_early);
    if (tls && server_->MayLogRefusal(0)) {
        log::Info("websocket server: TLS handshake of {} failed: {}", stream_->remote_address(),
                  stream_->last_error());
    }
}

void PendingHandshake::Refuse(Rejection rejection) {
    if (server_->MayLogRefusal(rejection.status)) {
        log::Info("websocket server: handshake of {} refused with {}: {}", stream_->remote_address(),
                  rejection.status, rejection.reason);
    }
    state_ = State::kAnswering;
    refused_ = true;
    server_->Refused(*this);
    answer_ = std::move(rejection.response);
    deadline_.Start(kLingerMs, [this] { End(); });
    Send();
}

void PendingHandshake::Send() {
    while (!answer_.empty()) {
        const std::array<iovec, 1> parts{{{answer_.data(), answer_.size()}}};
        const io::IoResult result = stream_->Write(parts);
        if (result.status == io::IoResult::Status::kWouldBlock && !timed_out_) {
            stream_->WaitWritable([this] { Send(); });
            return;
        }
        // Whoever was late gets no more time: TLS that is not agreed on yet takes no answer.
        if (result.status != io::IoResult::Status::kOk) {
            End();
            return;
        }
        answer_.erase(0, result.bytes);
    }
    Linger();
}

void PendingHandshake::Linger() {
    state_ = State::kLingering;
    stream_->ShutdownWrite();
    stream_->WaitReadable([this] { OnReadable(); });
}

void PendingHandshake::TimedOut() {
    ++server_->handshakes_.timed_out;
    timed_out_ = true;
    Refuse(Reject(408, "the request was not complete in time"));
}

void PendingHandshake::End() {
    state_ = State::kDone;
    deadline_.Cancel();
    stream_->Close();
    server_->Unlist(*this);
}

}  // namespace haumea::ws
