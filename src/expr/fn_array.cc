#include <algorithm>
#include <functional>
#include <random>
#include <unordered_set>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

constexpr std::string_view kFirstNoArray = "first argument should be array of interface{}";
constexpr std::string_view kSecondNoArray = "second argument should be array of interface{}";

// Points to values that outlive it.
using ValueSet = std::unordered_set<const Value*, DeepHasher, DeepEqualTo>;

ValueSet SetOf(std::span<const Value> items) {
    ValueSet set;
    set.reserve(items.size());
    for (const Value& item : items) {
        set.insert(&item);
    }
    return set;
}

bool Contains(std::span<const Value> items, const Value& wanted) noexcept {
    return std::any_of(items.begin(), items.end(),
                       [&](const Value& item) { return DeepEquals(item, wanted); });
}

Value Position(Args args, FunctionContext&) noexcept {
    if (!args[0].is_array()) {
        return args[0].is_null() ? Value::Int(-1) : Value::Error(kFirstNoArray);
    }
    const auto items = args[0].items();
    for (size_t i = 0; i < items.size(); ++i) {
        if (DeepEquals(items[i], args[1])) {
            return Value::Int(static_cast<int64_t>(i));
        }
    }
    return Value::Int(-1);
}

Value LastPosition(Args args, FunctionContext&) noexcept {
    if (!args[0].is_array()) {
        return args[0].is_null() ? Value::Int(-1) : Value::Error(kFirstNoArray);
    }
    for (size_t i = args[0].size(); i > 0; --i) {
        if (DeepEquals(args[0].items()[i - 1], args[1])) {
            return Value::Int(static_cast<int64_t>(i) - 1);
        }
    }
    return Value::Int(-1);
}

Value ArrayContains(Args args, FunctionContext&) noexcept {
    if (!args[0].is_array()) {
        return args[0].is_null() ? Value::Null() : Value::Error(kFirstNoArray);
    }
    return Value::Bool(Contains(args[0].items(), args[1]));
}

Value ContainsAny(Args args, FunctionContext&) noexcept {
    if (!args[0].is_array()) {
        return args[0].is_null() ? Value::Bool(false) : Value::Error(kFirstNoArray);
    }
    if (!args[1].is_array()) {
        return Value::Error(kSecondNoArray);
    }
    const ValueSet wanted = SetOf(args[1].items());
    const auto items = args[0].items();
    return Value::Bool(
        std::any_of(items.begin(), items.end(), [&](const Value& item) { return wanted.contains(&item); }));
}

Value Remove(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return args[0].is_null() ? Value::Null() : Value::Error(kFirstNoArray);
    }
    ArrayResult result(ctx, args[0].size());
    for (const Value& item : args[0].items()) {
        if (!DeepEquals(item, args[1])) {
            result.Add(item);
        }
    }
    return result.Finish();
}

Value ElementAt(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_object()) {
        if (!args[1].is_string()) {
            return Value::Error("second argument should be string");
        }
        const Value found = args[0].Get(args[1].text());
        return found.is_missing() ? Value::Null() : found;
    }
    if (!args[0].is_array()) {
        return Value::Error("first argument should be []interface{} or map[string]interface{}");
    }
    const std::optional<int64_t> written = ToInt(args[1], Casting::kStrict);
    if (!written) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[1], "int")));
    }
    const auto size = static_cast<int64_t>(args[0].size());
    const int64_t index = *written < 0 && *written >= -size ? *written + size : *written;
    return index < 0 || index >= size ? Value::Error("index out of range")
                                      : args[0].items()[static_cast<size_t>(index)];
}

// Adds what `set` has not seen yet.
void AddNew(std::span<const Value> items, ValueSet& seen, ArrayResult& result) {
    for (const Value& item : items) {
        if (seen.insert(&item).second) {
            result.Add(item);
        }
    }
}

Value BothArrays(Args args) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    return args[1].is_array() ? Value::Null() : Value::Error(kSecondNoArray);
}

Value Intersect(Args args, FunctionContext& ctx) noexcept {
    if (const Value error = BothArrays(args); error.is_error()) {
        return error;
    }
    const ValueSet first = SetOf(args[0].items());
    ValueSet seen;
    ArrayResult result(ctx, args[1].size());
    for (const Value& item : args[1].items()) {
        if (first.contains(&item) && seen.insert(&item).second) {
            result.Add(item);
        }
    }
    return result.Finish();
}

Value Union(Args args, FunctionContext& ctx) noexcept {
    for (size_t i = 0; i < 2; ++i) {
        if (!args[i].is_array() && !args[i].is_null()) {
            return Value::Error(i == 0 ? kFirstNoArray : kSecondNoArray);
        }
    }
    const std::span<const Value> first = args[0].is_array() ? args[0].items() : std::span<const Value>();
    const std::span<const Value> second = args[1].is_array() ? args[1].items() : std::span<const Value>();
    ArrayResult result(ctx, first.size() + second.size());
    ValueSet seen;
    AddNew(first, seen, result);
    AddNew(second, seen, result);
    return result.Finish();
}

Value Except(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Null();
    }
    if (!args[0].is_array() || !(args[1].is_array() || args[1].is_null())) {
        return Value::Error(args[0].is_array() ? kSecondNoArray : kFirstNoArray);
    }
    ValueSet seen = args[1].is_array() ? SetOf(args[1].items()) : ValueSet();
    ArrayResult result(ctx, args[0].size());
    AddNew(args[0].items(), seen, result);
    return result.Finish();
}

Value Cardinality(Args args, FunctionContext&) noexcept {
    return Value::Int(args[0].is_array() ? args[0].size() : 0);
}

Value ArrayCardinality(Args args, FunctionContext&) noexcept {
    if (!args[0].is_array()) {
        return CountsAsNull(args[0]) ? Value::Int(0) : Value::Error(kFirstNoArray);
    }
    const auto items = args[0].items();
    return Value::Int(std::count_if(items.begin(), items.end(), [](const Value& v) { return !v.is_null(); }));
}

Value Distinct(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    ValueSet seen;
    ArrayResult result(ctx, args[0].size());
    AddNew(args[0].items(), seen, result);
    return result.Finish();
}

// Numbers by value come first, then everything else by its text.
bool SortsBefore(const Value& a, const Value& b) {
    if (a.is_number() != b.is_number()) {
        return a.is_number();
    }
    if (a.type() == Type::kInt && b.type() == Type::kInt) {
        return a.as_int() < b.as_int();
    }
    if (a.is_number()) {
        // NaN behind all numbers keeps the order strict.
        return a.number() < b.number() || (a.number() == a.number() && b.number() != b.number());
    }
    return a.is_string() && b.is_string() ? a.text() < b.text() : GoText(a) < GoText(b);
}

Value Sort(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error("array elements should be array");
    }
    const size_t size = args[0].size();
    auto* items = ctx.arena.AllocateArray<Value>(size);
    std::copy_n(args[0].items().data(), size, items);
    std::stable_sort(items, items + size, SortsBefore);
    return Value::Array({items, size});
}

Value Shuffle(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array()) {
        return Value::Error(kFirstNoArray);
    }
    thread_local std::mt19937_64 engine{std::random_device{}()};
    const size_t size = args[0].size();
    auto* items = ctx.arena.AllocateArray<Value>(size);
    std::copy_n(args[0].items().data(), size, items);
    std::shuffle(items, items + size, engine);
    return Value::Array({items, size});
}

struct Entry {
    std::string_view name;
    int arity;
    NullRule null_rule;
    ScalarFunction function;
    std::string_view signature;
    std::string_view doc;
    std::string_view example;
    std::string_view result;
    bool pure = true;
};
constexpr NullRule kPass = NullRule::kPass;
constexpr NullRule kNull = NullRule::kNullIfAny;

constexpr Entry kEntries[] = {
    {"array_position", 2, kPass, Position, "array_position(array, x)",
     "Index of the first x, from 0; -1 when there is none.", "array_position(array_create(1, 2), 2)", "1"},
    {"array_last_position", 2, kPass, LastPosition, "array_last_position(array, x)",
     "Index of the last x, from 0; -1 when there is none.", "array_last_position(array_create(1, 2, 1), 1)",
     "2"},
    {"array_contains", 2, kPass, ArrayContains, "array_contains(array, x)",
     "Whether x is in the array; null for a null array.", "array_contains(array_create(1, 2), 2.0)", "true"},
    {"array_contains_any", 2, kPass, ContainsAny, "array_contains_any(a, b)",
     "Whether an element of b is in a.", "array_contains_any(array_create(1, 2), array_create(2, 3))",
     "true"},
    {"array_remove", 2, kPass, Remove, "array_remove(array, x)", "The array without any x.",
     "array_remove(array_create(1, 2, 1), 1)", "[2]"},
    {"element_at", 2, kNull, OrNull<ElementAt>, "element_at(array|object, index|key)",
     "An element by index, negative from the end, or a member by key.", "element_at(array_create(1, 2), -1)",
     "2"},
    {"array_intersect", 2, kNull, OrNull<Intersect>, "array_intersect(a, b)",
     "The distinct elements of b that are in a too.",
     "array_intersect(array_create(1, 2), array_create(2, 3))", "[2]"},
    {"array_union", 2, kPass, Union, "array_union(a, b)", "The distinct elements of both.",
     "array_union(array_create(1, 2), array_create(2, 3))", "[1,2,3]"},
    {"array_except", 2, kPass, Except, "array_except(a, b)", "The distinct elements of a that are not in b.",
     "array_except(array_create(1, 2), array_create(2, 3))", "[1]"},
    {"array_cardinality", 1, kPass, ArrayCardinality, "array_cardinality(array)",
     "How many elements are not null.", "array_cardinality(array_create(1, 2))", "2"},
    {"cardinality", 1, kPass, Cardinality, "cardinality(array)",
     "How many elements there are; 0 for what is no array.", "cardinality(array_create(1, 2))", "2"},
    {"array_distinct", 1, kNull, OrNull<Distinct>, "array_distinct(array)",
     "The elements without repetitions.", "array_distinct(array_create(1, 2, 1))", "[1,2]"},
    {"array_sort", 1, kNull, OrNull<Sort>, "array_sort(array)", "Numbers by value, then all else by text.",
     "array_sort(array_create(10, 9, \"b\", \"a\"))", "[9,10,\"a\",\"b\"]"},
    {"array_shuffle", 1, kNull, OrNull<Shuffle>, "array_shuffle(array)", "The elements in random order.", "",
     "", false}};

}  // namespace

void AddArrayFunctions(FunctionRegistry& r) {
    for (const Entry& entry : kEntries) {
        r.Add({.name = entry.name,
               .family = "array",
               .signature = entry.signature,
               .doc = entry.doc,
               .example = entry.example,
               .example_result = entry.result,
               .min_args = entry.arity,
               .max_args = entry.arity,
               .null_rule = entry.null_rule,
               .pure = entry.pure,
               .scalar = entry.function});
    }
}

}  // namespace haumea::expr
