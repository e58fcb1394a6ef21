#include "ws/client_dial.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/tls.h"

namespace haumea::ws {
namespace {

// TCP, then the TLS handshake in what is left of the time.
class TlsDial final : public io::Connector {
  public:
    TlsDial(io::Loop& loop, const ClientTarget& target, std::shared_ptr<io::TlsContext> context,
            int64_t timeout_ms, Callback done)
        : loop_(loop),
          host_(target.host),
          context_(std::move(context)),
          timeout_ms_(timeout_ms),
          deadline_ns_(loop.clock().MonotonicNs() + timeout_ms * 1'000'000),
          done_(std::move(done)),
          deadline_(loop) {
        tcp_ = io::Connector::Start(loop, target.host, target.port, timeout_ms, {},
                                    [this](auto outcome) { OnTcp(std::move(outcome)); });
    }

  private:
    void OnTcp(tl::expected<std::unique_ptr<io::Stream>, io::ConnectFailure> outcome) {
        if (!outcome) {
            Finish(std::move(outcome));
            return;
        }
        stream_ = io::TlsStream::Client(std::move(*outcome), *context_, host_);
        const int64_t left_ms =
            std::max<int64_t>((deadline_ns_ - loop_.clock().MonotonicNs()) / 1'000'000, 1);
        deadline_.Start(left_ms, [this] {
            Fail(fmt::format("the server has not finished the TLS handshake within {} ms (connectTimeout)",
                             timeout_ms_));
        });
        Continue();
    }

    void Continue() {
        switch (stream_->Handshake().status) {
            case io::IoResult::Status::kOk:
                deadline_.Cancel();
                Finish(std::unique_ptr<io::Stream>(std::move(stream_)));
                return;
            case io::IoResult::Status::kWouldBlock:
                stream_->WaitReadable([this] { Continue(); });
                return;
            case io::IoResult::Status::kEnd:
            case io::IoResult::Status::kFailed:
                Fail(stream_->last_error());
                return;
        }
    }

    void Fail(std::string message) {
        deadline_.Cancel();
        Finish(tl::unexpected(io::ConnectFailure{io::ConnectStep::kTls, std::move(message)}));
    }

    // Last action: the callback may destroy this object.
    void Finish(tl::expected<std::unique_ptr<io::Stream>, io::ConnectFailure> outcome) {
        const Callback done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }

    io::Loop& loop_;
    std::string host_;
    std::shared_ptr<io::TlsContext> context_;  // shared with all attempts of this target
    int64_t timeout_ms_;
    int64_t deadline_ns_;
    Callback done_;
    std::unique_ptr<io::Connector> tcp_;
    std::unique_ptr<io::TlsStream> stream_;
    io::Timer deadline_;
};

}  // namespace

Result<Client::Connect> MakeDialer(io::Loop& loop, const ClientTarget& target) {
    if (!target.tls) {
        return Client::Connect(
            [&loop, host = target.host, port = target.port](int64_t timeout_ms, auto done) {
                return io::Connector::Start(loop, host, port, timeout_ms, {}, std::move(done));
            });
    }
    HAUMEA_TRY(std::shared_ptr<io::TlsContext> context, io::TlsContext::ForClient(*target.tls));
    return Client::Connect(
        [&loop, target, context](int64_t timeout_ms, auto done) -> std::unique_ptr<io::Connector> {
            return std::make_unique<TlsDial>(loop, target, context, timeout_ms, std::move(done));
        });
}

}  // namespace haumea::ws
