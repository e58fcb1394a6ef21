#include <algorithm>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

Value Count(Columns args, FunctionContext&) noexcept {
    const auto values = args[0];
    return Value::Int(
        std::count_if(values.begin(), values.end(), [](const Value& v) { return !v.is_null(); }));
}

// Sum of numbers: exact in 64 bits (wrapping) while all are integers, else in floating point.
struct Total {
    int64_t whole = 0;
    double real = 0;
    bool is_real = false;
    int64_t count = 0;

    void Add(const Value& value) noexcept {
        ++count;
        if (value.type() == Type::kInt && !is_real) {
            whole =
                static_cast<int64_t>(static_cast<uint64_t>(whole) + static_cast<uint64_t>(value.as_int()));
            return;
        }
        if (!is_real) {
            real = static_cast<double>(whole);
            is_real = true;
        }
        real += value.number();
    }
};

Value Mismatch(const char* function, bool first, const Value& value, FunctionContext& ctx) {
    return first ? ErrorOf(ctx, "{}found invalid arg {}", function, GoTyped(value))
                 : ErrorOf(ctx, "requires float64 but found {}", GoTyped(value));
}

// Adds all non-null values; an error value when one is no number.
Value AddAll(std::span<const Value> values, const char* function, Total& total,
             FunctionContext& ctx) noexcept {
    for (const Value& value : values) {
        if (value.is_null()) {
            continue;
        }
        if (!value.is_number()) {
            return Mismatch(function, total.count == 0, value, ctx);
        }
        total.Add(value);
    }
    return Value::Null();
}

Value Sum(Columns args, FunctionContext& ctx) noexcept {
    Total total;
    const Value error = AddAll(args[0], "run sum function error: ", total, ctx);
    if (error.is_error() || total.count == 0) {
        return error;
    }
    return total.is_real ? Value::Double(total.real) : Value::Int(total.whole);
}

// The mean of integers is an integer, cut towards zero.
Value Avg(Columns args, FunctionContext& ctx) noexcept {
    Total total;
    const Value error = AddAll(args[0], "run avg function error: ", total, ctx);
    if (error.is_error() || total.count == 0) {
        return error;
    }
    return total.is_real ? Value::Double(total.real / static_cast<double>(total.count))
                         : Value::Int(total.whole / total.count);
}

template <bool kMax>
bool IsBetter(const Value& candidate, const Value& best) noexcept {
    const Value& low = kMax ? best : candidate;
    const Value& high = kMax ? candidate : best;
    if (best.is_string()) {
        return low.text() < high.text();
    }
    if (low.type() == Type::kInt && high.type() == Type::kInt) {
        return low.as_int() < high.as_int();
    }
    return low.number() < high.number();
}

template <bool kMax>
Value Extreme(std::span<const Value> values, FunctionContext& ctx) noexcept {
    Value best;
    for (const Value& value : values) {
        if (value.is_null()) {
            continue;
        }
        if (!value.is_number() && !value.is_string()) {
            return Mismatch("", best.is_null(), value, ctx);
        }
        if (best.is_null()) {
            best = value;
        } else if (best.is_string() != value.is_string()) {
            return ErrorOf(ctx, "requires {} but found {}", GoTypeName(best.type()), GoTyped(value));
        } else if (IsBetter<kMax>(value, best)) {
            best = value;
        }
    }
    return best.is_missing() ? Value::Null() : best;
}

template <bool kMax>
Value ExtremeOfColumn(Columns args, FunctionContext& ctx) noexcept {
    return Extreme<kMax>(args[0], ctx);
}

template <bool kMax>
Value ExtremeOfArray(Args args, FunctionContext& ctx) noexcept {
    return args[0].is_array() ? Extreme<kMax>(args[0].items(), ctx)
                              : Value::Error("first argument should be array of interface{}");
}

FunctionDescriptor Aggregate(std::string_view name, std::string_view signature, std::string_view doc,
                             AggregateFunction function, CheckFunction check) {
    return FixedAggregate(name, signature, doc, 1, function, check);
}

}  // namespace

void AddBasicAggregates(FunctionRegistry& r) {
    r.Add(Aggregate("count", "count(x|*)", "How many values are not null; with * how many rows.", Count,
                    nullptr));
    r.Add(Aggregate("sum", "sum(x)", "Sum of the values that are not null.", Sum, Kinds<'n'>));
    r.Add(Aggregate("avg", "avg(x)", "Mean of the values that are not null; of integers an integer.", Avg,
                    Kinds<'n'>));
    r.Add(Aggregate("max", "max(x)", "Largest number or last text.", ExtremeOfColumn<true>, Kinds<'n'>));
    r.Add(Aggregate("min", "min(x)", "Smallest number or first text.", ExtremeOfColumn<false>, Kinds<'n'>));
    r.Add({.name = "array_max",
           .family = "array",
           .signature = "array_max(array)",
           .doc = "Largest number or last text of an array.",
           .example = "array_max(array_create(1, 3, 2))",
           .example_result = "3",
           .min_args = 1,
           .max_args = 1,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<ExtremeOfArray<true>>});
    r.Add({.name = "array_min",
           .family = "array",
           .signature = "array_min(array)",
           .doc = "Smallest number or first text of an array.",
           .example = "array_min(array_create(3, 1, 2))",
           .example_result = "1",
           .min_args = 1,
           .max_args = 1,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<ExtremeOfArray<false>>});
}

}  // namespace haumea::expr
