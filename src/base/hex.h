#pragma once

namespace haumea {

// Value of a hexadecimal digit in either case, -1 when it is none.
constexpr int HexDigit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace haumea
