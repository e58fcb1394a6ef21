#include <cmath>
#include <numbers>
#include <random>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"
#include "expr/fn_trigonometry.h"

namespace haumea::expr {

namespace {

// The arguments as doubles, or the error of the first that is no number.
template <size_t N>
struct Numbers {
    double values[N] = {};
    Value error;

    Numbers(Args args, FunctionContext& ctx) noexcept {
        for (size_t i = 0; i < args.size() && i < N; ++i) {
            if (!args[i].is_number()) {
                error = Value::Error(ctx.arena.Copy(ConversionError(args[i], "float64")));
                return;
            }
            values[i] = args[i].number();
        }
    }
};

// A function of one number; outside of its domain the result is null.
template <double (*F)(double)>
Value Unary(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    const double result = F(in.values[0]);
    return std::isnan(result) ? Value::Null() : Value::Double(result);
}

template <double (*F)(double, double)>
Value Binary(Args args, FunctionContext& ctx) noexcept {
    const Numbers<2> in(args, ctx);
    return in.error.is_error() ? in.error : Value::Double(F(in.values[0], in.values[1]));
}

double Cosh(double x) { return std::cosh(x); }
double Sinh(double x) { return std::sinh(x); }
double Tanh(double x) { return std::tanh(x); }
double Exp(double x) { return std::exp(x); }
double Ceil(double x) { return std::ceil(x); }
double Floor(double x) { return std::floor(x); }
double Radians(double x) { return x * (std::numbers::pi / 180); }
double Degrees(double x) { return x * (180 / std::numbers::pi); }
double Mod(double a, double b) { return std::fmod(a, b); }
// Square-and-multiply on the whole part of the exponent, exp and log on the rest: the last digits are those
// that users know from Go's math.Pow, which differ from libm's.
double Power(double a, double b) {
    const bool ordinary = std::isfinite(a) && std::isfinite(b) && a != 0 && a != 1 && b != 0 &&
                          std::fabs(b) < 0x1p62 && (a > 0 || b == std::trunc(b));
    if (!ordinary || b == 1 || std::fabs(b) == 0.5) {
        return std::pow(a, b);
    }
    double whole = 0;
    double rest = std::modf(std::fabs(b), &whole);
    double result = 1;
    if (rest != 0) {
        if (rest > 0.5) {
            rest -= 1;
            whole += 1;
        }
        result = std::exp(rest * std::log(a));
    }
    int exponent = 0;
    double factor = std::frexp(a, &exponent);
    int64_t scale = exponent;
    int64_t result_scale = 0;
    for (auto bits = static_cast<int64_t>(whole); bits != 0; bits >>= 1U) {
        if (scale < -4096 || scale > 4096) {
            result_scale += scale;  // beyond every double: overflow or underflow
            break;
        }
        if ((bits & 1) != 0) {
            result *= factor;
            result_scale += scale;
        }
        factor *= factor;
        scale *= 2;
        if (factor < 0.5) {
            factor += factor;
            --scale;
        }
    }
    if (b < 0) {
        result = 1 / result;
        result_scale = -result_scale;
    }
    return std::ldexp(result, static_cast<int>(result_scale));
}
double Atan2(double y, double x) { return std::atan2(y, x); }

Value Abs(Args args, FunctionContext&) noexcept {
    if (args[0].type() == Type::kDouble) {
        return Value::Double(std::fabs(args[0].as_double()));
    }
    if (args[0].type() != Type::kInt) {
        return Value::Error("only float64 & int type are supported");
    }
    // Integers go through a double, as in eKuiper; what does not fit afterwards becomes the smallest integer.
    const double magnitude = std::fabs(static_cast<double>(args[0].as_int()));
    return Value::Int(magnitude < 9223372036854775808.0 ? static_cast<int64_t>(magnitude) : INT64_MIN);
}

Value Cot(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    // sin 2x / (1 - cos 2x); where the difference loses digits, by the sine of x.
    const double x = in.values[0];
    const double difference = 1 - Cosine(2 * x);
    const double result = Sine(2 * x) / (difference < 0.25 ? 2 * Sine(x) * Sine(x) : difference);
    return std::isfinite(result) ? Value::Double(result) : Value::Error("out-of-range error");
}

Value Logarithm(double value, double result, FunctionContext& ctx) noexcept {
    return std::isnan(result) ? ErrorOf(ctx, "The argument must be a strictly positive number but got {}",
                                        GoText(Value::Double(value), ctx.arena))
                              : Value::Double(result);
}

Value Ln(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    return in.error.is_error() ? in.error : Logarithm(in.values[0], std::log(in.values[0]), ctx);
}

Value Log(Args args, FunctionContext& ctx) noexcept {
    const Numbers<2> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    if (args.size() == 1) {
        return Logarithm(in.values[0], std::log10(in.values[0]), ctx);
    }
    return Logarithm(in.values[0], std::log(in.values[1]) / std::log(in.values[0]), ctx);
}

Value Sqrt(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    const double result = std::sqrt(in.values[0]);
    return std::isnan(result) ? ErrorOf(ctx, "The argument must be a positive number but got {}",
                                        GoText(Value::Double(in.values[0]), ctx.arena))
                              : Value::Double(result);
}

Value Sign(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    return in.error.is_error() ? in.error : Value::Int(in.values[0] > 0 ? 1 : in.values[0] < 0 ? -1 : 0);
}

Value Round(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    if (args.size() == 1) {
        return Value::Double(std::round(in.values[0]));
    }
    const std::optional<int64_t> places = ToInt(args[1], Casting::kSameKind);
    if (!places) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[1], "int")));
    }
    const double unit = std::pow(10.0, static_cast<double>(*places));
    const double scaled = in.values[0] * unit;
    if (!std::isfinite(scaled)) {
        return Value::Double(in.values[0]);  // more places than a double has
    }
    if (unit == 0) {
        return Value::Double(0);
    }
    return Value::Double(std::round(scaled) / unit);
}

// Cuts digits of the decimal text, so that trunc(2.3, 1) is 2.3 although 2.3 * 10 is a little less than 23.
Value Trunc(Args args, FunctionContext& ctx) noexcept {
    const Numbers<1> in(args, ctx);
    if (in.error.is_error()) {
        return in.error;
    }
    const std::optional<int64_t> places = ToInt(args[1], Casting::kSameKind);
    if (!places) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[1], "int")));
    }
    if (!std::isfinite(in.values[0])) {
        return Value::Double(in.values[0]);
    }
    std::string text(*ToText(Value::Double(in.values[0]), Casting::kAll, ctx.arena));
    const size_t point = std::min(text.find('.'), text.size());
    if (*places >= 0) {
        const auto kept = static_cast<size_t>(std::min<int64_t>(*places, 400));
        text.resize(std::min(text.size(), point + 1 + kept));
    } else {
        text.resize(point);
        const auto dropped = static_cast<size_t>(std::min<int64_t>(-*places, 400));
        for (size_t i = 0; i < dropped && i < text.size() && text[text.size() - 1 - i] != '-'; ++i) {
            text[text.size() - 1 - i] = '0';
        }
    }
    return Value::Double(ParseGoFloat(text).value_or(0) + 0.0);  // no negative zero
}

Value Pi(Args, FunctionContext&) noexcept { return Value::Double(std::numbers::pi); }

Value Rand(Args, FunctionContext&) noexcept {
    thread_local std::mt19937_64 engine{std::random_device{}()};
    return Value::Double(std::uniform_real_distribution<double>(0, 1)(engine));
}

std::string CheckOneOrTwo(const sql::CallExpr& call) {
    if (call.args.empty() || call.args.size() > 2) {
        return "Expect 1 or 2 arguments only";
    }
    return CheckKinds(call, "nn");
}

FunctionDescriptor Math(std::string_view name, std::string_view signature, std::string_view doc, int arity,
                        ScalarFunction function, std::string_view example, std::string_view result) {
    return FixedScalar("math", NullRule::kNullIfAny, name, signature, doc, arity, function,
                       arity == 2 ? Kinds<'n', 'n'> : Kinds<'n'>, example, result);
}

void AddTrigonometry(FunctionRegistry& r) {
    r.Add(Math("acos", "acos(x)", "Arc cosine in radians; null outside of -1 to 1.", 1,
               OrNull<Unary<ArcCosine>>, "acos(0.5)", "1.0471975511965976"));
    r.Add(Math("asin", "asin(x)", "Arc sine in radians; null outside of -1 to 1.", 1, OrNull<Unary<ArcSine>>,
               "asin(0)", "0"));
    r.Add(Math("atan", "atan(x)", "Arc tangent in radians.", 1, OrNull<Unary<ArcTangent>>, "atan(0)", "0"));
    r.Add(Math("atan2", "atan2(y, x)", "Angle of the point (x, y) in radians.", 2, OrNull<Binary<Atan2>>,
               "atan2(1, 1)", "0.7853981633974483"));
    r.Add(Math("cos", "cos(x)", "Cosine of an angle in radians.", 1, OrNull<Unary<Cosine>>, "cos(0)", "1"));
    r.Add(Math("cosh", "cosh(x)", "Hyperbolic cosine.", 1, OrNull<Unary<Cosh>>, "cosh(0)", "1"));
    r.Add(Math("cot", "cot(x)", "Cotangent; an error where it is infinite.", 1, OrNull<Cot>, "cot(1)",
               "0.6420926159343306"));
    r.Add(Math("sin", "sin(x)", "Sine of an angle in radians.", 1, OrNull<Unary<Sine>>, "sin(0)", "0"));
    r.Add(Math("sinh", "sinh(x)", "Hyperbolic sine.", 1, OrNull<Unary<Sinh>>, "sinh(0)", "0"));
    r.Add(Math("tan", "tan(x)", "Tangent of an angle in radians.", 1, OrNull<Unary<Tangent>>, "tan(0)", "0"));
    r.Add(Math("tanh", "tanh(x)", "Hyperbolic tangent.", 1, OrNull<Unary<Tanh>>, "tanh(0)", "0"));
    r.Add(Math("radians", "radians(x)", "Degrees to radians.", 1, OrNull<Unary<Radians>>, "radians(180)",
               "3.141592653589793"));
    r.Add(Math("degrees", "degrees(x)", "Radians to degrees.", 1, OrNull<Unary<Degrees>>, "degrees(0)", "0"));
}

}  // namespace

void AddMathFunctions(FunctionRegistry& r) {
    AddTrigonometry(r);
    r.Add(Math("abs", "abs(x)", "Absolute value; an integer stays an integer.", 1, OrNull<Abs>, "abs(-5)",
               "5"));
    FunctionDescriptor ceil = Math("ceil", "ceil(x)", "Smallest whole number not below x, as float.", 1,
                                   OrNull<Unary<Ceil>>, "ceil(2.1)", "3");
    ceil.aliases = {"ceiling"};
    r.Add(std::move(ceil));
    r.Add(Math("floor", "floor(x)", "Largest whole number not above x, as float.", 1, OrNull<Unary<Floor>>,
               "floor(2.9)", "2"));
    r.Add(Math("exp", "exp(x)", "e to the power of x.", 1, OrNull<Unary<Exp>>, "exp(0)", "1"));
    r.Add(Math("ln", "ln(x)", "Natural logarithm; an error below 0.", 1, OrNull<Ln>, "ln(1)", "0"));
    FunctionDescriptor log =
        Math("log", "log([base,] x)", "Logarithm to base 10 or to `base`; an error below 0.", 1, OrNull<Log>,
             "log(2, 8)", "3");
    log.max_args = 2;
    log.check = CheckOneOrTwo;
    r.Add(std::move(log));
    r.Add(Math("mod", "mod(a, b)", "Remainder with the sign of a.", 2, OrNull<Binary<Mod>>, "mod(7.5, 2)",
               "1.5"));
    FunctionDescriptor power = Math("power", "power(a, b)", "a to the power of b.", 2, OrNull<Binary<Power>>,
                                    "power(2, 10)", "1024");
    power.aliases = {"pow"};
    r.Add(std::move(power));
    FunctionDescriptor round =
        Math("round", "round(x[, places])", "Rounds to so many decimal places, halves away from zero.", 1,
             OrNull<Round>, "round(42.4382, 2)", "42.44");
    round.max_args = 2;
    round.check = CheckOneOrTwo;
    r.Add(std::move(round));
    FunctionDescriptor trunc = Math("trunc", "trunc(x, places)", "Cuts after so many decimal places.", 2,
                                    OrNull<Trunc>, "trunc(9.999, 2)", "9.99");
    trunc.family = "conversion";
    r.Add(std::move(trunc));
    r.Add(Math("sign", "sign(x)", "-1, 0 or 1.", 1, OrNull<Sign>, "sign(-2.5)", "-1"));
    r.Add(Math("sqrt", "sqrt(x)", "Square root; an error below 0.", 1, OrNull<Sqrt>, "sqrt(16)", "4"));
    FunctionDescriptor pi = Math("pi", "pi()", "The number pi.", 0, Pi, "pi()", "3.141592653589793");
    pi.check = nullptr;
    r.Add(std::move(pi));
    FunctionDescriptor rand =
        Math("rand", "rand()", "A random number, at least 0 and below 1.", 0, Rand, "", "");
    rand.check = nullptr;
    rand.pure = false;
    r.Add(std::move(rand));
}

}  // namespace haumea::expr
