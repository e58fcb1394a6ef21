#include <algorithm>
#include <string>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

constexpr std::string_view kFirstNoArray = "first argument should be array of interface{}";

Value TooLong(FunctionContext& ctx) {
    return ErrorOf(ctx, "the result has more than {} elements", kMaxResultItems);
}

Value Create(Args args, FunctionContext& ctx) noexcept {
    ArrayResult result(ctx, args.size());
    for (const Value& value : args) {
        if (!value.is_null()) {
            result.Add(value);
        }
    }
    return result.size() == 0 && !args.empty() ? Value::Null() : result.Finish();
}

Value Flatten(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    size_t total = 0;
    for (const Value& item : args[0].items()) {
        total += item.is_array() ? item.size() : 1;
    }
    ArrayResult result(ctx, total);
    for (const Value& item : args[0].items()) {
        if (!item.is_array()) {
            result.Add(item);
            continue;
        }
        for (const Value& inner : item.items()) {
            result.Add(inner);
        }
    }
    return result.Finish();
}

Value ConcatArrays(Args args, FunctionContext& ctx) noexcept {
    size_t total = 0;
    bool any = false;
    for (const Value& value : args) {
        if (!value.is_array() && !value.is_null()) {
            return Value::Error("array elements should be array");
        }
        any |= value.is_array();
        total += value.is_array() ? value.size() : 0;
    }
    if (!any) {
        return Value::Null();
    }
    if (total > kMaxResultItems) {
        return TooLong(ctx);
    }
    ArrayResult result(ctx, total);
    for (const Value& value : args) {
        for (const Value& item : value.is_array() ? value.items() : std::span<const Value>()) {
            result.Add(item);
        }
    }
    return result.Finish();
}

Value Join(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    for (size_t i = 1; i < args.size(); ++i) {
        if (!args[i].is_string()) {
            return Value::Error(i == 1 ? "second argument should be string"
                                       : "third argument should be string");
        }
    }
    std::string out;
    bool first = true;
    for (const Value& item : args[0].items()) {
        if (item.is_null() && args.size() < 3) {
            continue;
        }
        if (!first) {
            out += args[1].text();
        }
        first = false;
        out += item.is_null() ? args[2].text() : ToText(item, Casting::kAll, ctx.arena).value_or("");
        if (out.size() > kMaxResultBytes) {
            return ErrorOf(ctx, "the result is longer than {} bytes", kMaxResultBytes);
        }
    }
    return StringResult(ctx, out);
}

// array_map: the named function with every element as its one argument.
Value Map(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_string()) {
        return Value::Error("first argument should be string");
    }
    if (!args[1].is_array()) {
        return Value::Error("second argument should be array of interface{}");
    }
    const FunctionDescriptor* function = FunctionRegistry::Builtin().Find(args[0].text());
    if (function == nullptr) {
        return ErrorOf(ctx, "unknown built-in function: {}.", args[0].text());
    }
    if (function->scalar == nullptr) {
        return Value::Error("first argument should be a scalar function.");
    }
    if (function->min_args > 1 || function->max_args == 0) {
        return ErrorOf(ctx, "function {} does not take one argument", function->name);
    }
    FunctionContext inner = ctx;
    inner.state = nullptr;
    ArrayResult result(ctx, args[1].size());
    for (const Value& item : args[1].items()) {
        const Value mapped = function->scalar({&item, 1}, inner);
        if (mapped.is_error()) {
            return mapped;
        }
        result.Add(mapped.is_missing() ? Value::Null() : mapped);
    }
    return result.Finish();
}

Value Repeat(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> count = ToInt(args[1], Casting::kStrict);
    if (!count) {
        return Value::Error("second argument should be int");
    }
    if (*count < 0 || static_cast<uint64_t>(*count) > kMaxResultItems) {
        return ErrorOf(ctx, "the count should be 0 to {} but is {}", kMaxResultItems, *count);
    }
    ArrayResult result(ctx, static_cast<size_t>(*count));
    for (int64_t i = 0; i < *count; ++i) {
        result.Add(args[0]);
    }
    return result.Finish();
}

Value Sequence(Args args, FunctionContext& ctx) noexcept {
    constexpr std::string_view kWords[] = {"first", "second", "third"};
    int64_t numbers[3] = {0, 0, 0};
    for (size_t i = 0; i < args.size(); ++i) {
        const std::optional<int64_t> number = ToInt(args[i], Casting::kStrict);
        if (!number) {
            return ErrorOf(ctx, "{} argument should be int", kWords[i]);
        }
        numbers[i] = *number;
    }
    const auto [start, stop, written] = numbers;
    const int64_t step = args.size() == 3 ? written : start <= stop ? 1 : -1;
    if (step == 0) {
        return Value::Error("invalid step: should not be zero");
    }
    if (step > 0 ? start > stop : start < stop) {
        return ArrayResult(ctx, 1).Finish();
    }
    // Unsigned: the distance may be more than an int64.
    const uint64_t distance = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                       : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
    const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    if (distance / stride >= kMaxResultItems) {
        return TooLong(ctx);
    }
    ArrayResult result(ctx, distance / stride + 1);
    for (uint64_t i = 0; i <= distance / stride; ++i) {
        result.Add(
            Value::Int(static_cast<int64_t>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step))));
    }
    return result.Finish();
}

Value PairsToObject(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    ObjectResult result(ctx, args[0].size());
    for (const Value& item : args[0].items()) {
        if (!item.is_object()) {
            return Value::Error("array item should be map[string]interface{}");
        }
        const Value key = item.Get("key");
        const Value value = item.Get("value");
        if (key.is_missing() || value.is_missing()) {
            return Value::Error("array item should be key-value pair");
        }
        if (!key.is_string()) {
            return Value::Error("key should be string");
        }
        result.Add(key.text(), value);
    }
    return result.Finish();
}

std::string CheckJoin(const sql::CallExpr& call) {
    const size_t count = call.args.size();
    return count < 2 || count > 3 ? fmt::format("Expect two or three arguments but found {}.", count) : "";
}
std::string CheckSequence(const sql::CallExpr& call) {
    const size_t count = call.args.size();
    return count < 2 || count > 3 ? fmt::format("Expect two or three arguments but found {}.", count) : "";
}

FunctionDescriptor Maker(std::string_view name, std::string_view signature, std::string_view doc,
                         int min_args, int max_args, NullRule rule, ScalarFunction function,
                         std::string_view example, std::string_view result) {
    return {.name = name,
            .family = "array",
            .signature = signature,
            .doc = doc,
            .example = example,
            .example_result = result,
            .min_args = min_args,
            .max_args = max_args,
            .null_rule = rule,
            .scalar = function};
}

}  // namespace

void AddArrayMakers(FunctionRegistry& r) {
    constexpr NullRule kNull = NullRule::kNullIfAny;
    r.Add(Maker("array_create", "array_create(x, ...)", "An array of the arguments that are not null.", 0, -1,
                NullRule::kPass, Create, R"(array_create(1, "x"))", R"([1,"x"])"));
    r.Add(Maker("array_flatten", "array_flatten(array)",
                "Puts the elements of inner arrays in their place, one level.", 1, 1, kNull, OrNull<Flatten>,
                "array_flatten(array_create(array_create(1, 2), 3))", "[1,2,3]"));
    FunctionDescriptor concat =
        Maker("array_concat", "array_concat(a, ...)", "The elements of all arrays one after the other.", 1,
              -1, NullRule::kPass, ConcatArrays, "array_concat(array_create(1), array_create(2))", "[1,2]");
    concat.check = CheckNotEmpty;
    r.Add(std::move(concat));
    FunctionDescriptor join = Maker(
        "array_join", "array_join(array, separator[, null_text])",
        "The texts of the elements with a separator between; nulls are left out without a text for them.", 2,
        3, kNull, OrNull<Join>, R"(array_join(array_create(1, 2), "-"))", R"("1-2")");
    join.check = CheckJoin;
    r.Add(std::move(join));
    FunctionDescriptor map = Maker("array_map", "array_map(function, array)",
                                   "The results of a function, given by name, for each element.", 2, 2, kNull,
                                   OrNull<Map>, R"(array_map("abs", array_create(-1, 2)))", "[1,2]");
    map.pure = false;  // the function may not be
    r.Add(std::move(map));
    r.Add(Maker("repeat", "repeat(x, n)", "An array of n times x.", 2, 2, kNull, OrNull<Repeat>,
                R"(repeat("a", 2))", R"(["a","a"])"));
    FunctionDescriptor sequence =
        Maker("sequence", "sequence(start, stop[, step])", "The whole numbers from start to stop.", 2, 3,
              kNull, OrNull<Sequence>, "sequence(1, 9, 4)", "[1,5,9]");
    sequence.check = CheckSequence;
    r.Add(std::move(sequence));
    r.Add(Maker("kvpair_array_to_obj", "kvpair_array_to_obj(array)",
                "The object of an array of objects with the members key and value.", 1, 1, kNull,
                OrNull<PairsToObject>,
                R"(kvpair_array_to_obj(array_create(object_construct("key", "q", "value", 9))))",
                R"({"q":9})"));
}

}  // namespace haumea::expr
