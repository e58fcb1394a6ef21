#include "ws/handshake.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/http_status.h"

namespace haumea::ws {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr size_t kKeyChars = 24;
constexpr size_t kMaxSubprotocols = 64;

// For clients that try another version or none: RFC 6455 4.4.
Rejection NamingVersion(int status, std::string reason) {
    Headers extra{{"Sec-WebSocket-Version", "13"}};
    if (status == 426) {
        extra.emplace_back("Upgrade", "websocket");  // RFC 9110 15.5.22
    }
    return Reject(status, std::move(reason), extra);
}

bool IsHostValue(std::string_view host) noexcept {
    return !host.empty() && host.find_first_of(" \t,/@?#\\\"<>") == std::string_view::npos;
}

// Origin form, or absolute form, whose authority then counts in place of Host (RFC 9112 3.2.2).
bool SplitTarget(std::string_view target, UpgradeRequest& request) {
    if (!target.starts_with('/')) {
        const size_t scheme_end = target.find("://");
        const std::string_view scheme = target.substr(0, scheme_end);
        if (scheme_end == std::string_view::npos ||
            !(EqualsIgnoreCase(scheme, "http") || EqualsIgnoreCase(scheme, "https") ||
              EqualsIgnoreCase(scheme, "ws") || EqualsIgnoreCase(scheme, "wss"))) {
            return false;
        }
        target.remove_prefix(scheme_end + 3);
        const size_t path = target.find_first_of("/?");
        request.host = target.substr(0, path);
        if (!IsHostValue(request.host)) {
            return false;
        }
        target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
    }
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    if (request.path.empty()) {
        request.path = "/";
    }
    return true;
}

// RFC 6455 4.1 point 10 and 4.3: at least one, distinct tokens. Bounded, since each is compared with all
// before it.
bool ReadSubprotocols(const HttpHead& head, std::vector<std::string_view>& out) {
    for (const HeaderField& field : head.headers) {
        if (!EqualsIgnoreCase(field.name, "Sec-WebSocket-Protocol")) {
            continue;
        }
        std::string_view list = field.value;
        while (true) {
            const size_t comma = list.find(',');
            const std::string_view element = TrimSpace(list.substr(0, comma));
            const bool seen = std::find(out.begin(), out.end(), element) != out.end();
            if (!element.empty() && (seen || !IsHttpToken(element) || out.size() == kMaxSubprotocols)) {
                return false;
            }
            if (!element.empty()) {
                out.push_back(element);
            }
            if (comma == std::string_view::npos) {
                break;
            }
            list.remove_prefix(comma + 1);
        }
    }
    return !out.empty() || head.Find("Sec-WebSocket-Protocol") == nullptr;
}

// What every HTTP/1.1 request has to fulfil before its meaning counts. Empty when good.
std::string_view CheckRequestShape(const HttpHead& head) {
    if (head.minor_version < 1) {
        return "HTTP/1.1 is needed";
    }
    if (head.Count("Host") != 1 || !IsHostValue(head.Find("Host")->value)) {
        return "exactly one valid Host header is needed";
    }
    // A body, or a doubt about its length, would leave bytes that two readers take for different things.
    if (head.Find("Transfer-Encoding") != nullptr) {
        return "a WebSocket request has no body: Transfer-Encoding is refused";
    }
    const size_t lengths = head.Count("Content-Length");
    if (lengths > 1 || (lengths == 1 && head.Find("Content-Length")->value != "0")) {
        return "a WebSocket request has no body: Content-Length is refused";
    }
    return {};
}

// RFC 6455 4.2.1, what comes behind the request line.
std::optional<Rejection> CheckUpgradeHeaders(const HttpHead& head, UpgradeRequest& request) {
    if (!head.HasListToken("Upgrade", "websocket")) {
        return NamingVersion(400,
                             "only WebSocket is served here: the header \"Upgrade: websocket\" is missing");
    }
    if (!head.HasListToken("Connection", "Upgrade")) {
        return NamingVersion(400, "the header \"Connection: Upgrade\" is missing");
    }
    if (head.Count("Sec-WebSocket-Version") != 1) {
        return NamingVersion(400, "exactly one Sec-WebSocket-Version header is needed");
    }
    if (head.Find("Sec-WebSocket-Version")->value != "13") {
        return NamingVersion(426, "only WebSocket version 13 is served here");
    }
    if (head.Count("Sec-WebSocket-Key") != 1 || !IsValidKey(head.Find("Sec-WebSocket-Key")->value)) {
        return NamingVersion(400, "exactly one Sec-WebSocket-Key of 16 bytes in base64 is needed");
    }
    request.key = head.Find("Sec-WebSocket-Key")->value;
    if (head.Count("Origin") > 1) {
        return NamingVersion(400, "more than one Origin header");
    }
    if (const HeaderField* origin = head.Find("Origin"); origin != nullptr) {
        request.origin = origin->value;
    }
    if (!ReadSubprotocols(head, request.subprotocols)) {
        return NamingVersion(400, "malformed Sec-WebSocket-Protocol");
    }
    if (head.Find("Sec-WebSocket-Extensions") != nullptr) {
        std::optional<std::vector<Extension>> extensions =
            ParseExtensions(head.Joined("Sec-WebSocket-Extensions"));
        if (!extensions) {
            return NamingVersion(400, "malformed Sec-WebSocket-Extensions");
        }
        request.extensions = std::move(*extensions);
    }
    return std::nullopt;
}

}  // namespace

std::string AcceptKey(std::string_view key) {
    std::string text(key);
    text += kAcceptGuid;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int digest_size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &digest_size, EVP_sha1(), nullptr) != 1) {
        return {};
    }
    std::array<unsigned char, 4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1> encoded{};
    const int size = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest_size));
    return {reinterpret_cast<const char*>(encoded.data()), static_cast<size_t>(size)};
}

bool IsValidKey(std::string_view key) noexcept {
    const auto is_base64 = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
               c == '/';
    };
    return key.size() == kKeyChars && key.ends_with("==") &&
           std::all_of(key.begin(), key.end() - 2, is_base64);
}

Rejection Reject(int status, std::string reason, std::span<const std::pair<std::string, std::string>> extra) {
    Rejection rejection;
    rejection.status = status;
    rejection.response = fmt::format("HTTP/1.1 {} {}\r\n", status, ReasonPhrase(status));
    for (const auto& [name, value] : extra) {
        rejection.response += fmt::format("{}: {}\r\n", name, value);
    }
    rejection.response += fmt::format(
        "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n"
        "Connection: {}close\r\n\r\n{}\n",
        reason.size() + 1, status == 426 ? "Upgrade, " : "", reason);  // RFC 9110 7.8: Upgrade is named
    rejection.reason = std::move(reason);
    return rejection;
}

void Rejection::DropBody() {
    if (const size_t end = response.find("\r\n\r\n"); end != std::string::npos) {
        response.resize(end + 4);
    }
}

Rejection RejectBadHead(const HttpHeadReader& reader) {
    return Reject(reader.state() == HttpHeadReader::State::kTooLarge ? 431 : 400, reader.problem());
}

UpgradeCheck CheckUpgrade(const HttpHead& head) {
    UpgradeCheck check;
    UpgradeRequest& request = check.request;
    request.head = &head;
    if (head.method != "GET") {
        static_cast<void>(SplitTarget(head.target, request));  // the path, if it is one
        const Headers allow{{"Allow", "GET"}};
        check.rejection = Reject(405, "only GET is served here, with a WebSocket upgrade", allow);
        return check;
    }
    if (const std::string_view problem = CheckRequestShape(head); !problem.empty()) {
        check.rejection = NamingVersion(400, std::string(problem));
        return check;
    }
    request.host = head.Find("Host")->value;
    if (!SplitTarget(head.target, request)) {
        check.rejection = NamingVersion(400, "the request target has to be a path");
        return check;
    }
    check.rejection = CheckUpgradeHeaders(head, request);
    return check;
}

AcceptedUpgrade AcceptUpgrade(const UpgradeRequest& request, const AcceptOptions& options) {
    AcceptedUpgrade accepted;
    for (const std::string& ours : options.subprotocols) {
        if (std::find(request.subprotocols.begin(), request.subprotocols.end(), ours) !=
            request.subprotocols.end()) {
            accepted.subprotocol = ours;
            break;
        }
    }
    DeflateAnswer deflate = AnswerDeflate(request.extensions, options.deflate);
    accepted.deflate = deflate.params;
    accepted.response = fmt::format(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: {}\r\n",
        AcceptKey(request.key));
    if (!accepted.subprotocol.empty()) {
        accepted.response += fmt::format("Sec-WebSocket-Protocol: {}\r\n", accepted.subprotocol);
    }
    if (!deflate.header.empty()) {
        accepted.response += fmt::format("Sec-WebSocket-Extensions: {}\r\n", deflate.header);
    }
    for (const auto& [name, value] : options.headers) {
        accepted.response += fmt::format("{}: {}\r\n", name, value);
    }
    accepted.response += "\r\n";
    return accepted;
}

}  // namespace haumea::ws
