#pragma once

#include <cstdint>

namespace haumea::ws {

// Why a connection ends, RFC 6455 7.4.1 and the IANA registry. Other values travel as a cast number.
enum class CloseCode : uint16_t {
    kNormal = 1000,
    kGoingAway = 1001,
    kProtocolError = 1002,
    kUnsupportedData = 1003,
    kNoStatus = 1005,  // never on the wire: the close frame had no payload
    kAbnormal = 1006,  // never on the wire: the connection ended without a close frame
    kInvalidPayload = 1007,
    kPolicyViolation = 1008,
    kMessageTooBig = 1009,
    kMandatoryExtension = 1010,
    kInternalError = 1011,
    kServiceRestart = 1012,
    kTryAgainLater = 1013,
    kBadGateway = 1014,
    kTlsHandshake = 1015,  // never on the wire
};

constexpr uint16_t ToNumber(CloseCode code) noexcept { return static_cast<uint16_t>(code); }

// May the code stand in a close frame? RFC 6455 7.4.2: 1000 to 2999 only as registered, 3000 to 4999 free,
// anything else never. 1004, 1005, 1006 and 1015 are reserved.
constexpr bool IsValidOnWire(uint16_t code) noexcept {
    if (code >= 3000) {
        return code <= 4999;
    }
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace haumea::ws
