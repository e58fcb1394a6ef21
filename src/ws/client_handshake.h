#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ws/extensions.h"
#include "ws/http_head.h"

namespace haumea::ws {

// What our client asks for, RFC 6455 4.1.
struct ClientRequest {
    std::string host;                 // as in the Host header: host or host:port, IPv6 in brackets
    std::string target;               // path and query, starts with '/'
    std::array<uint8_t, 16> nonce{};  // fresh random bytes of every attempt
    // Of the user. Host replaces ours; Sec-WebSocket-Protocol is taken as subprotocols; headers of the
    // handshake itself and of bodies are refused.
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> subprotocols;  // one of them has to be agreed on
    ClientDeflateOffer deflate;
};

// Static check of the headers that a user configured: token names, no line ends in values, no name the
// handshake owns.
Result<> CheckExtraHeaders(const std::vector<std::pair<std::string, std::string>>& headers);

// Each has to be a token (RFC 6455 4.1) and different from the others. Both roles.
Result<> CheckSubprotocols(const std::vector<std::string>& subprotocols);

// Client half of the opening handshake: the bytes to send, then the answer piece by piece. One connection
// attempt, one thread.
class ClientHandshake {
  public:
    enum class State : uint8_t {
        kReading,
        kOpen,    // frames begin behind what Feed() took
        kFailed,  // failure() says why; close the connection
    };
    // Which step failed, for the status of a connection.
    enum class Step : uint8_t {
        kNotHttp,     // not an HTTP response at all (another protocol, TLS, garbage) or a malformed one
        kTooLarge,    // the head exceeds the limits
        kHttpStatus,  // another status than 101: http_status() is it
        kUpgrade,     // 101, but not a valid WebSocket answer
    };

    // Fails on a bad host, target, header or subprotocol: names it and says why.
    static Result<ClientHandshake> Make(ClientRequest request, HttpHeadLimits limits = {});
    ClientHandshake(ClientHandshake&&) noexcept;
    ClientHandshake& operator=(ClientHandshake&&) noexcept;
    ~ClientHandshake();

    const std::string& request_bytes() const noexcept;

    // Takes bytes of the answer up to its end and returns how many it took. Interim responses (1xx) are
    // skipped.
    size_t Feed(std::string_view bytes);

    State state() const noexcept;
    // kOpen: what was agreed.
    const std::string& subprotocol() const noexcept;
    const DeflateParams& deflate() const noexcept;
    // kFailed.
    Step step() const noexcept;
    int http_status() const noexcept;  // 0 when none was read
    const std::string& failure() const noexcept;
    // The answer's head once it was read, for headers like Location; null before. Lives as long as this
    // object.
    const HttpHead* response() const noexcept;

  private:
    struct Impl;
    explicit ClientHandshake(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace haumea::ws
