#include "data/number_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace haumea {

namespace {

// The shortest decimal digits of a finite double: 0.d1d2d3... * 10^point.
struct ShortestDigits {
    char digits[20];
    int count = 0;
    int point = 0;
    bool negative = false;
};

ShortestDigits Shorten(double value) noexcept {
    ShortestDigits result;
    result.negative = std::signbit(value);
    char text[kMaxNumberText];
    const auto end =
        std::to_chars(text, text + sizeof(text), std::fabs(value), std::chars_format::scientific);
    const char* p = text;
    for (; p < end.ptr && *p != 'e'; ++p) {
        if (*p != '.') {
            result.digits[result.count++] = *p;
        }
    }
    int exponent = 0;
    if (p < end.ptr) {
        const char* number = p[1] == '+' ? p + 2 : p + 1;
        std::from_chars(number, end.ptr, exponent);
    }
    result.point = exponent + 1;
    return result;
}

char* Append(char* out, const char* bytes, int n) noexcept {
    std::memcpy(out, bytes, static_cast<size_t>(n));
    return out + n;
}

char* Fill(char* out, char c, int n) noexcept {
    std::memset(out, c, static_cast<size_t>(n));
    return out + n;
}

// Decimal notation. `out` has room for sign, point and max(digits, |point|) digits.
char* WritePlain(const ShortestDigits& d, char* out) noexcept {
    if (d.negative) {
        *out++ = '-';
    }
    if (d.digits[0] == '0') {
        *out++ = '0';
        return out;
    }
    if (d.point <= 0) {
        out = Append(out, "0.", 2);
        out = Fill(out, '0', -d.point);
        return Append(out, d.digits, d.count);
    }
    if (d.count <= d.point) {
        out = Append(out, d.digits, d.count);
        return Fill(out, '0', d.point - d.count);
    }
    out = Append(out, d.digits, d.point);
    *out++ = '.';
    return Append(out, d.digits + d.point, d.count - d.point);
}

char* WriteExponent(const ShortestDigits& d, int min_exponent_digits, char* out) noexcept {
    if (d.negative) {
        *out++ = '-';
    }
    *out++ = d.digits[0];
    if (d.count > 1) {
        *out++ = '.';
        out = Append(out, d.digits + 1, d.count - 1);
    }
    int exponent = d.point - 1;
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent < 10 && min_exponent_digits > 1) {
        *out++ = '0';
    }
    return std::to_chars(out, out + 4, exponent).ptr;
}

}  // namespace

size_t WriteInt(int64_t value, char* out) noexcept {
    return static_cast<size_t>(std::to_chars(out, out + kMaxNumberText, value).ptr - out);
}

size_t WriteJsonNumber(double value, char* out) noexcept {
    // Whole numbers are the common case, and their digits need no search.
    if (std::fabs(value) < 9007199254740992.0 && value == static_cast<double>(static_cast<int64_t>(value)) &&
        (value != 0 || !std::signbit(value))) {
        return WriteInt(static_cast<int64_t>(value), out);
    }
    const ShortestDigits digits = Shorten(value);
    const double magnitude = std::fabs(value);
    const bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
    const char* end = exponent ? WriteExponent(digits, 1, out) : WritePlain(digits, out);
    return static_cast<size_t>(end - out);
}

size_t WriteGoFloat(double value, char* out) noexcept {
    if (!std::isfinite(value)) {
        const char* text = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        const size_t length = std::strlen(text);
        std::memcpy(out, text, length);
        return length;
    }
    const ShortestDigits digits = Shorten(value);
    const int exponent = digits.point - 1;
    const bool plain = value == 0 || (exponent >= -4 && exponent < 6);
    const char* end = plain ? WritePlain(digits, out) : WriteExponent(digits, 2, out);
    return static_cast<size_t>(end - out);
}

void AppendPlainFloat(std::string& out, double value) {
    char text[400];
    if (!std::isfinite(value)) {
        out.append(text, WriteGoFloat(value, text));
        return;
    }
    const char* end = WritePlain(Shorten(value), text);
    out.append(text, static_cast<size_t>(end - text));
}

}  // namespace haumea
