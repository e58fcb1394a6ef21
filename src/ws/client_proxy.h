#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace haumea::ws {

// An HTTP proxy that is asked for a tunnel by CONNECT (RFC 9110 9.3.6) before anything else is said.
struct ProxyTarget {
    std::string host;  // name or address, IPv6 without brackets
    uint16_t port = 80;
    std::string authorization{};  // of the header Proxy-Authorization; empty: none. A secret

    // "127.0.0.1:3128" for messages; without secrets.
    std::string Name() const;
    bool operator==(const ProxyTarget&) const = default;
};

// "host:port", "http://host:port", "http://user:password@host:port" (user and password percent-encoded). The
// error says what is wrong and names no password.
Result<ProxyTarget> ParseProxy(std::string_view text);

// What a proxy is sent to reach host:port ("[::1]:80" for IPv6).
std::string MakeConnectRequest(const ProxyTarget& proxy, std::string_view host_port);

}  // namespace haumea::ws
