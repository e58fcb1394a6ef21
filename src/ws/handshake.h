#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ws/extensions.h"
#include "ws/http_head.h"

namespace haumea::ws {

// Server half of the opening handshake, RFC 6455 4.2. The session reads the head with
// HttpHeadReader(kRequest), then:
//
//     auto checked = CheckUpgrade(reader.head());         // or RejectBadHead(reader) when it did not parse
//     if (checked.rejection) send and close;
//     look up checked.request.path                        // Reject(404, …), Reject(403, …), Reject(503, …)
//     auto answer = AcceptUpgrade(checked.request, options); send answer.response, frames begin

// A request that asks for a WebSocket and is well formed. Views into the HttpHeadReader.
struct UpgradeRequest {
    const HttpHead* head = nullptr;
    std::string_view path;    // of the target, without query, still percent-encoded
    std::string_view query;   // behind '?', may be empty
    std::string_view host;    // Host header
    std::string_view origin;  // empty: none sent
    std::string_view key;
    std::vector<std::string_view> subprotocols;  // offered, in the client's order
    std::vector<Extension> extensions;           // offered
};

// A complete HTTP response that ends the connection, and what to log.
struct Rejection {
    int status = 400;
    std::string reason;
    std::string response;

    // The answer to HEAD has headers only (RFC 9110 9.3.2).
    void DropBody();
};

struct UpgradeCheck {
    std::optional<Rejection> rejection;
    // Without rejection. With one, `path` alone may be known: then it asked for that path, soundly enough to
    // tell.
    UpgradeRequest request;
};

// 405 for another method than GET, 400 when it is no well-formed upgrade, 426 for another version than 13
// (both name version 13), 400 for a request with a body.
UpgradeCheck CheckUpgrade(const HttpHead& head);

// 400 or 431 for a reader in state kBad or kTooLarge.
Rejection RejectBadHead(const HttpHeadReader& reader);

// Any rejection: the body is `reason` as text, the connection is closed. `extra` are further headers.
Rejection Reject(int status, std::string reason,
                 std::span<const std::pair<std::string, std::string>> extra = {});

struct AcceptOptions {
    std::vector<std::string> subprotocols;  // ours, in order of preference; none in common: none is chosen
    ServerDeflatePolicy deflate;
    std::vector<std::pair<std::string, std::string>> headers;  // ours; checked by the caller's configuration
};

struct AcceptedUpgrade {
    std::string response;  // the 101 head
    std::string subprotocol;
    DeflateParams deflate;
};
AcceptedUpgrade AcceptUpgrade(const UpgradeRequest& request, const AcceptOptions& options);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key, RFC 6455 4.2.2 point 5.4.
std::string AcceptKey(std::string_view key);
// Is it the base64 of exactly 16 bytes?
bool IsValidKey(std::string_view key) noexcept;

}  // namespace haumea::ws
