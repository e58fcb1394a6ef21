// fanout_load <port> <clients> [stuck]: opens that many WebSocket clients to /f of 127.0.0.1 from several
// loopback addresses, and `stuck` more that never read. Says "ready", counts until standard input ends and
// the line is quiet, then prints deliveries, gaps, disorder and latency as JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fanout_common.h"

namespace haumea::bench {
namespace {

constexpr int kClientsPerAddress = 1000;
constexpr int64_t kQuietNs = 500'000'000;
constexpr size_t kSampleEvery = 16;  // latencies

struct Client {
    int fd = -1;
    size_t carried = 0;  // bytes of an unfinished frame
    uint64_t next = 0;
    bool started = false;
    std::array<char, kFrameBytes> carry{};
};

struct Totals {
    uint64_t deliveries = 0;
    uint64_t missing = 0;
    uint64_t disorder = 0;
    uint64_t broken = 0;
    uint64_t closed = 0;
    std::vector<int64_t> latencies;
};

uint64_t Hex(const char* digits) {
    uint64_t value = 0;
    for (int i = 0; i < 16; ++i) {
        const auto c = static_cast<unsigned char>(digits[i]);
        value = value << 4U | (c <= '9' ? c - '0' : c - 'a' + 10U);
    }
    return value;
}

int Connect(uint16_t port, int index) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7F000001U + static_cast<uint32_t>(index / kClientsPerAddress));
    const int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        std::perror("connect");
        std::exit(1);
    }
    static constexpr char kRequest[] =
        "GET /f HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    static_cast<void>(!write(fd, kRequest, sizeof kRequest - 1));
    return fd;
}

void ReadAnswer(int fd) {
    std::string answer;
    char c = 0;
    while (!answer.ends_with("\r\n\r\n")) {
        if (read(fd, &c, 1) != 1) {
            std::fprintf(stderr, "the server hung up: %s\n", answer.c_str());
            std::exit(1);
        }
        answer += c;
    }
    if (!answer.starts_with("HTTP/1.1 101")) {
        std::fprintf(stderr, "refused: %s\n", answer.c_str());
        std::exit(1);
    }
}

void TakeFrame(const char* frame, Client& client, Totals& totals) {
    if (frame[0] != '\x81' || frame[1] != 126) {
        ++totals.broken;
        return;
    }
    const uint64_t number = Hex(frame + 4);
    if (client.started && number != client.next) {
        ++(number > client.next ? totals.missing : totals.disorder);
        totals.missing += number > client.next ? number - client.next - 1 : 0;
    }
    client.started = true;
    client.next = number + 1;
    if (++totals.deliveries % kSampleEvery == 0) {
        totals.latencies.push_back(NowNs() - static_cast<int64_t>(Hex(frame + 21)));
    }
}

void TakeBytes(const char* bytes, size_t size, Client& client, Totals& totals) {
    if (client.carried > 0) {
        const size_t n = std::min(size, kFrameBytes - client.carried);
        std::memcpy(client.carry.data() + client.carried, bytes, n);
        client.carried += n;
        bytes += n;
        size -= n;
        if (client.carried < kFrameBytes) {
            return;
        }
        TakeFrame(client.carry.data(), client, totals);
    }
    for (; size >= kFrameBytes; bytes += kFrameBytes, size -= kFrameBytes) {
        TakeFrame(bytes, client, totals);
    }
    std::memcpy(client.carry.data(), bytes, size);
    client.carried = size;
}

void Print(const std::vector<Client>& clients, Totals& totals) {
    uint64_t last = 0;
    for (const Client& client : clients) {
        last = std::max(last, client.next);
    }
    for (const Client& client : clients) {
        totals.missing += last - client.next;  // the end of the stream never came
    }
    std::sort(totals.latencies.begin(), totals.latencies.end());
    const auto at = [&](double part) {
        const size_t n = totals.latencies.size();
        return n == 0 ? 0.0
                      : static_cast<double>(
                            totals.latencies[static_cast<size_t>(part * static_cast<double>(n - 1))]) *
                            1e-3;
    };
    std::printf(
        "{\"deliveries\": %llu, \"missing\": %llu, \"disorder\": %llu, \"broken\": %llu, \"closed\": %llu, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
        static_cast<unsigned long long>(totals.deliveries), static_cast<unsigned long long>(totals.missing),
        static_cast<unsigned long long>(totals.disorder), static_cast<unsigned long long>(totals.broken),
        static_cast<unsigned long long>(totals.closed), at(0.5), at(0.99));
}

int Run(uint16_t port, int count, int stuck) {
    std::vector<Client> clients(static_cast<size_t>(count));
    const int epoll = epoll_create1(0);
    for (int i = 0; i < count + stuck; ++i) {
        const int fd = Connect(port, i);
        ReadAnswer(fd);
        if (i < count) {
            clients[static_cast<size_t>(i)].fd = fd;
            epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<uint32_t>(i)}};
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
    constexpr uint32_t kInput = UINT32_MAX;
    epoll_event input{.events = EPOLLIN, .data = {.u32 = kInput}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
    std::printf("ready\n");
    std::fflush(stdout);

    Totals totals;
    std::vector<char> buffer(256U << 10U);
    std::array<epoll_event, 512> events;
    bool stopping = false;
    int64_t last_data = NowNs();
    while (!stopping || NowNs() - last_data < kQuietNs) {
        const int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < n; ++i) {
            const uint32_t index = events[static_cast<size_t>(i)].data.u32;
            if (index == kInput) {
                stopping = true;
                last_data = NowNs();
                epoll_ctl(epoll, EPOLL_CTL_DEL, 0, nullptr);
                continue;
            }
            Client& client = clients[index];
            const ssize_t bytes = recv(client.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (bytes > 0) {
                TakeBytes(buffer.data(), static_cast<size_t>(bytes), client, totals);
                last_data = NowNs();
            } else if (bytes == 0 || errno != EAGAIN) {
                ++totals.closed;
                epoll_ctl(epoll, EPOLL_CTL_DEL, client.fd, nullptr);
            }
        }
    }
    Print(clients, totals);
    return 0;
}

}  // namespace
}  // namespace haumea::bench

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "fanout_load <port> <clients> [stuck]\n");
        return 2;
    }
    return haumea::bench::Run(static_cast<uint16_t>(std::atoi(argv[1])), std::atoi(argv[2]),
                              argc > 3 ? std::atoi(argv[3]) : 0);
}
