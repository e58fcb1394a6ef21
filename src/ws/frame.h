#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/buffer.h"
#include "ws/close_code.h"
#include "ws/mask.h"

namespace haumea::ws {

// RFC 6455 5.2. All other values are reserved.
enum class Opcode : uint8_t {
    kContinuation = 0x0,
    kText = 0x1,
    kBinary = 0x2,
    kClose = 0x8,
    kPing = 0x9,
    kPong = 0xA,
};

// Which end of the connection we are. Clients mask what they send, servers do not (RFC 6455 5.1).
enum class Role : uint8_t { kServer, kClient };

constexpr size_t kMaxHeaderBytes = 14;
constexpr size_t kMaxControlPayload = 125;  // RFC 6455 5.5
constexpr size_t kMaxCloseReason = kMaxControlPayload - 2;

// What stands in front of a frame's payload.
struct FrameHeader {
    Opcode opcode = Opcode::kBinary;
    bool fin = true;
    bool rsv1 = false;  // RFC 7692 6: first frame of a compressed message
    bool masked = false;
    MaskKey mask_key{};
    uint64_t payload_bytes = 0;
};

// Bytes that EncodeHeader will write: 2 to 14.
constexpr size_t HeaderBytes(uint64_t payload_bytes, bool masked) noexcept {
    const size_t length_bytes = payload_bytes < 126 ? 0 : (payload_bytes <= 0xFFFF ? 2 : 8);
    return 2 + length_bytes + (masked ? 4 : 0);
}

// Writes the header with the minimal length form; `out` has room for kMaxHeaderBytes. Returns the bytes
// written.
size_t EncodeHeader(const FrameHeader& header, char* out) noexcept;

// A complete control frame by value, so that ping, pong and close need no allocation.
struct ControlFrame {
    std::array<char, kMaxHeaderBytes + kMaxControlPayload> bytes;
    size_t size = 0;

    std::string_view view() const noexcept { return {bytes.data(), size}; }
};

// Ping, pong or (with a payload made by hand) close. A payload beyond 125 bytes is cut. `key` is null in
// server role and the fresh masking key in client role.
ControlFrame MakeControlFrame(Opcode opcode, std::string_view payload, const MaskKey* key) noexcept;

// Close frame. kNoStatus (and every code that may not be sent) gives an empty payload, as the answer to a
// close without a code (RFC 6455 5.5.1). A long reason is cut between characters at 123 bytes; one that is
// not UTF-8 is left out.
ControlFrame MakeCloseFrame(CloseCode code, std::string_view reason, const MaskKey* key) noexcept;

// Appends header and payload, the payload masked on the way when header.masked. header.payload_bytes is set
// from the payload. The writer of the client role; servers share PreparedFrames instead.
void AppendFrame(BufferBuilder& out, FrameHeader header, std::string_view payload);

}  // namespace haumea::ws
