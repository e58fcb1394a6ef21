#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz_input.h"
#include "ws/client_handshake.h"
#include "ws/handshake.h"
#include "ws/origin.h"

// Any bytes as a request to our server (first byte even) or as an answer to our client (odd): no crash, the
// same outcome whole and byte by byte, and no line of ours that holds what the other end smuggled in.

namespace {

using haumea::fuzz::CheckHead;
using haumea::ws::ClientHandshake;
using haumea::ws::HttpHeadReader;

void FuzzServer(std::string_view bytes) {
    HttpHeadReader reader(HttpHeadReader::Kind::kRequest);
    const size_t taken = reader.Feed(bytes);
    HttpHeadReader slow(HttpHeadReader::Kind::kRequest);
    size_t slow_taken = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
        slow_taken += slow.Feed(bytes.substr(i, 1));
    }
    if (slow.state() != reader.state() ||
        (reader.state() == HttpHeadReader::State::kDone && slow_taken != taken)) {
        std::abort();
    }
    if (reader.state() == HttpHeadReader::State::kReading) {
        return;
    }
    if (reader.state() != HttpHeadReader::State::kDone) {
        CheckHead(haumea::ws::RejectBadHead(reader).response);
        return;
    }
    const haumea::ws::UpgradeCheck check = haumea::ws::CheckUpgrade(reader.head());
    if (check.rejection) {
        CheckHead(check.rejection->response);
        return;
    }
    const std::array<std::string, 1> allowed = {"https://app.example"};
    static_cast<void>(haumea::ws::IsOriginAllowed(check.request.origin, check.request.host,
                                                  haumea::ws::Peer::kRemote, allowed));
    haumea::ws::AcceptOptions options;
    options.subprotocols = {"json", "a"};
    options.deflate.enabled = true;
    CheckHead(haumea::ws::AcceptUpgrade(check.request, options).response);
}

void FuzzClient(std::string_view bytes) {
    haumea::ws::ClientRequest request;
    request.host = "a";
    request.target = "/";
    // The nonce of the example in RFC 6455 1.3, so that seeds with the right answer exist.
    constexpr std::string_view kNonce = "the sample nonce";
    for (size_t i = 0; i < request.nonce.size(); ++i) {
        request.nonce[i] = static_cast<uint8_t>(kNonce[i]);
    }
    request.subprotocols = {"json"};
    request.deflate.enabled = true;
    auto whole = ClientHandshake::Make(request);
    auto slow = ClientHandshake::Make(request);
    if (!whole || !slow) {
        std::abort();
    }
    whole->Feed(bytes);
    for (size_t i = 0; i < bytes.size(); ++i) {
        slow->Feed(bytes.substr(i, 1));
    }
    if (whole->state() != slow->state() || whole->failure() != slow->failure()) {
        std::abort();
    }
}

// A user's path and header: what is accepted must not add lines to the request.
void FuzzRequest(std::string_view bytes) {
    haumea::ws::ClientRequest request;
    request.host = "a";
    const size_t cut = bytes.size() / 2;
    request.target = "/" + std::string(bytes.substr(0, cut));
    request.headers = {{"X-Test", std::string(bytes.substr(cut))}};
    if (const auto handshake = ClientHandshake::Make(request)) {
        CheckHead(handshake->request_bytes());
        HttpHeadReader reader(HttpHeadReader::Kind::kRequest,
                              {.max_head_bytes = 1U << 24U, .max_line_bytes = 1U << 24U});
        if (reader.Feed(handshake->request_bytes()) != handshake->request_bytes().size() ||
            reader.state() != HttpHeadReader::State::kDone || reader.head().headers.size() != 6) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return haumea::fuzz::Choose(data, size, std::array{&FuzzServer, &FuzzClient, &FuzzRequest});
}
