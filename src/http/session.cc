#include "http/session.h"

#include <fmt/core.h>

#include <array>
#include <exception>
#include <utility>

#include "base/http_status.h"
#include "base/log.h"

namespace haumea::http {
namespace {

constexpr int64_t kLingerMs = 2'000;
constexpr size_t kMaxDrainedBytes = 64U << 20U;
constexpr int kReadsPerTurn = 16;  // then the other connections have their turn
constexpr size_t kReadBytes = 16U << 10U;

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ");
    for (const char c : value) {
        out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c);
    }
    out.append("\r\n");
}

}  // namespace

std::string SerializeResponse(const Response& response, bool with_body) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, ReasonPhrase(response.status));
    if (!response.content_type.empty()) {
        AppendHeader(out, "Content-Type", response.content_type);
    }
    for (const auto& [name, value] : response.headers) {
        AppendHeader(out, name, value);
    }
    const bool may_have_body = response.status != 204 && response.status != 304;
    if (may_have_body) {
        AppendHeader(out, "Content-Length", std::to_string(response.body.size()));
    }
    out += "Connection: close\r\n\r\n";
    if (may_have_body && with_body) {
        out += response.body;
    }
    return out;
}

Session::Session(io::Scheduler& scheduler, std::unique_ptr<io::Stream> stream, const Options& options,
                 Handler handler, std::function<void()> done)
    : timer_(scheduler),
      stream_(std::move(stream)),
      options_(options),
      handler_(std::move(handler)),
      done_(std::move(done)),
      reader_(options.limits) {}

void Session::Start() {
    timer_.Start(options_.request_timeout_ms, [this] { OnDeadline(); });
    stream_->WaitReadable([this] { ReadRequest(); });
}

void Session::ReadRequest() {
    std::array<char, kReadBytes> buffer;
    for (int reads = 0; reads < kReadsPerTurn || overdue_; ++reads) {
        const io::IoResult read = stream_->Read(buffer);
        if (read.status == io::IoResult::Status::kWouldBlock) {
            break;
        }
        if (read.status != io::IoResult::Status::kOk) {
            Finish();
            return;
        }
        const auto state = reader_.Feed(std::span<const char>(buffer.data(), read.bytes));
        if (state == RequestReader::State::kRefused) {
            Answer(reader_.refusal(), true);
            return;
        }
        if (state == RequestReader::State::kComplete) {
            request_ = reader_.TakeRequest();
            request_.remote_address = stream_->remote_address();
            request_.postponement = std::make_shared<Postponement>();
            stream_->CancelWaits();
            timer_.Cancel();
            Handle();
            return;
        }
        if (reader_.TakeExpectContinue()) {
            static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
            const iovec part{const_cast<char*>(kContinue.data()), kContinue.size()};
            // A fresh socket takes 25 bytes; a client that does not get them sends its body anyway, a little
            // later.
            [[maybe_unused]] const io::IoResult ignored = stream_->Write({&part, 1});
        }
    }
    if (overdue_) {
        Answer({408,
                "text/plain; charset=utf-8",
                fmt::format("the request did not arrive within {} ms\n", options_.request_timeout_ms),
                {}},
               true);
        return;
    }
    stream_->WaitReadable([this] { ReadRequest(); });
}

void Session::Handle() {
    const Response response = handler_(request_);
    postponed_ = std::exchange(request_.postponement->wanted, false);
    if (!postponed_) {
        const bool with_body = request_.method != "HEAD";
        request_ = {};
        Answer(response, with_body);
    }
}

void Session::Retry() {
    if (postponed_ && (!request_.postponement->ready || request_.postponement->ready())) {
        postponed_ = false;
        Handle();
    }
}

void Session::OnDeadline() {
    if (answering_) {
        Finish();
        return;
    }
    // A slow handler of another request may have kept the loop from reading: what is here already counts.
    overdue_ = true;
    ReadRequest();
}

void Session::Answer(const Response& response, bool with_body) {
    answering_ = true;
    stream_->CancelWaits();
    output_ = SerializeResponse(response, with_body);
    timer_.Start(options_.request_timeout_ms, [this] { OnDeadline(); });
    WriteAnswer();
}

void Session::WriteAnswer() {
    while (written_ < output_.size()) {
        const iovec part{output_.data() + written_, output_.size() - written_};
        const io::IoResult write = stream_->Write({&part, 1});
        if (write.status == io::IoResult::Status::kWouldBlock) {
            stream_->WaitWritable([this] { WriteAnswer(); });
            return;
        }
        if (write.status != io::IoResult::Status::kOk) {
            Finish();
            return;
        }
        written_ += write.bytes;
    }
    output_ = {};
    stream_->ShutdownWrite();
    timer_.Start(kLingerMs, [this] { Finish(); });
    stream_->WaitReadable([this] { Linger(); });
}

void Session::Linger() {
    std::array<char, kReadBytes> buffer;
    const io::IoResult read = stream_->Read(buffer);
    const bool more =
        read.status == io::IoResult::Status::kWouldBlock ||
        (read.status == io::IoResult::Status::kOk && (drained_ += read.bytes) < kMaxDrainedBytes);
    if (!more) {
        Finish();
        return;
    }
    stream_->WaitReadable([this] { Linger(); });
}

void Session::Finish() {
    timer_.Cancel();
    stream_->Close();
    if (auto done = std::exchange(done_, nullptr)) {
        done();  // destroys this session in a later turn
    }
}

}  // namespace haumea::http
