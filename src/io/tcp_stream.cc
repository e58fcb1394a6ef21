#include "io/tcp_stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error_text.h"
#include "io/fd_waiter.h"
#include "io/socket_address.h"

namespace haumea::io {
namespace {

constexpr size_t kMaxParts = 1024;  // IOV_MAX of Linux

void SetOption(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

class TcpStream final : public Stream {
  public:
    TcpStream(Loop& loop, int fd)
        : waiter_(loop, fd),
          remote_(SocketAddress::RemoteOf(fd).ToString()),
          local_(SocketAddress::LocalOf(fd).ToString()) {}

    IoResult Read(std::span<char> into) noexcept override {
        ssize_t n = 0;
        do {
            n = recv(waiter_.fd(), into.data(), into.size(), MSG_DONTWAIT);
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
            return {IoResult::Status::kOk, static_cast<size_t>(n), 0};
        }
        return n == 0 ? IoResult{IoResult::Status::kEnd} : Failure(errno);
    }

    IoResult Write(std::span<const iovec> parts) noexcept override {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data());  // the call does not write to it
        message.msg_iovlen = std::min(parts.size(), kMaxParts);
        ssize_t n = 0;
        do {
            n = sendmsg(waiter_.fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        } while (n < 0 && errno == EINTR);
        return n < 0 ? Failure(errno) : IoResult{IoResult::Status::kOk, static_cast<size_t>(n), 0};
    }

    void WaitReadable(std::function<void()> ready) override { waiter_.WaitReadable(std::move(ready)); }
    void WaitWritable(std::function<void()> ready) override { waiter_.WaitWritable(std::move(ready)); }
    void CancelWaits() noexcept override { waiter_.CancelWaits(); }
    void ShutdownWrite() noexcept override { shutdown(waiter_.fd(), SHUT_WR); }
    void Close() noexcept override { waiter_.Close(); }
    bool secure() const noexcept override { return false; }
    const std::string& remote_address() const override { return remote_; }
    const std::string& local_address() const override { return local_; }
    std::string last_error() const override { return last_error_ == 0 ? "" : ErrorText(last_error_); }

  private:
    IoResult Failure(int error) noexcept {
        if (error == EAGAIN || error == EWOULDBLOCK) {
            return {IoResult::Status::kWouldBlock};
        }
        last_error_ = error;
        return {IoResult::Status::kFailed, 0, error};
    }

    FdWaiter waiter_;
    std::string remote_;
    std::string local_;
    int last_error_ = 0;
};

}  // namespace

std::unique_ptr<Stream> AdoptSocket(Loop& loop, int fd, const SocketOptions& options) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options.send_buffer_bytes > 0) {
        SetOption(fd, SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
    }
    if (options.user_timeout_ms > 0) {
        SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.user_timeout_ms);
    }
    return std::make_unique<TcpStream>(loop, fd);
}

bool ConnectedToItself(int fd) noexcept {
    sockaddr_storage local{};
    sockaddr_storage remote{};
    socklen_t local_size = sizeof local;
    socklen_t remote_size = sizeof remote;
    return getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) == 0 &&
           getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &remote_size) == 0 &&
           local_size == remote_size && std::memcmp(&local, &remote, local_size) == 0;
}

}  // namespace haumea::io
