#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/error_text.h"
#include "base/log.h"
#include "io/fd_waiter.h"
#include "io/socket_address.h"
#include "io/stream.h"
#include "io/tcp_stream.h"

namespace haumea::io {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int64_t kPauseMs = 100;  // when descriptors or memory ran out

class TcpListener final : public Listener {
  public:
    TcpListener(Loop& loop, int fd, const SocketOptions& options, AcceptCallback on_accept)
        : loop_(loop),
          waiter_(loop, fd),
          pause_(loop),
          address_(SocketAddress::LocalOf(fd)),
          options_(options),
          on_accept_(std::make_shared<AcceptCallback>(std::move(on_accept))) {
        Wait();
    }
    uint16_t port() const override { return address_.port(); }

  private:
    void Wait() {
        waiter_.WaitReadable([this] { AcceptAll(); });
    }

    void AcceptAll() {
        HAUMEA_ASSERT_LOOP(loop_);
        const std::weak_ptr<AcceptCallback> alive = on_accept_;  // the callback may destroy this listener
        for (int i = 0; i < kAcceptsPerTurn; ++i) {
            const int fd = accept4(waiter_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) {
                if (!MayGoOn(errno)) {
                    return;
                }
                continue;
            }
            exhausted_ = false;
            const auto callback = alive.lock();
            (*callback)(AdoptSocket(loop_, fd, options_));
            if (callback.use_count() == 1) {
                return;
            }
        }
        Wait();
    }

    // After a failed accept4: true to try again at once.
    bool MayGoOn(int error) {
        switch (error) {
            case EAGAIN:
                Wait();
                return false;
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                if (!std::exchange(exhausted_, true)) {
                    log::Error(
                        "cannot accept connections on {}: {}; raise the limit of open files (ulimit -n)",
                        address_.ToString(), ErrorText(error));
                }
                pause_.Start(kPauseMs, [this] { AcceptAll(); });
                return false;
            default:
                return true;  // of this one connection: it ended before it was accepted
        }
    }

    Loop& loop_;
    FdWaiter waiter_;
    Timer pause_;
    SocketAddress address_;
    SocketOptions options_;
    std::shared_ptr<AcceptCallback> on_accept_;  // shared with the accept loop, which may outlive this object
    bool exhausted_ = false;
};

Result<SocketAddress> AddressToBind(const std::string& address, uint16_t port) {
    if (const auto literal = SocketAddress::Parse(address.empty() ? "0.0.0.0" : address, port)) {
        return *literal;
    }
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(address.c_str(), nullptr, &hints, &found);
    if (error != 0) {
        return Failf("cannot listen on {}:{}: {}; give an address of this machine, or 0.0.0.0 for all",
                     address, port, gai_strerror(error));
    }
    SocketAddress result(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    result.set_port(port);
    return result;
}

const char* Remedy(int error) {
    switch (error) {
        case EADDRINUSE:
            return "; stop the other program or choose another port";
        case EADDRNOTAVAIL:
            return "; give an address of this machine, or 0.0.0.0 for all";
        case EACCES:
            return "; ports below 1024 need a privilege, choose a higher one";
        default:
            return "";
    }
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(Loop& loop, const std::string& address, uint16_t port,
                                                 const SocketOptions& options, AcceptCallback on_accept) {
    HAUMEA_ASSERT_LOOP(loop);
    HAUMEA_TRY(const SocketAddress local, AddressToBind(address, port));
    const int fd = socket(local.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    const int no = 0;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (local.family() == AF_INET6) {  // "::" serves IPv4 as well
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        }
    }
    if (fd < 0 || bind(fd, local.get(), local.size()) != 0 || listen(fd, SOMAXCONN) != 0) {
        const int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return Fail(Errorf(ErrorCode::kIo, "cannot listen on {}: {}{}", local.ToString(), ErrorText(error),
                           Remedy(error)));
    }
    return std::make_unique<TcpListener>(loop, fd, options, std::move(on_accept));
}

}  // namespace haumea::io
