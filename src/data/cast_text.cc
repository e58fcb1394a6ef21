// Numbers, booleans and base64 as texts, with the rules of Go's strconv and encoding/base64.
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "data/cast.h"

namespace haumea {

namespace {

char Lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) noexcept {
    if (text.size() != lower.size()) {
        return false;
    }
    for (size_t i = 0; i < text.size(); ++i) {
        if (Lower(text[i]) != lower[i]) {
            return false;
        }
    }
    return true;
}

// Base of an integer text; removes the prefix. "010" is octal, "0" alone is not.
int TakeBase(std::string_view& digits) noexcept {
    if (digits.size() < 2 || digits[0] != '0') {
        return 10;
    }
    switch (Lower(digits[1])) {
        case 'x':
            digits.remove_prefix(2);
            return 16;
        case 'b':
            digits.remove_prefix(2);
            return 2;
        case 'o':
            digits.remove_prefix(2);
            return 8;
        default:
            digits.remove_prefix(1);
            return 8;
    }
}

int DigitOf(char c) noexcept {
    const char lower = Lower(c);
    if (lower >= '0' && lower <= '9') {
        return lower - '0';
    }
    return lower >= 'a' && lower <= 'z' ? lower - 'a' + 10 : 99;
}

// Digits with single underscores between them, or between the base prefix and the first digit.
std::optional<uint64_t> ParseDigits(std::string_view digits, int base, bool after_prefix) noexcept {
    uint64_t value = 0;
    bool previous_digit = after_prefix;
    bool any = false;
    for (const char c : digits) {
        if (c == '_') {
            if (!previous_digit) {
                return std::nullopt;
            }
            previous_digit = false;
            continue;
        }
        const int digit = DigitOf(c);
        if (digit >= base || __builtin_mul_overflow(value, static_cast<uint64_t>(base), &value) ||
            __builtin_add_overflow(value, static_cast<uint64_t>(digit), &value)) {
            return std::nullopt;
        }
        previous_digit = true;
        any = true;
    }
    return any && previous_digit ? std::optional<uint64_t>(value) : std::nullopt;
}

std::optional<double> SpecialFloat(std::string_view unsigned_text) noexcept {
    if (EqualsIgnoringCase(unsigned_text, "inf") || EqualsIgnoringCase(unsigned_text, "infinity")) {
        return std::numeric_limits<double>::infinity();
    }
    if (EqualsIgnoringCase(unsigned_text, "nan")) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return std::nullopt;
}

// `text` without its underscores, or nothing when one is not between digits.
std::optional<std::string> WithoutUnderscores(std::string_view text, bool hex) {
    std::string out;
    char previous = hex ? '0' : ' ';
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
            previous = text[i];
            continue;
        }
        const int limit = hex ? 16 : 10;
        if (DigitOf(previous) >= limit || i + 1 == text.size() || DigitOf(text[i + 1]) >= limit) {
            return std::nullopt;
        }
        previous = '_';
    }
    return out;
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeReverse() {
    std::array<int8_t, 256> table{};
    for (auto& entry : table) {
        entry = -1;
    }
    for (size_t i = 0; i < kAlphabet.size(); ++i) {
        table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
    }
    return table;
}
constexpr std::array<int8_t, 256> kReverse = MakeReverse();

}  // namespace

std::optional<int64_t> ParseGoInt(std::string_view text) noexcept {
    const bool negative = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        text.remove_prefix(1);
    }
    std::string_view digits = text;
    const int base = TakeBase(digits);
    const std::optional<uint64_t> magnitude = ParseDigits(digits, base, digits.size() != text.size());
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    if (!magnitude || *magnitude > kMax + (negative ? 1 : 0)) {
        return std::nullopt;
    }
    return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<double> ParseGoFloat(std::string_view text) noexcept {
    const bool negative = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        text.remove_prefix(1);
    }
    if (const std::optional<double> special = SpecialFloat(text)) {
        return negative ? -*special : *special;
    }
    const bool hex = text.size() > 2 && text[0] == '0' && Lower(text[1]) == 'x';
    if (hex) {
        text.remove_prefix(2);
    }
    std::string buffer;
    if (text.find('_') != std::string_view::npos) {
        auto cleaned = WithoutUnderscores(text, hex);
        if (!cleaned) {
            return std::nullopt;
        }
        buffer = std::move(*cleaned);
        text = buffer;
    }
    // from_chars takes a second sign and the special names; what is left must start as a number, and a
    // hexadecimal float needs its exponent.
    if (text.empty() || !(DigitOf(text[0]) < (hex ? 16 : 10) || text[0] == '.') ||
        (hex && text.find_first_of("pP") == std::string_view::npos)) {
        return std::nullopt;
    }
    double value = 0;
    const auto format = hex ? std::chars_format::hex : std::chars_format::general;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return negative ? -value : value;
}

std::optional<bool> ParseGoBool(std::string_view text) noexcept {
    if (text == "1" || text == "t" || text == "T" || text == "TRUE" || text == "true" || text == "True") {
        return true;
    }
    if (text == "0" || text == "f" || text == "F" || text == "FALSE" || text == "false" || text == "False") {
        return false;
    }
    return std::nullopt;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    uint32_t bits = 0;
    int digits = 0;
    int padding = 0;
    for (const char c : text) {
        if (c == '\r' || c == '\n') {
            continue;
        }
        if (c == '=') {
            // One or two, and only to fill up the last group.
            if (digits < 2 || digits + ++padding > 4) {
                return std::nullopt;
            }
            continue;
        }
        const int value = kReverse[static_cast<unsigned char>(c)];
        if (value < 0 || padding > 0) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<uint32_t>(value);
        if (++digits == 4) {
            out += static_cast<char>(bits >> 16U);
            out += static_cast<char>(bits >> 8U);
            out += static_cast<char>(bits);
            digits = 0;
            bits = 0;
        }
    }
    if (digits == 0) {
        return out;
    }
    if (digits + padding != 4) {
        return std::nullopt;
    }
    bits <<= static_cast<uint32_t>(6 * (4 - digits));
    out += static_cast<char>(bits >> 16U);
    if (digits == 3) {
        out += static_cast<char>(bits >> 8U);
    }
    return out;
}

std::string EncodeBase64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t n = bytes.size() - i;
        uint32_t bits = static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << 16U;
        bits |= n > 1 ? static_cast<uint32_t>(static_cast<unsigned char>(bytes[i + 1])) << 8U : 0;
        bits |= n > 2 ? static_cast<unsigned char>(bytes[i + 2]) : 0U;
        out += kAlphabet[bits >> 18U];
        out += kAlphabet[(bits >> 12U) & 63U];
        out += n > 1 ? kAlphabet[(bits >> 6U) & 63U] : '=';
        out += n > 2 ? kAlphabet[bits & 63U] : '=';
    }
    return out;
}

}  // namespace haumea
