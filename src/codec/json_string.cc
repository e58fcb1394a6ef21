#include "codec/json_string.h"

#include <cstdint>
#include <cstring>

#include "base/hex.h"
#include "base/utf8.h"

namespace haumea::codec {

namespace {

constexpr size_t kUnicodeEscape = 6;  // \uXXXX

// Code unit of `\uXXXX` at `p`, -1 when there is none before `end`.
int32_t CodeUnit(const char* p, const char* end) noexcept {
    if (static_cast<size_t>(end - p) < kUnicodeEscape || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }
    int32_t unit = 0;
    for (size_t i = 2; i < kUnicodeEscape; ++i) {
        const int digit = HexDigit(p[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

char SimpleEscape(char c) noexcept {
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return '\0';
    }
}

bool IsHighSurrogate(int32_t unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(int32_t unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

// Resolves the \u escape at `p`; moves both pointers.
void UnescapeUnicode(const char*& p, const char* end, char*& out) noexcept {
    const int32_t unit = CodeUnit(p, end);
    if (IsHighSurrogate(unit)) {
        const int32_t low = CodeUnit(p + kUnicodeEscape, end);
        if (IsLowSurrogate(low)) {
            out = WriteUtf8(0x10000U + (static_cast<uint32_t>(unit - 0xD800) << 10U) +
                                static_cast<uint32_t>(low - 0xDC00),
                            out);
            p += 2 * kUnicodeEscape;
            return;
        }
    }
    if (unit >= 0xD800 && unit < 0xE000) {
        std::memcpy(out, p, kUnicodeEscape);
        out += kUnicodeEscape;
    } else {
        out = WriteUtf8(static_cast<uint32_t>(unit), out);
    }
    p += kUnicodeEscape;
}

}  // namespace

bool AreJsonEscapesValid(std::string_view raw) noexcept {
    const char* p = raw.data();
    const char* end = p + raw.size();
    while (p != end &&
           (p = static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(end - p)))) != nullptr) {
        if (end - p >= 2 && SimpleEscape(p[1]) != '\0') {
            p += 2;
        } else if (CodeUnit(p, end) >= 0) {
            p += kUnicodeEscape;
        } else {
            return false;
        }
    }
    return true;
}

std::string_view UnescapeJson(std::string_view raw, Arena& arena) noexcept {
    // No escape is longer resolved than written.
    char* const begin = static_cast<char*>(arena.Allocate(raw.size(), 1));
    char* out = begin;
    const char* p = raw.data();
    const char* end = p + raw.size();
    while (p != end) {
        const void* found = std::memchr(p, '\\', static_cast<size_t>(end - p));
        const char* stop = found == nullptr ? end : static_cast<const char*>(found);
        std::memcpy(out, p, static_cast<size_t>(stop - p));
        out += stop - p;
        p = stop;
        if (p == end) {
            break;
        }
        if (p[1] == 'u') {
            UnescapeUnicode(p, end, out);
        } else {
            *out++ = SimpleEscape(p[1]);
            p += 2;
        }
    }
    return {begin, static_cast<size_t>(out - begin)};
}

}  // namespace haumea::codec
