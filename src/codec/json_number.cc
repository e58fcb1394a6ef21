#include "codec/json_number.h"

#include <array>
#include <charconv>
#include <limits>

namespace haumea::codec {

namespace {

constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxMantissaDigits = 19;               // fit in 64 bits
constexpr uint64_t kMaxExactMantissa = 1ULL << 53U;  // every whole number up to here is a double
constexpr int64_t kExponentClamp = 100'000'000;

bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }

// Scans one number and collects its digits.
struct Scan {
    const char* p;
    const char* end;
    uint64_t mantissa = 0;
    int digits = 0;        // significant ones in `mantissa`
    int64_t exponent = 0;  // of ten, to be applied to `mantissa`
    bool negative = false;
    bool whole = true;

    // At least one digit; `scale` is the change of exponent per digit (0 before the point, -1 behind).
    bool Digits(int scale) noexcept {
        const char* start = p;
        while (p != end && IsDigit(*p)) {
            const auto digit = static_cast<uint64_t>(*p - '0');
            if (digits < kMaxMantissaDigits || (digits == 0 && digit == 0)) {
                mantissa = mantissa * 10 + digit;
                exponent += scale;
            } else {
                exponent += scale + 1;
            }
            digits += static_cast<int>(digits != 0 || digit != 0);
            ++p;
        }
        return p != start;
    }

    bool Exponent() noexcept {
        bool minus = false;
        if (p != end && (*p == '+' || *p == '-')) {
            minus = *p == '-';
            ++p;
        }
        const char* start = p;
        int64_t value = 0;
        while (p != end && IsDigit(*p)) {
            value = value < kExponentClamp ? value * 10 + (*p - '0') : value;
            ++p;
        }
        exponent += minus ? -value : value;
        return p != start;
    }

    bool Run() noexcept {
        if (p != end && *p == '-') {
            negative = true;
            ++p;
        }
        if (p == end || (*p == '0' && end - p > 1 && IsDigit(p[1])) || !Digits(0)) {
            return false;
        }
        if (p != end && *p == '.') {
            whole = false;
            ++p;
            if (!Digits(-1)) {
                return false;
            }
        }
        if (p != end && (*p == 'e' || *p == 'E')) {
            whole = false;
            ++p;
            if (!Exponent()) {
                return false;
            }
        }
        return p == end;
    }
};

}  // namespace

bool ParseJsonNumber(std::string_view token, JsonNumber& number) noexcept {
    Scan scan{token.data(), token.data() + token.size()};
    if (!scan.Run()) {
        return false;
    }
    number.is_whole = scan.whole;
    if (scan.digits <= kMaxMantissaDigits && scan.mantissa <= kMaxExactMantissa && scan.exponent >= -22 &&
        scan.exponent <= 22) [[likely]] {
        // Both factors are exact, so one rounding remains (Clinger's fast path).
        auto value = static_cast<double>(scan.mantissa);
        value = scan.exponent < 0 ? value / kPowersOfTen[static_cast<size_t>(-scan.exponent)]
                                  : value * kPowersOfTen[static_cast<size_t>(scan.exponent)];
        number.value = scan.negative ? -value : value;
        return true;
    }
    const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), number.value);
    if (code == std::errc::result_out_of_range) {
        const int64_t magnitude = scan.exponent + scan.digits;
        const double value =
            scan.digits != 0 && magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
        number.value = scan.negative ? -value : value;
    }
    return true;
}

}  // namespace haumea::codec
