#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/error_text.h"
#include "io/fd_waiter.h"
#include "io/resolver.h"
#include "io/stream.h"
#include "io/tcp_stream.h"

namespace haumea::io {
namespace {

std::string Seconds(int64_t ms) {
    return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{} ms", ms);
}

class TcpConnector final : public Connector {
  public:
    TcpConnector(Loop& loop, const std::string& host, uint16_t port, int64_t timeout_ms,
                 const SocketOptions& options, Callback done)
        : loop_(loop),
          host_(host),
          port_(port),
          timeout_ms_(timeout_ms),
          deadline_ns_(loop.clock().MonotonicNs() + timeout_ms * 1'000'000),
          options_(options),
          done_(std::move(done)),
          timer_(loop) {
        timer_.Start(timeout_ms, [this] { OnLookupTimeout(); });
        resolver_ = std::make_unique<Resolver>(loop, host, port, [this](auto result) {
            if (!result) {
                Finish(ConnectFailure{ConnectStep::kDns, std::move(result.error().message)});
                return;
            }
            addresses_ = std::move(*result);
            TryNext();
        });
    }

  private:
    // Starts with the next address; each gets its share of the time that is left, so that one which swallows
    // packets leaves some for the others.
    void TryNext() {
        HAUMEA_ASSERT_LOOP(loop_);
        while (next_ < addresses_.size()) {
            const int64_t left_ms = (deadline_ns_ - loop_.clock().MonotonicNs()) / 1'000'000;
            const auto others = static_cast<int64_t>(addresses_.size() - next_);
            const SocketAddress& address = addresses_[next_++];
            if (options_.public_only && address.is_private()) {
                Note(address, "refused, it is of a private network (basic.dialPrivateNet is false)");
                continue;
            }
            tried_ = true;
            const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd < 0) {
                Note(address, ErrorText(errno));
                continue;
            }
            // A server that comes (back) on the port this socket happens to get must be able to bind it.
            const int yes = 1;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            if (connect(fd, address.get(), address.size()) == 0) {
                if (TakeOver(fd)) {
                    return;
                }
                continue;
            }
            if (errno != EINPROGRESS) {
                Note(address, ErrorText(errno));
                close(fd);
                continue;
            }
            attempt_ = std::make_unique<FdWaiter>(loop_, fd);
            attempt_->WaitWritable([this] { OnWritable(); });
            timer_.Start(std::max<int64_t>(left_ms / others, 1), [this] { OnAttemptTimeout(); });
            return;
        }
        Finish(ConnectFailure{ConnectStep::kTcp, failures_, options_.public_only && !tried_});
    }

    void OnWritable() {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(attempt_->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            Note(addresses_[next_ - 1], ErrorText(error));
            attempt_.reset();
            TryNext();
            return;
        }
        const int fd = attempt_->Release();
        attempt_.reset();
        if (!TakeOver(fd)) {
            TryNext();
        }
    }

    void OnAttemptTimeout() {
        Note(addresses_[next_ - 1], "no answer");
        attempt_.reset();
        TryNext();
    }

    void OnLookupTimeout() {
        Finish(
            ConnectFailure{ConnectStep::kDns, fmt::format("host name \"{}\": no answer from the name servers "
                                                          "within {}",
                                                          host_, Seconds(timeout_ms_))});
    }

    void Note(const SocketAddress& address, const std::string& reason) {
        constexpr size_t kMaxText = 400;
        if (failures_.size() > kMaxText) {
            return;
        }
        failures_ +=
            fmt::format("{}connect to {}: {}", failures_.empty() ? "" : "; ", address.ToString(), reason);
        if (reason == "no answer") {
            failures_ += fmt::format(" (connectTimeout is {})", Seconds(timeout_ms_));
        }
    }

    // False when nobody but the socket itself answered, which is closed then. When true, the last action.
    bool TakeOver(int fd) {
        if (ConnectedToItself(fd)) {
            const linger reset{.l_onoff = 1, .l_linger = 0};  // leaves no TIME_WAIT on the server's port
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close(fd);
            Note(addresses_[next_ - 1], ErrorText(ECONNREFUSED));
            return false;
        }
        Finish(AdoptSocket(loop_, fd, options_));
        return true;
    }

    // Last action: the callback may destroy this object.
    void Finish(tl::expected<std::unique_ptr<Stream>, ConnectFailure> outcome) {
        timer_.Cancel();
        attempt_.reset();
        const Callback done = std::exchange(done_, nullptr);
        done(std::move(outcome));
    }
    void Finish(ConnectFailure failure) { Finish(tl::unexpected(std::move(failure))); }

    Loop& loop_;
    std::string host_;
    uint16_t port_;
    int64_t timeout_ms_;
    int64_t deadline_ns_;
    SocketOptions options_;
    Callback done_;
    Timer timer_;
    std::unique_ptr<Resolver> resolver_;
    std::vector<SocketAddress> addresses_;
    bool tried_ = false;
    size_t next_ = 0;  // index of the address to try after the current one
    std::unique_ptr<FdWaiter> attempt_;
    std::string failures_;
};

}  // namespace

std::unique_ptr<Connector> Connector::Start(Loop& loop, const std::string& host, uint16_t port,
                                            int64_t timeout_ms, const SocketOptions& options, Callback done) {
    HAUMEA_ASSERT_LOOP(loop);
    return std::make_unique<TcpConnector>(loop, host, port, timeout_ms, options, std::move(done));
}

}  // namespace haumea::io
