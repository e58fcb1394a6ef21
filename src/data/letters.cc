#include "data/letters.h"

#include <algorithm>
#include <array>

namespace haumea {

namespace {

// A stretch of letters: lower case = upper case + delta, or, with kAlternate, upper and lower case take
// turns.
struct CaseRange {
    char32_t first_upper;
    char32_t last_upper;
    int32_t delta;
};
constexpr int32_t kAlternate = 0;
constexpr std::array kRanges = {CaseRange{0x41, 0x5A, 32},
                                CaseRange{0xC0, 0xD6, 32},
                                CaseRange{0xD8, 0xDE, 32},
                                CaseRange{0x100, 0x12F, kAlternate},
                                CaseRange{0x132, 0x137, kAlternate},
                                CaseRange{0x139, 0x148, kAlternate},
                                CaseRange{0x14A, 0x177, kAlternate},
                                CaseRange{0x178, 0x178, -121},
                                CaseRange{0x179, 0x17E, kAlternate},
                                CaseRange{0x1CD, 0x1DC, kAlternate},
                                CaseRange{0x1DE, 0x1EF, kAlternate},
                                CaseRange{0x1F8, 0x21F, kAlternate},
                                CaseRange{0x222, 0x233, kAlternate},
                                CaseRange{0x386, 0x386, 38},
                                CaseRange{0x388, 0x38A, 37},
                                CaseRange{0x38C, 0x38C, 64},
                                CaseRange{0x38E, 0x38F, 63},
                                CaseRange{0x391, 0x3A1, 32},
                                CaseRange{0x3A3, 0x3AB, 32},
                                CaseRange{0x400, 0x40F, 80},
                                CaseRange{0x410, 0x42F, 32},
                                CaseRange{0x460, 0x481, kAlternate},
                                CaseRange{0x48A, 0x4BF, kAlternate},
                                CaseRange{0x4C1, 0x4CE, kAlternate},
                                CaseRange{0x4D0, 0x52F, kAlternate},
                                CaseRange{0x531, 0x556, 48},
                                CaseRange{0x10A0, 0x10C5, 7264},
                                CaseRange{0x1E00, 0x1E95, kAlternate},
                                CaseRange{0x1EA0, 0x1EFF, kAlternate},
                                CaseRange{0x2160, 0x216F, 16},
                                CaseRange{0x24B6, 0x24CF, 26},
                                CaseRange{0xFF21, 0xFF3A, 32}};

// In a stretch where cases take turns the upper case has the parity of the first letter.
char32_t LowerRune(char32_t c) noexcept {
    if (c == 0x130) {  // I with dot: i
        return 'i';
    }
    if (c == 0x1E9E) {  // capital sharp s
        return 0xDF;
    }
    for (const CaseRange& range : kRanges) {
        if (c >= range.first_upper && c <= range.last_upper) {
            if (range.delta != kAlternate) {
                return static_cast<char32_t>(static_cast<int32_t>(c) + range.delta);
            }
            return (c - range.first_upper) % 2 == 0 ? c + 1 : c;
        }
    }
    return c;
}

char32_t UpperRune(char32_t c) noexcept {
    switch (c) {
        case 0xB5:  // micro sign
            return 0x39C;
        case 0x131:  // dotless i
            return 'I';
        case 0x17F:  // long s
            return 'S';
        case 0x3C2:  // final sigma
            return 0x3A3;
        default:
            break;
    }
    for (const CaseRange& range : kRanges) {
        if (range.delta == kAlternate) {
            if (c >= range.first_upper && c <= range.last_upper) {
                return (c - range.first_upper) % 2 == 1 ? c - 1 : c;
            }
            continue;
        }
        const auto upper = static_cast<char32_t>(static_cast<int32_t>(c) - range.delta);
        if (upper >= range.first_upper && upper <= range.last_upper) {
            return upper;
        }
    }
    return c;
}

char32_t Decode(std::string_view rune) noexcept {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(rune[i]); };
    switch (rune.size()) {
        case 1:
            return byte(0);
        case 2:
            return ((byte(0) & 0x1FU) << 6U) | (byte(1) & 0x3FU);
        case 3:
            return ((byte(0) & 0xFU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
        default:
            return ((byte(0) & 7U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) |
                   (byte(3) & 0x3FU);
    }
}

size_t Encode(char32_t c, char* out) noexcept {
    if (c < 0x80) {
        out[0] = static_cast<char>(c);
        return 1;
    }
    if (c < 0x800) {
        out[0] = static_cast<char>(0xC0U | (c >> 6U));
        out[1] = static_cast<char>(0x80U | (c & 0x3FU));
        return 2;
    }
    out[0] = static_cast<char>(0xE0U | (c >> 12U));
    out[1] = static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
    out[2] = static_cast<char>(0x80U | (c & 0x3FU));
    return 3;
}

template <char32_t (*Map)(char32_t)>
std::string_view MapCase(std::string_view text, Arena& arena) noexcept {
    // No mapping above needs more than one byte more.
    char* out = static_cast<char*>(arena.Allocate(text.size() * 2, 1));
    size_t size = 0;
    while (!text.empty()) {
        const size_t n = FirstRuneSize(text);
        const char32_t rune = Decode(text.substr(0, n));
        const bool broken = n == 1 && rune >= 0x80;
        const char32_t mapped = broken || n == 4 ? rune : Map(rune);
        if (mapped == rune) {
            std::copy_n(text.data(), n, out + size);
            size += n;
        } else {
            size += Encode(mapped, out + size);
        }
        text.remove_prefix(n);
    }
    return {out, size};
}

bool IsSpace(char32_t c) noexcept {
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

}  // namespace

size_t FirstRuneSize(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t wanted = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
    if (wanted > text.size()) {
        return 1;
    }
    for (size_t i = 1; i < wanted; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
            return 1;
        }
    }
    return wanted;
}

size_t CountRunes(std::string_view text) noexcept {
    size_t count = 0;
    for (; !text.empty(); ++count) {
        text.remove_prefix(FirstRuneSize(text));
    }
    return count;
}

std::string_view ToLowerCase(std::string_view text, Arena& arena) noexcept {
    return MapCase<LowerRune>(text, arena);
}
std::string_view ToUpperCase(std::string_view text, Arena& arena) noexcept {
    return MapCase<UpperRune>(text, arena);
}

// A broken byte is no white space, even 0x85.
bool IsSpaceRune(std::string_view rune) noexcept {
    return (rune.size() > 1 || static_cast<unsigned char>(rune[0]) < 0x80) && IsSpace(Decode(rune));
}

std::string_view TrimSpace(std::string_view text, bool left, bool right) noexcept {
    while (left && !text.empty()) {
        const size_t n = FirstRuneSize(text);
        if (!IsSpaceRune(text.substr(0, n))) {
            break;
        }
        text.remove_prefix(n);
    }
    while (right && !text.empty()) {
        size_t start = text.size() - 1;
        while (start > 0 && text.size() - start < 4 &&
               (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) {
            --start;
        }
        const std::string_view rune = text.substr(start);
        if (FirstRuneSize(rune) != rune.size() || !IsSpaceRune(rune)) {
            break;
        }
        text.remove_suffix(rune.size());
    }
    return text;
}

}  // namespace haumea
