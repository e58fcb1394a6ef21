#include "fanout_other.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace haumea::bench {
namespace {

constexpr int kPingEveryMs = 10;
constexpr int kIndex = 100'000;  // of its loopback address, apart from the flooded clients

PeerOptions ForOther(PeerOptions options) {
    options.path = "/o";
    return options;
}

std::string Percentiles(const char* name, std::vector<int64_t>& ns) {
    std::sort(ns.begin(), ns.end());
    const auto at = [&ns](double part) {
        return ns.empty()
                   ? 0.0
                   : static_cast<double>(ns[static_cast<size_t>(part * static_cast<double>(ns.size() - 1))]) *
                         1e-3;
    };
    std::array<char, 200> text;
    std::snprintf(text.data(), text.size(),
                  R"(, "%s": %zu, "%s_p50_us": %.1f, "%s_p99_us": %.1f, "%s_max_us": %.1f)", name, ns.size(),
                  name, at(0.5), name, at(0.99), name, at(1.0));
    return text.data();
}

}  // namespace

OtherClient::OtherClient(PeerOptions options)
    : peer_(ForOther(std::move(options)), nullptr, kIndex), thread_([this] { Run(); }) {}

OtherClient::~OtherClient() { Stop(); }

std::string OtherClient::Stop() {
    stopping_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    return Percentiles("other", messages_ns_) + Percentiles("pong", pongs_ns_);
}

void OtherClient::SendPing() {
    const int64_t now = NowNs();
    std::array<char, 14> frame{'\x89', '\x88'};  // masked, with a mask of zeros
    std::memcpy(frame.data() + 6, &now, sizeof now);
    peer_.WriteAll({frame.data(), frame.size()});
}

void OtherClient::TakeFrames(std::string& input) {
    constexpr char kPong = '\x8A';
    size_t at = 0;
    for (;;) {
        const std::string_view rest = std::string_view(input).substr(at);
        const size_t size = MessageReader::FrameSize(rest);
        if (size == 0 || rest.size() < size) {
            break;
        }
        if (rest[0] == kPong) {
            int64_t sent = 0;
            std::memcpy(&sent, rest.data() + 2, sizeof sent);
            pongs_ns_.push_back(NowNs() - sent);
        } else {
            messages_ns_.push_back(NowNs() - StampOf(MessageReader::Unpack(rest.substr(0, size))));
        }
        at += size;
    }
    input.erase(0, at);
}

void OtherClient::Run() {
    std::string input;
    std::array<char, 4096> bytes;
    int64_t next_ping = NowNs();
    while (!stopping_) {
        if (NowNs() >= next_ping) {
            SendPing();
            next_ping += kPingEveryMs * 1'000'000;
        }
        pollfd wait{.fd = peer_.fd(), .events = POLLIN, .revents = 0};
        const int64_t left_ms = std::max<int64_t>((next_ping - NowNs()) / 1'000'000 + 1, 0);
        if (poll(&wait, 1, static_cast<int>(left_ms)) <= 0) {
            continue;
        }
        const ssize_t n = peer_.Read(bytes.data(), bytes.size());
        if (n < 0) {
            return;
        }
        input.append(bytes.data(), static_cast<size_t>(n));
        TakeFrames(input);
    }
}

}  // namespace haumea::bench
