// Load generator for one rule between two WebSocket paths: pumps JSON events into one, receives the results
// from the other and reports loss, order and latency as one JSON line. A process of its own, without code of
// the engine.
//
//   wire_load PORT IN OUT --rate N --seconds S --size BYTES [--share K] [--above A]
//
// An event is {"seq":n,"t":ns,"a":seq % K,"b":...,"pad":"..."}; the rule is expected to pass those with a > A
// (of K = 8 and A = 3: half) and to keep seq and t. Rate 0: as fast as the server takes them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void Die(const std::string& text) {
    std::fprintf(stderr, "wire_load: %s\n", text.c_str());
    std::exit(2);
}

int64_t NowNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void WriteAll(int fd, const char* data, size_t size) {
    while (size > 0) {
        const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n <= 0) {
            Die(std::string("send: ") + std::strerror(errno));
        }
        data += n;
        size -= static_cast<size_t>(n);
    }
}

int Open(uint16_t port, const std::string& path) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        Die("connect to port " + std::to_string(port) + ": " + std::strerror(errno));
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    const std::string request =
        "GET " + path +
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    WriteAll(fd, request.data(), request.size());
    std::string head;
    char c = 0;
    while (head.find("\r\n\r\n") == std::string::npos) {
        if (recv(fd, &c, 1, 0) != 1) {
            Die("no answer to the upgrade of " + path);
        }
        head.push_back(c);
    }
    if (head.rfind("HTTP/1.1 101", 0) != 0) {
        Die("upgrade of " + path + " refused: " + head.substr(0, head.find('\r')));
    }
    return fd;
}

std::string Frame(uint64_t seq, int64_t t, uint64_t share, size_t size) {
    char text[160];
    const int n = std::snprintf(
        text, sizeof(text), R"({"seq":%llu,"t":%lld,"a":%llu,"b":%llu.5,"device":"sensor-%llu","pad":")",
        static_cast<unsigned long long>(seq), static_cast<long long>(t),
        static_cast<unsigned long long>(seq % share), static_cast<unsigned long long>(seq % 1000),
        static_cast<unsigned long long>(seq % 100));
    std::string payload(text, static_cast<size_t>(n));
    payload.append(size > payload.size() + 2 ? size - payload.size() - 2 : 0, 'x');
    payload += "\"}";
    std::string frame;
    frame.push_back(static_cast<char>(0x81));
    if (payload.size() < 126) {
        frame.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
        frame.push_back(static_cast<char>(0x80 | 126));
        frame.push_back(static_cast<char>(payload.size() >> 8));
        frame.push_back(static_cast<char>(payload.size() & 0xFF));
    }
    frame.append("\0\0\0\0", 4);  // a mask of zeros is a mask
    return frame + payload;
}

struct Received {
    uint64_t count = 0;
    uint64_t disorder = 0;
    int64_t last_ns = 0;
    std::vector<int64_t> latency_ns;
};

uint64_t NumberAfter(std::string_view text, std::string_view key) {
    const size_t at = text.find(key);
    return at == std::string_view::npos ? UINT64_MAX
                                        : std::strtoull(text.data() + at + key.size(), nullptr, 10);
}

void Receive(int fd, Received& out, std::atomic<uint64_t>& seen) {
    std::vector<char> buffer(1 << 20);
    size_t filled = 0;
    uint64_t previous = 0;
    for (;;) {
        const ssize_t n = recv(fd, buffer.data() + filled, buffer.size() - filled, 0);
        if (n <= 0) {
            return;
        }
        filled += static_cast<size_t>(n);
        const int64_t now = NowNs();
        size_t at = 0;
        while (filled - at >= 2) {
            size_t length = static_cast<unsigned char>(buffer[at + 1]) & 0x7FU;
            size_t head = 2;
            if (length == 126) {
                if (filled - at < 4) {
                    break;
                }
                length = static_cast<size_t>(static_cast<unsigned char>(buffer[at + 2])) << 8 |
                         static_cast<unsigned char>(buffer[at + 3]);
                head = 4;
            }
            if ((static_cast<unsigned char>(buffer[at + 1]) & 0x80U) != 0) {
                head += 4;  // raw_wire passes frames on as they came
            }
            if (filled - at < head + length) {
                break;
            }
            const std::string_view text(buffer.data() + at + head, length);
            if ((buffer[at] & 0x0F) == 1) {
                const uint64_t seq = NumberAfter(text, "\"seq\":");
                const auto t = static_cast<int64_t>(NumberAfter(text, "\"t\":"));
                out.disorder += seq < previous ? 1U : 0U;
                previous = seq;
                ++out.count;
                out.last_ns = now;
                if (out.latency_ns.size() < 4'000'000) {
                    out.latency_ns.push_back(now - t);
                }
            }
            at += head + length;
        }
        std::memmove(buffer.data(), buffer.data() + at, filled - at);
        filled -= at;
        seen.store(out.count, std::memory_order_relaxed);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        Die("usage: wire_load PORT IN OUT [--rate N] [--seconds S] [--size BYTES] [--share K] [--above A]");
    }
    uint64_t rate = 0;
    double seconds = 5;
    size_t size = 200;
    uint64_t share = 8;
    int64_t above = 3;
    for (int i = 4; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        if (name == "--rate") {
            rate = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (name == "--seconds") {
            seconds = std::strtod(argv[i + 1], nullptr);
        } else if (name == "--size") {
            size = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (name == "--share") {
            share = std::strtoull(argv[i + 1], nullptr, 10);
        } else if (name == "--above") {
            above = std::strtoll(argv[i + 1], nullptr, 10);
        } else {
            Die("unknown option " + std::string(name));
        }
    }
    const auto port = static_cast<uint16_t>(std::atoi(argv[1]));
    const int out_fd = Open(port, argv[3]);
    const int in_fd = Open(port, argv[2]);
    Received received;
    std::atomic<uint64_t> seen{0};
    std::thread receiver([&] { Receive(out_fd, received, seen); });

    const int64_t start = NowNs();
    const auto end = start + static_cast<int64_t>(seconds * 1e9);
    uint64_t sent = 0;
    uint64_t expected = 0;
    std::string batch;
    for (int64_t now = start; now < end;) {
        batch.clear();
        // A paced sender sends each event when it is due; flooding sends 64 at a time.
        uint64_t due = 64;
        if (rate > 0) {
            due =
                static_cast<uint64_t>(static_cast<double>(now - start) * static_cast<double>(rate) / 1e9) + 1;
            due = due > sent ? due - sent : 0;
        }
        for (uint64_t i = 0; i < due; ++i) {
            batch += Frame(sent, NowNs(), share, size);
            expected += static_cast<int64_t>(sent % share) > above ? 1U : 0U;
            ++sent;
        }
        if (!batch.empty()) {
            WriteAll(in_fd, batch.data(), batch.size());
        }
        if (rate > 0) {
            const auto next =
                start + static_cast<int64_t>(static_cast<double>(sent) * 1e9 / static_cast<double>(rate));
            timespec until{next / 1'000'000'000, next % 1'000'000'000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
        }
        now = NowNs();
    }
    const int64_t pumped = NowNs();
    // Wait for what is under way: until everything came or nothing comes any more.
    uint64_t before = UINT64_MAX;
    for (int quiet = 0; quiet < 20 && seen.load() < expected;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const uint64_t count = seen.load();
        quiet = count == before ? quiet + 1 : 0;
        before = count;
    }
    shutdown(out_fd, SHUT_RDWR);
    receiver.join();
    close(in_fd);
    close(out_fd);

    auto& latency = received.latency_ns;
    std::sort(latency.begin(), latency.end());
    const auto at = [&](double share_of) {
        return latency.empty()
                   ? 0.0
                   : static_cast<double>(
                         latency[static_cast<size_t>(share_of * static_cast<double>(latency.size() - 1))]) /
                         1e3;
    };
    const int64_t done = std::max(pumped, received.last_ns);
    std::printf(
        R"({"sent":%llu,"expected":%llu,"received":%llu,"disorder":%llu,"seconds":%.3f,"events_per_s":%.0f,"p50_us":%.1f,"p99_us":%.1f,"max_us":%.1f})"
        "\n",
        static_cast<unsigned long long>(sent), static_cast<unsigned long long>(expected),
        static_cast<unsigned long long>(received.count), static_cast<unsigned long long>(received.disorder),
        static_cast<double>(done - start) / 1e9,
        static_cast<double>(sent) / (static_cast<double>(done - start) / 1e9), at(0.5), at(0.99), at(1.0));
    return 0;
}
