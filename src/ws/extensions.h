#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ws/deflate.h"

namespace haumea::ws {

// One element of Sec-WebSocket-Extensions: `name; key; key=value`. Values are unquoted.
struct Extension {
    struct Param {
        std::string name;
        std::optional<std::string> value;
    };
    std::string name;
    std::vector<Param> params;
};

// The header's grammar, RFC 6455 9.1. Nothing when it is malformed, which a list without an element is.
// Bounded by the size of the head.
std::optional<std::vector<Extension>> ParseExtensions(std::string_view header);

// What our server is willing to agree to.
struct ServerDeflatePolicy {
    bool enabled = false;
    // One compressor for all clients needs this (RFC 7692 7.1.1.1 lets a server say it unasked).
    bool server_no_context_takeover = true;
    // Asks every client to forget its window between messages: saves memory here, costs size there.
    bool client_no_context_takeover = false;
    // Smallest window a client may demand of us; an offer that demands less is passed over. 15: only the
    // shared variant, 8: any.
    uint8_t min_server_window_bits = 8;
    uint8_t server_window_bits = 15;  // largest we use
    uint8_t client_window_bits = 15;  // largest we let a client use, when it lets us say so
};

// The answer to a list of offers: the first acceptable permessage-deflate wins (RFC 7692 5.1). `header` is
// the value of our Sec-WebSocket-Extensions, empty when nothing was agreed.
struct DeflateAnswer {
    DeflateParams params;
    std::string header;
};
DeflateAnswer AnswerDeflate(const std::vector<Extension>& offers, const ServerDeflatePolicy& policy);

// What our client offers.
struct ClientDeflateOffer {
    bool enabled = false;
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    uint8_t server_max_window_bits = 15;  // 15: not mentioned
    uint8_t client_max_window_bits = 15;  // our own limit; the parameter is always offered
};
std::string MakeDeflateOffer(const ClientDeflateOffer& offer);

// Checks the extensions of a server's answer, which has that header, against our offer (RFC 7692 5.1, 7.1).
// On failure `problem` says why the connection has to be failed: an extension or parameter that was not
// offered, twice, or out of range.
struct AcceptedDeflate {
    DeflateParams params;
    const char* problem = nullptr;
};
AcceptedDeflate CheckDeflateAnswer(std::string_view header, const ClientDeflateOffer& offer);

}  // namespace haumea::ws
