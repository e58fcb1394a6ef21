#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace haumea {

inline constexpr size_t kMaxUtf8 = 4;

// Writes the UTF-8 form of a code point (RFC 3629) at `out`, which has room for kMaxUtf8. Surrogates and what
// lies beyond U+10FFFF are the caller's to refuse. -> the end of what was written
constexpr char* WriteUtf8(uint32_t code_point, char* out) noexcept {
    const auto put = [&out](uint32_t byte) { *out++ = static_cast<char>(byte); };
    if (code_point < 0x80) {
        put(code_point);
    } else if (code_point < 0x800) {
        put(0xC0U | code_point >> 6U);
        put(0x80U | (code_point & 0x3FU));
    } else if (code_point < 0x10000) {
        put(0xE0U | code_point >> 12U);
        put(0x80U | (code_point >> 6U & 0x3FU));
        put(0x80U | (code_point & 0x3FU));
    } else {
        put(0xF0U | code_point >> 18U);
        put(0x80U | (code_point >> 12U & 0x3FU));
        put(0x80U | (code_point >> 6U & 0x3FU));
        put(0x80U | (code_point & 0x3FU));
    }
    return out;
}

inline void AppendUtf8(uint32_t code_point, std::string& out) {
    char bytes[kMaxUtf8];
    out.append(bytes, WriteUtf8(code_point, bytes));
}

}  // namespace haumea
