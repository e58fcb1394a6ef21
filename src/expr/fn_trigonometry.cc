// Trigonometry on the minimax approximations of the Cephes library (S. Moshier), which eKuiper's results come
// from too. The last digit is the same on every platform, whatever its libm.
#include "expr/fn_trigonometry.h"

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
constexpr double kReducible = 536'870'912.0;  // 2^29; above, libm reduces

// Horner's rule, highest power first.
template <size_t N>
double Polynomial(double x, const double (&coefficients)[N]) {
    double result = coefficients[0];
    for (size_t i = 1; i < N; ++i) {
        result = result * x + coefficients[i];
    }
    return result;
}

// |x| = octant * pi/4 + rest, with an even octant.
struct Reduced {
    uint64_t octant;
    double rest;

    explicit Reduced(double magnitude) : octant(static_cast<uint64_t>(magnitude * (4 / kPi))) {
        auto multiple = static_cast<double>(octant);
        if (octant % 2 == 1) {
            ++octant;
            multiple += 1;
        }
        octant %= 8;
        rest = ((magnitude - multiple * kQuarterHigh) - multiple * kQuarterMiddle) - multiple * kQuarterLow;
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
    if (x == 0 || !(magnitude < kReducible)) {
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
    if (!(magnitude < kReducible)) {
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
    if (x == 0 || !(magnitude < kReducible)) {
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
