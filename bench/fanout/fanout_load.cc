// fanout_load <port> <clients> [--stuck N] [--other] [--tls] [--deflate]: opens that many WebSocket clients
// to /f of 127.0.0.1 from several loopback addresses, N more that never read, and with --other one of /o.
// Says "ready", counts until standard input ends and the line is quiet, then prints deliveries, gaps,
// disorder and latency as JSON.
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "fanout_common.h"
#include "fanout_other.h"
#include "fanout_peer.h"

namespace haumea::bench {
namespace {

constexpr int64_t kQuietNs = 500'000'000;
constexpr size_t kSampleEvery = 16;  // latencies

struct Client {
    std::unique_ptr<Peer> peer;
    MessageReader reader;
    uint64_t next = 0;
    bool started = false;
};

struct Totals {
    uint64_t deliveries = 0;
    uint64_t missing = 0;
    uint64_t disorder = 0;
    uint64_t broken = 0;
    uint64_t closed = 0;
    std::vector<int64_t> latencies;
};

void TakeMessage(std::string_view message, Client& client, Totals& totals) {
    const uint64_t number = NumberOf(message);
    if (client.started && number != client.next) {
        ++(number > client.next ? totals.missing : totals.disorder);
        totals.missing += number > client.next ? number - client.next - 1 : 0;
    }
    client.started = true;
    client.next = number + 1;
    if (++totals.deliveries % kSampleEvery == 0) {
        totals.latencies.push_back(NowNs() - StampOf(message));
    }
}

void Print(const std::vector<Client>& clients, Totals& totals, const std::string& other) {
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
        "\"p50_us\": %.1f, \"p99_us\": %.1f%s}\n",
        static_cast<unsigned long long>(totals.deliveries), static_cast<unsigned long long>(totals.missing),
        static_cast<unsigned long long>(totals.disorder), static_cast<unsigned long long>(totals.broken),
        static_cast<unsigned long long>(totals.closed), at(0.5), at(0.99), other.c_str());
}

// Reads from every client until standard input has ended and nothing has come for a while.
void Count(std::vector<Client>& clients, int epoll, Totals& totals) {
    constexpr uint32_t kInput = UINT32_MAX;
    epoll_event input{.events = EPOLLIN, .data = {.u32 = kInput}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
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
            const ssize_t bytes = client.peer->Read(buffer.data(), buffer.size());
            if (bytes > 0) {
                last_data = NowNs();
                const auto take = [&](std::string_view message) { TakeMessage(message, client, totals); };
                if (client.reader.Feed(buffer.data(), static_cast<size_t>(bytes), take)) {
                    continue;
                }
                ++totals.broken;
            } else if (bytes == 0) {
                continue;
            }
            ++totals.closed;
            epoll_ctl(epoll, EPOLL_CTL_DEL, client.peer->fd(), nullptr);
        }
    }
}

int Run(const PeerOptions& options, int count, int stuck, bool with_other) {
    SSL_CTX* tls = options.tls ? SSL_CTX_new(TLS_client_method()) : nullptr;
    std::vector<Client> clients(static_cast<size_t>(count));
    std::vector<std::unique_ptr<Peer>> silent;
    const int epoll = epoll_create1(0);
    for (int i = 0; i < count + stuck; ++i) {
        auto peer = std::make_unique<Peer>(options, tls, i);
        if (i < count) {
            epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<uint32_t>(i)}};
            epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd(), &event);
            clients[static_cast<size_t>(i)].peer = std::move(peer);
        } else {
            silent.push_back(std::move(peer));
        }
    }
    std::unique_ptr<OtherClient> other = with_other ? std::make_unique<OtherClient>(options) : nullptr;
    std::printf("ready\n");
    std::fflush(stdout);
    Totals totals;
    Count(clients, epoll, totals);
    Print(clients, totals, other ? other->Stop() : "");
    return 0;
}

}  // namespace
}  // namespace haumea::bench

int main(int argc, char** argv) {
    haumea::bench::PeerOptions options;
    std::vector<int> numbers;
    int stuck = 0;
    bool other = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--tls") {
            options.tls = true;
        } else if (argument == "--deflate") {
            options.deflate = true;
        } else if (argument == "--other") {
            other = true;
        } else if (argument == "--stuck" && i + 1 < argc) {
            stuck = std::atoi(argv[++i]);
        } else {
            numbers.push_back(std::atoi(argv[i]));
        }
    }
    if (numbers.size() != 2) {
        std::fprintf(stderr, "fanout_load <port> <clients> [--stuck N] [--other] [--tls] [--deflate]\n");
        return 2;
    }
    options.port = static_cast<uint16_t>(numbers[0]);
    return haumea::bench::Run(options, numbers[1], stuck, other);
}
