#pragma once

#include <cstddef>
#include <string_view>

namespace haumea {

// Value of a hexadecimal digit in either case, -1 when it is none.
constexpr int HexDigit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that the escape %XX at `at` stands for (RFC 3986 2.1); -1 when there is none, or a broken one.
constexpr int EscapedByte(std::string_view text, size_t at) noexcept {
    if (text[at] != '%' || text.size() - at < 3) {
        return -1;
    }
    const int high = HexDigit(text[at + 1]);
    const int low = HexDigit(text[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace haumea
