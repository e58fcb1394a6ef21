#include "ws/origin.h"

#include <algorithm>

#include "ws/http_head.h"

namespace haumea::ws {
namespace {

// Host name or address of `host[:port]`, brackets kept; empty when malformed.
std::string_view HostOf(std::string_view authority) noexcept {
    std::string_view host;
    std::string_view port;
    if (authority.starts_with('[')) {
        const size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            return {};
        }
        host = authority.substr(0, close + 1);
        port = authority.substr(close + 1);
    } else {
        const size_t colon = authority.find(':');
        host = authority.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    }
    if (!port.empty()) {
        const std::string_view digits = port.substr(1);
        if (port.front() != ':' ||
            !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return {};
        }
    }
    if (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    return host.find_first_of("/@?#\\ \t,") == std::string_view::npos ? host : std::string_view();
}

// 127.a.b.c as numbers; a name like 127.0.0.1.example.org is none.
bool IsLoopbackIpv4(std::string_view host) noexcept {
    if (!host.starts_with("127.")) {
        return false;
    }
    int parts = 0;
    while (true) {
        const size_t dot = host.find('.');
        const std::string_view part = host.substr(0, dot);
        int value = 0;
        for (const char c : part) {
            if (c < '0' || c > '9') {
                return false;
            }
            value = value * 10 + (c - '0');
            if (value > 255) {
                return false;
            }
        }
        if (part.empty() || ++parts > 4) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return parts == 4;
        }
        host.remove_prefix(dot + 1);
    }
}

bool IsLoopbackHost(std::string_view host) noexcept {
    constexpr std::string_view kSuffix = ".localhost";  // RFC 6761 6.3
    if (EqualsIgnoreCase(host, "localhost") || host == "[::1]" || IsLoopbackIpv4(host)) {
        return true;
    }
    return host.size() > kSuffix.size() &&
           EqualsIgnoreCase(host.substr(host.size() - kSuffix.size()), kSuffix);
}

bool IsListed(std::string_view origin, std::string_view entry) noexcept {
    entry = TrimSpace(entry);
    if (entry == "*") {
        return true;
    }
    if (entry.ends_with('/')) {
        entry.remove_suffix(1);
    }
    return !entry.empty() && EqualsIgnoreCase(origin, entry);
}

}  // namespace

bool IsOriginAllowed(std::string_view origin, std::string_view host, Peer peer,
                     std::span<const std::string> allowed_origins) noexcept {
    if (origin.empty()) {
        return true;
    }
    const auto listed = [&](const std::string& entry) { return IsListed(origin, entry); };
    if (std::any_of(allowed_origins.begin(), allowed_origins.end(), listed)) {
        return true;
    }
    if (origin == "null") {
        return peer == Peer::kLoopback;
    }
    const size_t scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos || !IsHttpToken(origin.substr(0, scheme_end))) {
        return false;
    }
    const std::string_view origin_host = HostOf(origin.substr(scheme_end + 3));
    if (origin_host.empty()) {
        return false;
    }
    return IsLoopbackHost(origin_host) || EqualsIgnoreCase(origin_host, HostOf(host));
}

}  // namespace haumea::ws
