#include "ws/frame.h"

#include <algorithm>
#include <cstring>

#include "ws/utf8.h"

namespace haumea::ws {
namespace {

char Byte(uint64_t value) noexcept { return static_cast<char>(value & 0xFFU); }

}  // namespace

size_t EncodeHeader(const FrameHeader& header, char* out) noexcept {
    const uint64_t size = header.payload_bytes;
    const unsigned mask_bit = header.masked ? 0x80U : 0U;
    out[0] =
        Byte((header.fin ? 0x80U : 0U) | (header.rsv1 ? 0x40U : 0U) | static_cast<unsigned>(header.opcode));
    size_t used = 2;
    if (size < 126) {
        out[1] = Byte(mask_bit | size);
    } else if (size <= 0xFFFF) {
        out[1] = Byte(mask_bit | 126U);
        out[2] = Byte(size >> 8U);
        out[3] = Byte(size);
        used = 4;
    } else {
        out[1] = Byte(mask_bit | 127U);
        for (unsigned i = 0; i < 8; ++i) {
            out[2 + i] = Byte(size >> (56U - 8U * i));
        }
        used = 10;
    }
    if (header.masked) {
        std::memcpy(out + used, header.mask_key.data(), header.mask_key.size());
        used += header.mask_key.size();
    }
    return used;
}

ControlFrame MakeControlFrame(Opcode opcode, std::string_view payload, const MaskKey* key) noexcept {
    payload = payload.substr(0, std::min(payload.size(), kMaxControlPayload));
    FrameHeader header;
    header.opcode = opcode;
    header.payload_bytes = payload.size();
    if (key != nullptr) {
        header.masked = true;
        header.mask_key = *key;
    }
    ControlFrame frame;
    frame.size = EncodeHeader(header, frame.bytes.data());
    char* body = frame.bytes.data() + frame.size;
    if (!payload.empty()) {
        if (key != nullptr) {
            CopyMasked(body, payload.data(), payload.size(), *key);
        } else {
            std::memcpy(body, payload.data(), payload.size());
        }
    }
    frame.size += payload.size();
    return frame;
}

ControlFrame MakeCloseFrame(CloseCode code, std::string_view reason, const MaskKey* key) noexcept {
    std::array<char, kMaxControlPayload> payload;
    size_t size = 0;
    const uint16_t number = ToNumber(code);
    if (IsValidOnWire(number)) {
        payload[0] = Byte(number >> 8U);
        payload[1] = Byte(number);
        size = 2;
        const std::string_view text = TruncateUtf8(reason, kMaxCloseReason);
        if (!text.empty() && IsValidUtf8(text)) {
            std::memcpy(payload.data() + size, text.data(), text.size());
            size += text.size();
        }
    }
    return MakeControlFrame(Opcode::kClose, {payload.data(), size}, key);
}

void AppendFrame(BufferBuilder& out, FrameHeader header, std::string_view payload) {
    header.payload_bytes = payload.size();
    char* at = out.Reserve(kMaxHeaderBytes + payload.size());
    const size_t header_size = EncodeHeader(header, at);
    if (!payload.empty()) {
        if (header.masked) {
            CopyMasked(at + header_size, payload.data(), payload.size(), header.mask_key);
        } else {
            std::memcpy(at + header_size, payload.data(), payload.size());
        }
    }
    out.Commit(header_size + payload.size());
}

}  // namespace haumea::ws
