#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/tls.h"
#include "ws/backoff.h"
#include "ws/client_proxy.h"
#include "ws/extensions.h"

namespace haumea::ws {

// Where a client connects to and how: everything that makes one dial different from another (contract: true
// identity). Clients with equal targets share a connection.
struct ClientTarget {
    std::string host;  // name or address, IPv6 without brackets
    uint16_t port = 80;
    std::string path = "/";                     // with query
    std::optional<io::TlsClientOptions> tls{};  // set: wss
    std::vector<std::pair<std::string, std::string>> headers{};
    // The remote has to choose one of them; what a header Sec-WebSocket-Protocol offers it may ignore.
    std::vector<std::string> subprotocols{};
    ClientDeflateOffer deflate{};
    std::optional<ProxyTarget> proxy{};

    // "ws://127.0.0.1:8080/x" for messages; without secrets.
    std::string Url() const;
    // "127.0.0.1:80", "[::1]:443".
    std::string HostPortText() const;
    // The Host header: the port only when it is not the scheme's own.
    std::string HostHeader() const;
    bool operator==(const ClientTarget& other) const;
};

// "host", "host:port", "[::1]:port". The error names the value and what is wrong.
struct HostPort {
    std::string host;
    uint16_t port = 0;
};
Result<HostPort> ParseHostPort(std::string_view address, uint16_t default_port);

// How the connection behaves. Of clients that share one, the first decides.
struct ClientBehaviour {
    int64_t connect_timeout_ms = 10'000;  // DNS, TCP, TLS and HTTP together
    BackoffSettings reconnect;
    int64_t ping_interval_ms = 30'000;  // 0: no pings
    int64_t pong_timeout_ms = 10'000;   // 0: do not wait for pongs
    int64_t write_timeout_ms = 10'000;  // without progress; 0: for ever
    int64_t close_timeout_ms = 2'000;
    uint64_t max_message_bytes = 16U << 20U;  // incoming, after inflating
    uint64_t max_fragments = 1U << 17U;       // frames of one incoming message
    DeflateTuning deflate;                    // once compression is agreed on
    size_t backlog_messages = 65'536;
    size_t backlog_bytes = 16U << 20U;

    bool operator==(const ClientBehaviour&) const = default;
};

// Names of the settings that differ, as users write them.
std::vector<std::string> DifferingSettings(const ClientBehaviour& a, const ClientBehaviour& b);

}  // namespace haumea::ws
