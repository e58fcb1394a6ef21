#include "ws/client_settings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace haumea::ws {
namespace {

bool SameOffer(const ClientDeflateOffer& a, const ClientDeflateOffer& b) {
    return a.enabled == b.enabled && a.server_no_context_takeover == b.server_no_context_takeover &&
           a.client_no_context_takeover == b.client_no_context_takeover &&
           a.server_max_window_bits == b.server_max_window_bits &&
           a.client_max_window_bits == b.client_max_window_bits;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool IsOfAName(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '.' ||
           c == '-' || c == '_';
}

// With a zone or without: "fe80::1%eth0".
bool IsIpv6(const std::string& text) {
    const size_t zone = text.find('%');
    in6_addr address{};
    return inet_pton(AF_INET6, text.substr(0, zone).c_str(), &address) == 1 &&
           (zone == std::string::npos ||
            (zone + 1 < text.size() &&
             std::all_of(text.begin() + static_cast<ptrdiff_t>(zone) + 1, text.end(), IsOfAName)));
}

using Headers = std::vector<std::pair<std::string, std::string>>;

// Names have no case, and only the order of lines of the same name means something (RFC 9110 5.1, 5.3).
bool SameHeaders(const Headers& a, const Headers& b) {
    const auto canonical = [](Headers headers) {
        for (auto& [name, value] : headers) {
            std::transform(name.begin(), name.end(), name.begin(), Lower);
        }
        std::stable_sort(headers.begin(), headers.end(),
                         [](const auto& x, const auto& y) { return x.first < y.first; });
        return headers;
    };
    return a == b || (a.size() == b.size() && canonical(a) == canonical(b));
}

std::string BracketedHost(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string ClientTarget::Url() const {
    // The query may hold a token.
    return fmt::format("{}://{}:{}{}", tls ? "wss" : "ws", BracketedHost(host), port,
                       path.substr(0, path.find('?')));
}

std::string ClientTarget::HostPortText() const { return fmt::format("{}:{}", BracketedHost(host), port); }

std::string ClientTarget::HostHeader() const {
    const uint16_t own = tls ? 443 : 80;
    return port == own ? BracketedHost(host) : HostPortText();
}

bool ClientTarget::operator==(const ClientTarget& other) const {
    return host == other.host && port == other.port && path == other.path && tls == other.tls &&
           SameHeaders(headers, other.headers) && subprotocols == other.subprotocols &&
           SameOffer(deflate, other.deflate) && proxy == other.proxy;
}

Result<HostPort> ParseHostPort(std::string_view address, uint16_t default_port) {
    if (const size_t at = address.rfind('@'); at != std::string_view::npos) {
        return Failf(
            "address \"******{}\" has user and password before the \"@\": write host:port and give them in "
            "requestHeader, as Authorization",
            address.substr(at));
    }
    if (const size_t end = address.find("://"); end != std::string_view::npos) {
        return Failf(
            "address \"{}\" has a scheme: write host:port alone, as scheme and path are properties of "
            "their own",
            address);
    }
    HostPort result{std::string(address), default_port};
    std::string_view port;
    bool has_port = false;
    if (address.starts_with('[')) {
        const size_t end = address.find(']');
        if (end == std::string_view::npos) {
            return Failf("address \"{}\" has \"[\" without \"]\": write an IPv6 address as in [::1]:8080",
                         address);
        }
        result.host = address.substr(1, end - 1);
        if (!IsIpv6(result.host)) {
            return Failf(
                "address \"{}\": what stands in brackets has to be an IPv6 address, as in [::1]:8080",
                address);
        }
        const std::string_view rest = address.substr(end + 1);
        if (!rest.empty() && !rest.starts_with(':')) {
            return Failf("address \"{}\": only \":port\" may follow \"]\"", address);
        }
        has_port = !rest.empty();
        port = has_port ? rest.substr(1) : rest;
    } else if (const size_t colon = address.find(':'); colon != std::string_view::npos) {
        if (address.find(':', colon + 1) != std::string_view::npos) {
            return Failf(
                "address \"{}\" has more than one colon; write an IPv6 address in brackets, as in [::1]:8080",
                address);
        }
        result.host = address.substr(0, colon);
        port = address.substr(colon + 1);
        has_port = true;
    }
    if (result.host.empty()) {
        return Failf("address \"{}\" has no host; write host:port", address);
    }
    if (result.host.find_first_of("/?#") != std::string::npos) {
        return Failf("address \"{}\" is not host:port; scheme and path are properties of their own", address);
    }
    if (!address.starts_with('[') && !std::all_of(result.host.begin(), result.host.end(), IsOfAName)) {
        return Failf(
            "address \"{}\" is not host:port: a host name has letters, digits, \".\", \"-\" and \"_\" only; "
            "write host:port",
            address);
    }
    if (has_port) {
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
        if (error != std::errc() || end != port.data() + port.size() || result.port == 0) {
            return Failf("address \"{}\": port \"{}\" is not a number from 1 to 65535", address, port);
        }
    }
    std::transform(result.host.begin(), result.host.end(), result.host.begin(), Lower);
    return result;
}

std::vector<std::string> DifferingSettings(const ClientBehaviour& a, const ClientBehaviour& b) {
    std::vector<std::string> names;
    const auto compare = [&names](bool same, const char* name) {
        if (!same) {
            names.emplace_back(name);
        }
    };
    compare(a.connect_timeout_ms == b.connect_timeout_ms, "connectTimeout");
    compare(a.reconnect.initial_ms == b.reconnect.initial_ms, "reconnectInitialDelay");
    compare(a.reconnect.max_ms == b.reconnect.max_ms, "reconnectMaxDelay");
    compare(a.reconnect.multiplier == b.reconnect.multiplier, "reconnectMultiplier");
    compare(a.ping_interval_ms == b.ping_interval_ms, "pingInterval");
    compare(a.pong_timeout_ms == b.pong_timeout_ms, "pongTimeout");
    compare(a.write_timeout_ms == b.write_timeout_ms, "writeTimeout");
    compare(a.close_timeout_ms == b.close_timeout_ms, "closeTimeout");
    compare(a.max_message_bytes == b.max_message_bytes, "maxMessageBytes");
    compare(a.max_fragments == b.max_fragments, "maxFragments");
    compare(a.deflate == b.deflate, "permessageDeflate");
    compare(a.backlog_messages == b.backlog_messages, "backlogMessages");
    compare(a.backlog_bytes == b.backlog_bytes, "backlogBytes");
    return names;
}

}  // namespace haumea::ws
