// What the machine asks for the same traffic without any engine: WebSocket in, the same frames out, unread.
// One epoll loop; a wake-up costs one read and, when a frame is to pass, one send of all that pass.
//
//   raw_wire [--share K] [--above A]
//
// Prints "port N". Of each K frames those with a number above A pass, as the rule of the benchmark decides by
// their content. The client that asks for /out gets them, the one that asks for /in sends them. Ends when its
// standard input is closed.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The answer to the one key that wire_load sends (RFC 6455 section 1.3).
constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr size_t kReadBytes = 64U << 10U;

class Wire {
  public:
    Wire(uint64_t share, int64_t above) : share_(share), above_(above) {}

    int Run() {
        Listen();
        std::array<epoll_event, 16> events;
        for (;;) {
            const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < n; ++i) {
                const int fd = events[static_cast<size_t>(i)].data.fd;
                if (fd == in_) {
                    Forward();
                } else if (fd == listener_) {
                    Watch(accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK));
                } else if (fd == STDIN_FILENO) {
                    return 0;
                } else {
                    Answer(fd);
                }
            }
        }
    }

  private:
    void Listen() {
        epoll_ = epoll_create1(0);
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            std::perror("raw_wire");
            std::exit(2);
        }
        Watch(listener_);
        Watch(STDIN_FILENO);
        std::printf("port %d\n", ntohs(address.sin_port));
        std::fflush(stdout);
    }

    void Watch(int fd) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    // A request, or the end of the client that receives.
    void Answer(int fd) {
        std::array<char, 4096> bytes;
        const ssize_t n = recv(fd, bytes.data(), bytes.size(), 0);
        const std::string_view head(bytes.data(), n > 0 ? static_cast<size_t>(n) : 0);
        if (head.rfind("GET ", 0) != 0) {
            close(fd);
            return;
        }
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (head.rfind("GET /in", 0) == 0 ? in_ : out_) = fd;
        send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
    }

    void Forward() {
        const ssize_t n = recv(in_, buffer_.data() + filled_, kReadBytes, 0);
        if (n <= 0) {
            close(in_);
            in_ = -1;
            return;
        }
        filled_ += static_cast<size_t>(n);
        passing_.clear();
        size_t at = 0;
        for (size_t size = 0; (size = FrameSize(at)) != 0 && at + size <= filled_; at += size) {
            if (static_cast<int64_t>(frames_++ % share_) > above_) {
                passing_.append(buffer_.data() + at, size);
            }
        }
        std::memmove(buffer_.data(), buffer_.data() + at, filled_ - at);
        filled_ -= at;
        for (size_t sent = 0; sent < passing_.size();) {
            const ssize_t more = send(out_, passing_.data() + sent, passing_.size() - sent, MSG_NOSIGNAL);
            if (more < 0 && errno != EAGAIN) {
                return;
            }
            if (more < 0) {
                WaitForRoom();
            } else {
                sent += static_cast<size_t>(more);
            }
        }
    }

    void WaitForRoom() const {
        const int own = epoll_create1(0);
        epoll_event event{.events = EPOLLOUT, .data = {.fd = out_}};
        epoll_ctl(own, EPOLL_CTL_ADD, out_, &event);
        epoll_wait(own, &event, 1, -1);
        close(own);
    }

    // Header, mask and payload; 0 when the header is not all there. Payloads are below 64 KiB.
    size_t FrameSize(size_t at) const {
        if (filled_ - at < 4) {
            return 0;
        }
        const auto byte = [&](size_t i) {
            return static_cast<size_t>(static_cast<unsigned char>(buffer_[at + i]));
        };
        const size_t mask = (byte(1) & 0x80U) != 0 ? 4 : 0;
        const size_t length = byte(1) & 0x7FU;
        return length == 126 ? 4 + mask + (byte(2) << 8U | byte(3)) : 2 + mask + length;
    }

    const uint64_t share_;
    const int64_t above_;
    int epoll_ = -1;
    int listener_ = -1;
    int in_ = -1;
    int out_ = -1;
    uint64_t frames_ = 0;
    size_t filled_ = 0;
    std::vector<char> buffer_ = std::vector<char>(2 * kReadBytes);
    std::string passing_;
};

}  // namespace

int main(int argc, char** argv) {
    uint64_t share = 8;
    int64_t above = 3;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--share") {
            share = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (name == "--above") {
            above = std::strtoll(argv[i + 1], nullptr, 10);
        } else {
            std::fprintf(stderr, "raw_wire: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    return Wire(share, above).Run();
}
