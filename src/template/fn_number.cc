#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <string>

#include "template/function.h"

// Arithmetic and conversions. Whole-number functions turn every argument into an int64 first, by truncation,
// and wrap around.
namespace haumea::text_template {
namespace {

// What is no number is 0; floats beyond the range are the smallest int64.
int64_t ToInt(const Value& value) {
    switch (value.type()) {
        case Type::kInt:
            return value.as_int();
        case Type::kBool:
            return value.as_bool() ? 1 : 0;
        case Type::kDouble: {
            const double d = value.as_double();
            return d >= -9223372036854775808.0 && d < 9223372036854775808.0 ? static_cast<int64_t>(d)
                                                                            : INT64_MIN;
        }
        case Type::kString: {
            std::string_view text = value.text();
            int base = 10;
            if (text.starts_with("0x") || text.starts_with("0X")) {
                text.remove_prefix(2);
                base = 16;
            }
            int64_t out = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
            return error == std::errc() && end == text.data() + text.size() ? out : 0;
        }
        default:
            return 0;
    }
}

double ToDouble(const Value& value) {
    if (value.is_string()) {
        double out = 0;
        const std::string_view text = value.text();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        return error == std::errc() && end == text.data() + text.size() ? out : 0;
    }
    return value.type() == Type::kDouble ? value.as_double() : static_cast<double>(ToInt(value));
}

int64_t Wrap(uint64_t value) { return static_cast<int64_t>(value); }

Value Add(std::span<const Value> args, CallContext&) {
    uint64_t sum = 0;
    for (const Value& arg : args) {
        sum += static_cast<uint64_t>(ToInt(arg));
    }
    return Value::Int(Wrap(sum));
}
Value AddOne(std::span<const Value> args, CallContext&) {
    return Value::Int(Wrap(static_cast<uint64_t>(ToInt(args[0])) + 1));
}
Value Sub(std::span<const Value> args, CallContext&) {
    return Value::Int(Wrap(static_cast<uint64_t>(ToInt(args[0])) - static_cast<uint64_t>(ToInt(args[1]))));
}
Value Mul(std::span<const Value> args, CallContext&) {
    auto product = static_cast<uint64_t>(ToInt(args[0]));
    for (const Value& arg : args.subspan(1)) {
        product *= static_cast<uint64_t>(ToInt(arg));
    }
    return Value::Int(Wrap(product));
}
Value Div(std::span<const Value> args, CallContext&) {
    const int64_t a = ToInt(args[0]);
    const int64_t b = ToInt(args[1]);
    if (b == 0) {
        return Value::Error("runtime error: integer divide by zero");
    }
    return Value::Int(b == -1 ? Wrap(0 - static_cast<uint64_t>(a)) : a / b);
}
Value Mod(std::span<const Value> args, CallContext&) {
    const int64_t b = ToInt(args[1]);
    if (b == 0) {
        return Value::Error("runtime error: integer divide by zero");
    }
    return Value::Int(b == -1 ? 0 : ToInt(args[0]) % b);
}
Value Max(std::span<const Value> args, CallContext&) {
    int64_t best = ToInt(args[0]);
    for (const Value& arg : args) {
        best = std::max(best, ToInt(arg));
    }
    return Value::Int(best);
}
Value Min(std::span<const Value> args, CallContext&) {
    int64_t best = ToInt(args[0]);
    for (const Value& arg : args) {
        best = std::min(best, ToInt(arg));
    }
    return Value::Int(best);
}
// Decimal arithmetic as people expect it: the result rounded to 15 significant digits, so that 0.1 + 0.2 is
// 0.3.
Value Decimal(double value) {
    if (!std::isfinite(value)) {
        return Value::Double(value);
    }
    const std::string text = fmt::format("{:.15g}", value);
    double out = value;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return Value::Double(out);
}
template <typename Combine>
Value Fold(std::span<const Value> args, Combine combine) {
    double out = ToDouble(args[0]);
    for (const Value& arg : args.subspan(1)) {
        out = combine(out, ToDouble(arg));
    }
    return Decimal(out);
}
Value AddFloat(std::span<const Value> args, CallContext&) {
    return Fold(args, [](double a, double b) { return a + b; });
}
Value SubFloat(std::span<const Value> args, CallContext&) {
    return Fold(args, [](double a, double b) { return a - b; });
}
Value MulFloat(std::span<const Value> args, CallContext&) {
    return Fold(args, [](double a, double b) { return a * b; });
}
Value DivFloat(std::span<const Value> args, CallContext&) {
    for (const Value& arg : args.subspan(1)) {
        if (ToDouble(arg) == 0) {
            return Value::Error("decimal division by 0");
        }
    }
    return Fold(args, [](double a, double b) { return a / b; });
}
Value Floor(std::span<const Value> args, CallContext&) {
    return Value::Double(std::floor(ToDouble(args[0])));
}
Value Ceil(std::span<const Value> args, CallContext&) { return Value::Double(std::ceil(ToDouble(args[0]))); }
Value Round(std::span<const Value> args, CallContext&) {
    const double scale = std::pow(10.0, static_cast<double>(ToInt(args[1])));
    const double up = args.size() > 2 ? ToDouble(args[2]) : 0.5;
    const double value = ToDouble(args[0]) * scale;
    const double whole = std::trunc(value);
    const double fraction = std::fabs(value - whole);
    return Value::Double((fraction >= up ? whole + std::copysign(1.0, value) : whole) / scale);
}
Value AddOneFloat(std::span<const Value> args, CallContext&) { return Decimal(ToDouble(args[0]) + 1); }
Value MaxFloat(std::span<const Value> args, CallContext&) {
    return Fold(args, [](double a, double b) { return std::fmax(a, b); });
}
Value MinFloat(std::span<const Value> args, CallContext&) {
    return Fold(args, [](double a, double b) { return std::fmin(a, b); });
}

// Whole numbers from `start` to before `stop`.
Value Numbers(int64_t start, int64_t stop, int64_t step, CallContext& ctx) {
    const bool up = step > 0;
    if (step == 0 || (up ? start >= stop : start <= stop)) {
        return Value::Array({});
    }
    const uint64_t span = up ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                             : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
    const uint64_t stride = up ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    const uint64_t count = (span - 1) / stride + 1;
    if (count > ctx.max_bytes / sizeof(Value)) {
        return Value::Error("the result is too large");
    }
    Value* items = ctx.arena.AllocateArray<Value>(count);
    for (uint64_t i = 0; i < count; ++i) {
        items[i] = Value::Int(Wrap(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step)));
    }
    return Value::Array({items, count});
}
Value Until(std::span<const Value> args, CallContext& ctx) {
    const int64_t stop = args[0].as_int();
    return Numbers(0, stop, stop < 0 ? -1 : 1, ctx);
}
Value UntilStep(std::span<const Value> args, CallContext& ctx) {
    return Numbers(args[0].as_int(), args[1].as_int(), args[2].as_int(), ctx);
}
// seq LAST, seq FIRST LAST, seq FIRST STEP LAST: as the command of that name, numbers with spaces between.
Value Sequence(std::span<const Value> args, CallContext& ctx) {
    if (args.empty() || args.size() > 3) {
        return Value::String("");
    }
    const int64_t first = args.size() > 1 ? args[0].as_int() : 1;
    const int64_t last = args.back().as_int();
    const int64_t step = args.size() == 3 ? args[1].as_int() : last < first ? -1 : 1;
    if (last == INT64_MAX || last == INT64_MIN) {
        return Value::Error("the result is too large");
    }
    const Value numbers = Numbers(first, step < 0 ? last - 1 : last + 1, step, ctx);
    if (numbers.is_error()) {
        return numbers;
    }
    std::string out;
    for (const Value& number : numbers.items()) {
        fmt::format_to(std::back_inserter(out), "{}{}", out.empty() ? "" : " ", number.as_int());
    }
    return MakeText(ctx, out);
}

Value Int(std::span<const Value> args, CallContext&) { return Value::Int(ToInt(args[0])); }
Value Float64(std::span<const Value> args, CallContext&) { return Value::Double(ToDouble(args[0])); }

constexpr Function kFunctions[] = {
    {"add", "a*", Add},
    {"add1", "a", AddOne},
    {"sub", "aa", Sub},
    {"mul", "aa*", Mul},
    {"div", "aa", Div},
    {"mod", "aa", Mod},
    {"max", "aa*", Max},
    {"min", "aa*", Min},
    {"biggest", "aa*", Max},
    {"addf", "aa*", AddFloat},
    {"subf", "aa*", SubFloat},
    {"mulf", "aa*", MulFloat},
    {"divf", "aa*", DivFloat},
    {"floor", "a", Floor},
    {"ceil", "a", Ceil},
    {"round", "aia*", Round},
    {"int", "a", Int},
    {"int64", "a", Int},
    {"atoi", "s", Int},
    {"float64", "a", Float64},
    {"add1f", "a", AddOneFloat},
    {"maxf", "aa*", MaxFloat},
    {"minf", "aa*", MinFloat},
    {"until", "i", Until},
    {"untilStep", "iii", UntilStep},
    {"seq", "i*", Sequence},
};

}  // namespace

std::span<const Function> NumberFunctions() { return kFunctions; }

}  // namespace haumea::text_template
