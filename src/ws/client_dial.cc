#include "ws/client_dial.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "io/tls.h"
#include "ws/client_proxy.h"
#include "ws/http_head.h"

namespace haumea::ws {
namespace {

using Outcome = tl::expected<std::unique_ptr<io::Stream>, io::ConnectFailure>;

// What a proxy's answer may hold, which is refused beyond that.
constexpr HttpHeadLimits kProxyAnswer{
    .max_head_bytes = 16U << 10U, .max_line_bytes = 8U << 10U, .max_headers = 100};

// Printable ASCII of what a stranger said, not too long.
std::string Printable(std::string_view text) {
    std::string out(text.substr(0, 100));
    std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
    return out;
}

// What all attempts to reach one target share.
struct Route {
    ClientTarget target;
    io::SocketOptions socket;
    std::shared_ptr<io::TlsContext> tls;  // null: plain
};

// TCP to the remote or to its proxy, the proxy's tunnel, the TLS handshake: within one deadline.
class Dial final : public io::Connector {
  public:
    Dial(io::Loop& loop, std::shared_ptr<const Route> route, int64_t timeout_ms, Callback done)
        : loop_(loop),
          route_(std::move(route)),
          timeout_ms_(timeout_ms),
          deadline_ns_(loop.clock().MonotonicNs() + timeout_ms * 1'000'000),
          done_(std::move(done)),
          deadline_(loop),
          answer_(HttpHeadReader::Kind::kResponse, kProxyAnswer) {
        const ClientTarget& target = route_->target;
        const std::string& host = target.proxy ? target.proxy->host : target.host;
        const uint16_t port = target.proxy ? target.proxy->port : target.port;
        tcp_ = io::Connector::Start(loop, host, port, timeout_ms, route_->socket,
                                    [this](auto outcome) { OnTcp(std::move(outcome)); });
    }

  private:
    void OnTcp(Outcome outcome) {
        const auto& proxy = route_->target.proxy;
        if (!outcome) {
            if (proxy) {
                ProxyFailed(fmt::format("cannot be reached: {}", outcome.error().message), false);
            } else {
                Finish(std::move(outcome));
            }
            return;
        }
        stream_ = std::move(*outcome);
        const int64_t left_ms =
            std::max<int64_t>((deadline_ns_ - loop_.clock().MonotonicNs()) / 1'000'000, 1);
        deadline_.Start(left_ms, [this] { OnDeadline(); });
        if (proxy) {
            request_ = MakeConnectRequest(*proxy, route_->target.HostPortText());
            AskProxy();
        } else {
            BeginTls();
        }
    }

    void OnDeadline() {
        if (tls_ == nullptr) {
            ProxyFailed(fmt::format("has not answered CONNECT within {} ms (connectTimeout)", timeout_ms_),
                        false);
            return;
        }
        // A server without TLS may wait for the rest of what it takes for a request.
        Fail({io::ConnectStep::kTls,
              fmt::format("the server has not finished the TLS handshake within {} ms (connectTimeout){}",
                          timeout_ms_,
                          tls_->got_bytes() ? "" : "; if it does not speak TLS, set scheme: ws")});
    }

    // ---- the proxy ----

    void AskProxy() {
        while (!request_.empty()) {
            const std::array<iovec, 1> parts{{{request_.data(), request_.size()}}};
            const io::IoResult result = stream_->Write(parts);
            if (result.status == io::IoResult::Status::kWouldBlock) {
                stream_->WaitWritable([this] { AskProxy(); });
                return;
            }
            if (result.status != io::IoResult::Status::kOk) {
                ProxyFailed(fmt::format("broke the connection: {}", stream_->last_error()), false);
                return;
            }
            request_.erase(0, result.bytes);
        }
        stream_->WaitReadable([this] { ReadAnswer(); });
    }

    void ReadAnswer() {
        std::array<char, 2048> buffer{};
        const io::IoResult result = stream_->Read(buffer);
        switch (result.status) {
            case io::IoResult::Status::kWouldBlock:
                break;
            case io::IoResult::Status::kEnd:
                ProxyFailed("closed the connection without answering CONNECT", false);
                return;
            case io::IoResult::Status::kFailed:
                ProxyFailed(fmt::format("broke the connection: {}", stream_->last_error()), false);
                return;
            case io::IoResult::Status::kOk: {
                const std::string_view bytes(buffer.data(), result.bytes);
                const size_t taken = answer_.Feed(bytes);
                if (answer_.state() != HttpHeadReader::State::kReading) {
                    JudgeAnswer(taken == bytes.size());
                    return;
                }
                break;
            }
        }
        stream_->WaitReadable([this] { ReadAnswer(); });
    }

    void JudgeAnswer(bool nothing_behind) {
        if (answer_.state() != HttpHeadReader::State::kDone) {
            ProxyFailed(fmt::format("gave an answer that cannot be read ({}); is it an HTTP proxy?",
                                    answer_.problem()),
                        true);
            return;
        }
        const int status = answer_.head().status;
        if (status / 100 != 2) {
            ProxyFailed(fmt::format("answered HTTP {} {} to CONNECT {}{}", status,
                                    Printable(answer_.head().status_text), route_->target.HostPortText(),
                                    status == 407 ? "; write proxy: http://user:password@host:port" : ""),
                        status / 100 == 4 && status != 408 && status != 429);
            return;
        }
        if (!nothing_behind) {
            ProxyFailed("sent bytes behind its answer before the remote was asked for anything", true);
            return;
        }
        BeginTls();
    }

    void ProxyFailed(std::string_view what, bool permanent) {
        Fail({io::ConnectStep::kProxy, fmt::format("{} {}", route_->target.proxy->Name(), what), permanent});
    }

    // ---- TLS ----

    void BeginTls() {
        if (route_->tls == nullptr) {
            Finish(std::move(stream_));
            return;
        }
        stream_->CancelWaits();
        auto tls = io::TlsStream::Client(std::move(stream_), *route_->tls, route_->target.host);
        tls_ = tls.get();
        stream_ = std::move(tls);
        ContinueTls();
    }

    void ContinueTls() {
        const io::IoResult result = tls_->Handshake();
        switch (result.status) {
            case io::IoResult::Status::kOk:
                Finish(std::move(stream_));
                return;
            case io::IoResult::Status::kWouldBlock:
                stream_->WaitReadable([this] { ContinueTls(); });
                return;
            case io::IoResult::Status::kEnd:
            case io::IoResult::Status::kFailed:
                // A connection that broke may hold next time; a certificate is as bad as before.
                Fail({io::ConnectStep::kTls, stream_->last_error(), result.error == 0});
                return;
        }
    }

    void Fail(io::ConnectFailure failure) { Finish(tl::unexpected(std::move(failure))); }

    // Last action: the callback may destroy this object.
    void Finish(Outcome outcome) {
        deadline_.Cancel();
        const Callback done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }

    io::Loop& loop_;
    std::shared_ptr<const Route> route_;  // shared with all attempts of this target
    int64_t timeout_ms_;
    int64_t deadline_ns_;
    Callback done_;
    std::unique_ptr<io::Connector> tcp_;
    std::unique_ptr<io::Stream> stream_;
    io::TlsStream* tls_ = nullptr;  // stream_, once it is that
    io::Timer deadline_;
    std::string request_;  // what the proxy has not taken yet
    HttpHeadReader answer_;
};

}  // namespace

Result<Client::Connect> MakeDialer(io::Loop& loop, const ClientTarget& target, int64_t write_timeout_ms,
                                   bool public_only) {
    io::SocketOptions socket;
    socket.public_only = public_only;
    socket.user_timeout_ms =
        static_cast<int>(std::clamp<int64_t>(write_timeout_ms, 0, std::numeric_limits<int>::max()));
    if (!target.tls && !target.proxy) {
        return Client::Connect(
            [&loop, host = target.host, port = target.port, socket](int64_t timeout_ms, auto done) {
                return io::Connector::Start(loop, host, port, timeout_ms, socket, std::move(done));
            });
    }
    auto route = std::make_shared<Route>();
    route->target = target;
    route->socket = socket;
    if (target.tls) {
        HAUMEA_TRY(route->tls, io::TlsContext::ForClient(*target.tls));
    }
    return Client::Connect([&loop, route](int64_t timeout_ms, auto done) -> std::unique_ptr<io::Connector> {
        return std::make_unique<Dial>(loop, route, timeout_ms, std::move(done));
    });
}

}  // namespace haumea::ws
