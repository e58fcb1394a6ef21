#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "fanout_common.h"
#include "ws/handshake.h"

namespace haumea::bench {
namespace {

constexpr size_t kRingFrames = 4096;
constexpr size_t kMaxLag = 2048;  // frames; the publisher waits for the slowest, as with slowConsumer block
constexpr size_t kMaxSendBytes = 64U << 10U;
constexpr size_t kBurst = 64;

struct Client {
    int fd = -1;
    uint64_t sent_bytes = 0;  // position in the stream of all frames
    bool joined = false;
    bool full = false;
    std::unique_ptr<ws::HttpHeadReader> reader;
};

class RawHub {
  public:
    int Run() {
        Listen();
        char line[100];
        while (true) {
            Poll(50);
            if (command_ready_) {
                command_ready_ = false;
                const ssize_t n = read(0, line, sizeof line - 1);
                if (n <= 0) {
                    return 0;
                }
                line[n] = 0;
                double rate = 0;
                double seconds = 0;
                if (std::sscanf(line, "run %lf %lf", &rate, &seconds) == 2) {
                    Measure(rate, seconds);
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
        bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        listen(listener_, 4096);
        socklen_t size = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
        epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
        event.data.fd = 0;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, 0, &event);
        std::printf("port %d\n", ntohs(address.sin_port));
        std::fflush(stdout);
    }

    void Poll(int timeout_ms) {
        std::array<epoll_event, 256> events;
        const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
        for (int i = 0; i < n; ++i) {
            const int fd = events[static_cast<size_t>(i)].data.fd;
            const uint32_t what = events[static_cast<size_t>(i)].events;
            if (fd == listener_) {
                Accept();
            } else if (fd == 0) {
                command_ready_ = true;
            } else {
                Client& client = *by_fd_[static_cast<size_t>(fd)];
                if ((what & EPOLLOUT) != 0 && client.full) {
                    client.full = false;
                    Arm(client, EPOLLIN);
                    Send(client);
                }
                if ((what & EPOLLIN) != 0) {
                    Read(client);
                }
            }
        }
    }

    void Accept() {
        while (true) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) {
                return;
            }
            const int on = 1;
            const int buffer = 128 << 10;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
            auto client = std::make_unique<Client>();
            client->fd = fd;
            client->reader = std::make_unique<ws::HttpHeadReader>(ws::HttpHeadReader::Kind::kRequest);
            epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
            epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
            by_fd_.resize(std::max(by_fd_.size(), static_cast<size_t>(fd) + 1));
            by_fd_[static_cast<size_t>(fd)] = std::move(client);
        }
    }

    void Arm(const Client& client, uint32_t events) {
        epoll_event event{.events = events, .data = {.fd = client.fd}};
        epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
    }

    void Read(Client& client) {
        std::array<char, 4096> bytes;
        const ssize_t n = recv(client.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) {
                std::erase(clients_, &client);
                close(client.fd);
                by_fd_[static_cast<size_t>(client.fd)].reset();
            }
            return;
        }
        if (client.joined) {
            return;
        }
        client.reader->Feed({bytes.data(), static_cast<size_t>(n)});
        if (client.reader->state() == ws::HttpHeadReader::State::kDone) {
            const ws::UpgradeCheck check = ws::CheckUpgrade(client.reader->head());
            const std::string answer = ws::AcceptUpgrade(check.request, {}).response;
            send(client.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
            client.joined = true;
            client.reader.reset();
            client.sent_bytes = head_ * kFrameBytes;
            clients_.push_back(&client);
        }
    }

    void Append() {
        char* frame = ring_.data() + head_ % kRingFrames * kFrameBytes;
        frame[0] = '\x81';
        frame[1] = 126;
        frame[2] = static_cast<char>(kMessageBytes >> 8U);
        frame[3] = static_cast<char>(kMessageBytes & 0xFFU);
        WriteMessage(frame + 4, head_++, NowNs());
    }

    void Send(Client& client) {
        while (!client.full && client.sent_bytes < head_ * kFrameBytes) {
            const size_t at = client.sent_bytes % ring_.size();
            const size_t pending = head_ * kFrameBytes - client.sent_bytes;
            const size_t bytes = std::min({pending, ring_.size() - at, kMaxSendBytes});
            const ssize_t n = send(client.fd, ring_.data() + at, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0) {
                client.full = true;
                Arm(client, EPOLLIN | EPOLLOUT);
                return;
            }
            client.sent_bytes += static_cast<size_t>(n);
        }
    }

    uint64_t SlowestLag() const {
        uint64_t lowest = head_ * kFrameBytes;
        for (const Client* client : clients_) {
            lowest = std::min(lowest, client->sent_bytes);
        }
        return head_ - lowest / kFrameBytes;
    }

    void Measure(double rate, double seconds) {
        const int64_t begin = NowNs();
        const int64_t end = begin + static_cast<int64_t>(seconds * 1e9);
        const double cpu_begin = CpuSeconds();
        const uint64_t first = head_;
        for (int64_t now = begin; now < end; now = NowNs()) {
            size_t due = kBurst;
            int timeout_ms = 0;
            if (rate > 0) {
                const auto wanted = static_cast<uint64_t>(static_cast<double>(now - begin) * 1e-9 * rate);
                due = wanted - (head_ - first);
                timeout_ms = due == 0 ? 1 : 0;
            }
            if (due > 0 && SlowestLag() + due <= kMaxLag) {
                for (size_t i = 0; i < due; ++i) {
                    Append();
                }
                for (size_t i = 0; i < clients_.size(); ++i) {
                    Send(*clients_[i]);
                }
            } else if (rate == 0) {
                timeout_ms = 1;
            }
            Poll(timeout_ms);
        }
        const double cpu = CpuSeconds() - cpu_begin;
        std::printf("{\"published\": %llu, \"cpu_seconds\": %.4f, \"seconds\": %.4f}\n",
                    static_cast<unsigned long long>(head_ - first), cpu,
                    static_cast<double>(NowNs() - begin) * 1e-9);
        std::fflush(stdout);
    }

    int epoll_ = -1;
    int listener_ = -1;
    bool command_ready_ = false;
    uint64_t head_ = 0;
    std::vector<char> ring_ = std::vector<char>(kRingFrames * kFrameBytes);
    std::vector<std::unique_ptr<Client>> by_fd_;
    std::vector<Client*> clients_;
};

}  // namespace

int RunRawHub() { return RawHub().Run(); }

}  // namespace haumea::bench
