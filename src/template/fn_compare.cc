#include <fmt/core.h>

#include <compare>

#include "data/go_format.h"
#include "template/function.h"

// Comparison and access: the builtin functions of text/template.
namespace haumea::text_template {
namespace {

enum class Basic : uint8_t { kBool, kInt, kFloat, kString, kNone };

Basic Kind(const Value& value) {
    switch (value.type()) {
        case Type::kBool:
            return Basic::kBool;
        case Type::kInt:
            return Basic::kInt;
        case Type::kDouble:
            return Basic::kFloat;
        case Type::kString:
            return Basic::kString;
        default:
            return Basic::kNone;
    }
}

bool EqualBasic(const Value& a, const Value& b) {
    switch (Kind(a)) {
        case Basic::kBool:
            return a.as_bool() == b.as_bool();
        case Basic::kInt:
            return a.as_int() == b.as_int();
        case Basic::kFloat:
            return a.as_double() == b.as_double();
        case Basic::kString:
            return a.text() == b.text();
        case Basic::kNone:
            break;
    }
    return false;
}

// kBool, or the error.
Value Equal(const Value& a, const Value& b, CallContext& ctx) {
    const Basic kind = Kind(a);
    if (kind != Kind(b)) {
        return a.is_null() || b.is_null() ? Value::Bool(false)
                                          : Value::Error("incompatible types for comparison");
    }
    if (kind != Basic::kNone) {
        return Value::Bool(EqualBasic(a, b));
    }
    if (a.is_null() || b.is_null()) {
        return Value::Bool(a.is_null() && b.is_null());
    }
    if (a.type() == Type::kDatetime && b.type() == Type::kDatetime) {
        return Value::Bool(a.epoch_ns() == b.epoch_ns() && a.zone() == b.zone());
    }
    return MakeError(ctx, fmt::format("non-comparable type {}: {}", GoTypeName(a), GoText(a)));
}

Value Eq(std::span<const Value> args, CallContext& ctx) {
    if (args.size() < 2) {
        return Value::Error("missing argument for comparison");
    }
    for (const Value& candidate : args.subspan(1)) {
        const Value same = Equal(args[0], candidate, ctx);
        if (same.is_error() || same.as_bool()) {
            return same;
        }
    }
    return Value::Bool(false);
}

Value Ne(std::span<const Value> args, CallContext& ctx) {
    const Value same = Equal(args[0], args[1], ctx);
    return same.is_error() ? same : Value::Bool(!same.as_bool());
}

// -1, 0, 1 as kInt, or the error; NaN is unordered (2).
Value Order(const Value& a, const Value& b) {
    const Basic kind = Kind(a);
    if (kind == Basic::kNone || Kind(b) == Basic::kNone) {
        return Value::Error("invalid type for comparison");
    }
    if (kind != Kind(b)) {
        return Value::Error("incompatible types for comparison");
    }
    if (kind == Basic::kBool) {
        return Value::Error("invalid type for comparison");
    }
    const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2; };
    switch (kind) {
        case Basic::kInt:
            return Value::Int(sign(a.as_int(), b.as_int()));
        case Basic::kFloat:
            return Value::Int(sign(a.as_double(), b.as_double()));
        default:
            return Value::Int(sign(a.text(), b.text()));
    }
}

Value Lt(std::span<const Value> args, CallContext&) {
    const Value order = Order(args[0], args[1]);
    return order.is_error() ? order : Value::Bool(order.as_int() == -1);
}
Value Le(std::span<const Value> args, CallContext&) {
    const Value order = Order(args[0], args[1]);
    return order.is_error() ? order : Value::Bool(order.as_int() <= 0);
}
Value Gt(std::span<const Value> args, CallContext&) {
    const Value order = Order(args[0], args[1]);
    return order.is_error() ? order : Value::Bool(order.as_int() == 1);
}
Value Ge(std::span<const Value> args, CallContext&) {
    const Value order = Order(args[0], args[1]);
    return order.is_error() ? order : Value::Bool(order.as_int() == 0 || order.as_int() == 1);
}
Value Not(std::span<const Value> args, CallContext&) { return Value::Bool(!Truth(args[0])); }

Value Len(std::span<const Value> args, CallContext& ctx) {
    switch (args[0].type()) {
        case Type::kString:
        case Type::kBytes:
        case Type::kArray:
        case Type::kObject:
            return Value::Int(args[0].size());
        case Type::kMissing:
        case Type::kNull:
            return Value::Error("len of nil pointer");
        default:
            return MakeError(ctx, fmt::format("len of type {}", GoTypeName(args[0])));
    }
}

Value IndexOne(const Value& base, const Value& key, CallContext& ctx) {
    if (base.is_object()) {
        if (!key.is_string()) {
            return MakeError(ctx, fmt::format("value has type {}; should be string", GoTypeName(key)));
        }
        const Value found = base.Get(key.text());
        return found.is_missing() ? Value::Null() : found;
    }
    if (base.is_null()) {
        return Value::Error("index of untyped nil");
    }
    if (!base.is_array() && !base.is_string() && base.type() != Type::kBytes) {
        return MakeError(ctx, fmt::format("can't index item of type {}", GoTypeName(base)));
    }
    if (key.type() != Type::kInt) {
        return MakeError(ctx, fmt::format("cannot index slice/array with type {}", GoTypeName(key)));
    }
    if (key.as_int() < 0 || key.as_int() >= static_cast<int64_t>(base.size())) {
        return MakeError(ctx, fmt::format("index out of range: {}", key.as_int()));
    }
    const auto at = static_cast<size_t>(key.as_int());
    return base.is_array() ? base.items()[at] : Value::Int(static_cast<unsigned char>(base.text()[at]));
}

Value Index(std::span<const Value> args, CallContext& ctx) {
    Value value = args[0];
    for (const Value& key : args.subspan(1)) {
        value = IndexOne(value, key, ctx);
        if (value.is_error()) {
            return value;
        }
    }
    return value;
}

Value CallNoFunction(std::span<const Value> args, CallContext& ctx) {
    return MakeError(ctx, fmt::format("non-function of type {}", args.empty() ? "nil" : GoTypeName(args[0])));
}

constexpr Function kFunctions[] = {
    {"and", "a*", nullptr},
    {"or", "a*", nullptr},
    {"not", "a", Not, Reads::kLittle},
    {"eq", "aa*", Eq},
    {"ne", "aa", Ne},
    {"lt", "aa", Lt},
    {"le", "aa", Le},
    {"gt", "aa", Gt},
    {"ge", "aa", Ge},
    {"len", "a", Len, Reads::kLittle},
    {"index", "aa*", Index, Reads::kLittle},
    {"call", "aa*", CallNoFunction, Reads::kLittle},
};

}  // namespace

std::span<const Function> ComparisonFunctions() { return kFunctions; }

}  // namespace haumea::text_template
