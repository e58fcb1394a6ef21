#include "ws/client_proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "data/cast.h"
#include "ws/client_settings.h"

namespace haumea::ws {
namespace {

constexpr uint16_t kDefaultPort = 80;

// RFC 3986 2.1. False when an escape is broken.
bool PercentDecode(std::string_view text, std::string& out) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int byte = EscapedByte(text, i);
        if (byte < 0) {
            return false;
        }
        out += static_cast<char>(byte);
        i += 2;
    }
    return true;
}

std::string Bracketed(const std::string& host) {
    return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

std::string ProxyTarget::Name() const { return fmt::format("{}:{}", Bracketed(host), port); }

Result<ProxyTarget> ParseProxy(std::string_view text) {
    const size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos && text.find('@') != std::string_view::npos) {
        return Failf("a proxy with user and password is written http://user:password@host:port");
    }
    if (scheme_end != std::string_view::npos) {
        if (text.substr(0, scheme_end) != "http") {
            return Failf(
                "the scheme of a proxy has to be http (it is asked by CONNECT, also for wss); write "
                "http://host:port");
        }
        text.remove_prefix(scheme_end + 3);
    }
    ProxyTarget proxy;
    if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
        const std::string_view user_info = text.substr(0, at);
        text.remove_prefix(at + 1);
        const size_t colon = user_info.find(':');
        std::string credentials;
        const bool good = PercentDecode(user_info.substr(0, colon), credentials) &&
                          credentials.find(':') == std::string::npos;  // RFC 7617 2
        credentials += ':';
        const std::string_view password =
            colon == std::string_view::npos ? std::string_view() : user_info.substr(colon + 1);
        if (!good || !PercentDecode(password, credentials)) {
            return Failf("user or password before \"@\" is malformed; write special characters as %XX");
        }
        proxy.authorization = fmt::format("Basic {}", EncodeBase64(credentials));
    }
    if (text.ends_with('/')) {
        text.remove_suffix(1);
    }
    HAUMEA_TRY(HostPort address, ParseHostPort(text, kDefaultPort));
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
    if (std::any_of(address.host.begin(), address.host.end(), is_control)) {
        return Failf("the host name of the proxy has control characters");
    }
    proxy.host = std::move(address.host);
    proxy.port = address.port;
    return proxy;
}

std::string MakeConnectRequest(const ProxyTarget& proxy, std::string_view host_port) {
    return fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n{1}{2}{3}\r\n", host_port,
                       proxy.authorization.empty() ? "" : "Proxy-Authorization: ", proxy.authorization,
                       proxy.authorization.empty() ? "" : "\r\n");
}

}  // namespace haumea::ws
