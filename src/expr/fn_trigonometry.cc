// Trigonometry on the minimax approximations of the Cephes library (S. Moshier), which eKuiper's results come
// from too. The last digit is the same on every platform, whatever its libm.
#include "expr/fn_trigonometry.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace haumea::expr {

namespace {

constexpr double kPi = std::numbers::pi;
// pi/4 in three parts, for exact reduction of arguments below 2^29.
constexpr double kQuarterHigh = 7.85398125648498535156e-1;
constexpr double kQuarterMiddle = 3.77489470793079817668e-8;
constexpr double kQuarterLow = 2.69515142907905952645e-15;
constexpr double kReducible = 536'870'912.0;  // 2^29; above, by the bits of 4/pi

// Horner's rule, highest power first.
template <size_t N>
double Polynomial(double x, const double (&coefficients)[N]) {
    double result = coefficients[0];
    for (size_t i = 1; i < N; ++i) {
        result = result * x + coefficients[i];
    }
    return result;
}

// The bits of 4/pi, the whole part in the first word.
constexpr uint64_t kFourOverPi[] = {
    0x0000000000000001, 0x45f306dc9c882a53, 0xf84eafa3ea69bb81, 0xb6c52b3278872083, 0xfca2c757bd778ac3,
    0x6e48dc74849ba5c0, 0x0c925dd413a32439, 0xfc3bd63962534e7d, 0xd1046bea5d768909, 0xd338e04d68befc82,
    0x7323ac7306a673e9, 0x3908bf177bf25076, 0x3ff12fffbc0b301f, 0xde5e2316b414da3e, 0xda6cfd9e4f96136e,
    0x9e8c7ecd3cbfd45a, 0xea4f758fd7cbe2f6, 0x7a0e73ef14a525d4, 0xd7f6bf623f1aba10, 0xac06608df8f6d757};

// |x| = octant * pi/4 + rest, with an even octant.
struct Reduced {
    uint64_t octant = 0;
    double rest = 0;

    explicit Reduced(double magnitude) {
        if (magnitude < kReducible) {
            ReduceSmall(magnitude);
        } else {
            ReduceLarge(magnitude);
        }
    }

  private:
    void ReduceSmall(double magnitude) {
        octant = static_cast<uint64_t>(magnitude * (4 / kPi));
        auto multiple = static_cast<double>(octant);
        if (octant % 2 == 1) {
            ++octant;
            multiple += 1;
        }
        octant %= 8;
        rest = ((magnitude - multiple * kQuarterHigh) - multiple * kQuarterMiddle) - multiple * kQuarterLow;
    }

    // Payne and Hanek: the 192 bits of 4/pi that decide, times the 53 bits of the number, in whole numbers;
    // multiples of 8 octants overflow away.
    void ReduceLarge(double magnitude) {
        const auto bits = std::bit_cast<uint64_t>(magnitude);
        const int exponent = static_cast<int>(bits >> 52U & 0x7FFU) - 1023 - 52;
        const uint64_t mantissa = (bits & ((uint64_t{1} << 52U) - 1)) | uint64_t{1} << 52U;
        const auto from = static_cast<unsigned>(exponent + 61);
        const auto window = [at = from / 64, shift = from % 64](unsigned word) {
            const uint64_t low = shift == 0 ? 0 : kFourOverPi[at + word + 1] >> (64 - shift);
            return kFourOverPi[at + word] << shift | low;
        };
        using Wide = unsigned __int128;
        const Wide middle = Wide{window(1)} * mantissa;
        const auto carry_in = static_cast<uint64_t>(Wide{window(2)} * mantissa >> 64U);
        const Wide product = (Wide{window(0) * mantissa} << 64U) + middle + carry_in;
        auto high = static_cast<uint64_t>(product >> 64U);
        const auto low = static_cast<uint64_t>(product);
        octant = high >> 61U;
        high = high << 3U | low >> 61U;
        const auto zeros = static_cast<unsigned>(std::countl_zero(high));
        if (zeros >= 63) {
            rest = 0;
        } else {
            high = high << (zeros + 1) | low >> (63 - zeros);
            rest = std::bit_cast<double>(high >> 12U | uint64_t{1023 - (zeros + 1)} << 52U);
        }
        if (octant % 2 == 1) {
            octant = (octant + 1) % 8;
            rest -= 1;
        }
        rest *= kPi / 4;
    }
};

double SineOfRest(double rest) {
    static constexpr double kSine[] = {1.58962301576546568060e-10, -2.50507477628578072866e-8,
                                       2.75573136213857245213e-6,  -1.98412698295895385996e-4,
                                       8.33333333332211858878e-3,  -1.66666666666666307295e-1};
    const double square = rest * rest;
    return rest + rest * square * Polynomial(square, kSine);
}

double CosineOfRest(double rest) {
    static constexpr double kCosine[] = {-1.13585365213876817300e-11, 2.08757008419747316778e-9,
                                         -2.75573141792967388112e-7,  2.48015872888517045348e-5,
                                         -1.38888888888730564116e-3,  4.16666666666665929218e-2};
    const double square = rest * rest;
    return 1.0 - 0.5 * square + square * square * Polynomial(square, kCosine);
}

// For arguments of 0 to 0.66.
double SmallArcTangent(double x) {
    static constexpr double kAbove[] = {-8.750608600031904122785e-01, -1.615753718733365076637e+01,
                                        -7.500855792314704667340e+01, -1.228866684490136173410e+02,
                                        -6.485021904942025371773e+01};
    static constexpr double kBelow[] = {1.0,
                                        2.485846490142306297962e+01,
                                        1.650270098316988542046e+02,
                                        4.328810604912902668951e+02,
                                        4.853903996359136964868e+02,
                                        1.945506571482613964425e+02};
    const double square = x * x;
    return x * (square * Polynomial(square, kAbove) / Polynomial(square, kBelow)) + x;
}

// For arguments from 0 on.
double ArcTangentOfPositive(double x) {
    constexpr double kMoreBits = 6.123233995736765886130e-17;  // what pi/2 as a double lacks
    constexpr double kTangent67 = 2.41421356237309504880;      // tan(3 pi / 8)
    if (x <= 0.66) {
        return SmallArcTangent(x);
    }
    if (x > kTangent67) {
        return kPi / 2 - SmallArcTangent(1 / x) + kMoreBits;
    }
    return kPi / 4 + SmallArcTangent((x - 1) / (x + 1)) + 0.5 * kMoreBits;
}

}  // namespace

double Sine(double x) {
    const double magnitude = std::fabs(x);
    if (x == 0 || !std::isfinite(x)) {
        return x == 0 ? x : std::sin(x);
    }
    const Reduced reduced(magnitude);
    const bool negative = (x < 0) != (reduced.octant > 3);
    const uint64_t quarter = reduced.octant % 4;
    const double result = quarter == 2 ? CosineOfRest(reduced.rest) : SineOfRest(reduced.rest);
    return negative ? -result : result;
}

double Cosine(double x) {
    const double magnitude = std::fabs(x);
    if (!std::isfinite(x)) {
        return std::cos(x);
    }
    const Reduced reduced(magnitude);
    const uint64_t quarter = reduced.octant % 4;
    const bool negative = (reduced.octant > 3) != (quarter > 1);
    const double result = quarter == 2 ? SineOfRest(reduced.rest) : CosineOfRest(reduced.rest);
    return negative ? -result : result;
}

double Tangent(double x) {
    static constexpr double kAbove[] = {-1.30936939181383734205e4, 1.15351664838587416140e6,
                                        -1.79565251976484877988e7};
    static constexpr double kBelow[] = {1.0, 1.36812963470692954678e4, -1.32089234440210967447e6,
                                        2.50083801823357915839e7, -5.38695755929454629881e7};
    const double magnitude = std::fabs(x);
    if (x == 0 || !std::isfinite(x)) {
        return x == 0 ? x : std::tan(x);
    }
    const Reduced reduced(magnitude);
    const double square = reduced.rest * reduced.rest;
    double result = reduced.rest;
    if (square > 1e-14) {
        result += reduced.rest * (square * Polynomial(square, kAbove) / Polynomial(square, kBelow));
    }
    if (reduced.octant % 4 == 2) {
        result = -1 / result;
    }
    return x < 0 ? -result : result;
}

double ArcTangent(double x) {
    if (x == 0 || std::isnan(x)) {
        return x;
    }
    return x > 0 ? ArcTangentOfPositive(x) : -ArcTangentOfPositive(-x);
}

double ArcSine(double x) {
    const double magnitude = std::fabs(x);
    if (x == 0 || !(magnitude <= 1)) {
        return x == 0 ? x : std::nan("");
    }
    const double other = std::sqrt(1 - magnitude * magnitude);
    const double angle = magnitude > 0.7 ? kPi / 2 - ArcTangentOfPositive(other / magnitude)
                                         : ArcTangentOfPositive(magnitude / other);
    return x < 0 ? -angle : angle;
}

double ArcCosine(double x) { return kPi / 2 - ArcSine(x); }

}  // namespace haumea::expr
