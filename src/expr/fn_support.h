#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data/cast.h"
#include "data/go_format.h"
#include "data/letters.h"
#include "expr/function.h"

// What the function families share. Every function is free of state, noexcept, and runs on the home loop of
// its rule.
namespace haumea::expr {

// No result is larger than this; what would be is an error.
inline constexpr size_t kMaxResultBytes = size_t{16} << 20U;
inline constexpr size_t kMaxResultItems = 1'000'000;

using Args = std::span<const Value>;
using Columns = std::span<const std::span<const Value>>;

template <typename... T>
Value ErrorOf(FunctionContext& ctx, fmt::format_string<T...> format, T&&... args) {
    return Value::Error(ctx.arena.Copy(fmt::format(format, std::forward<T>(args)...)));
}

inline bool CountsAsNull(const Value& value) noexcept {
    return value.is_null() || ((value.is_array() || value.is_object()) && value.size() == 0);
}

// The null rule of most functions, whoever calls them: null when an argument is null or an empty array or
// object.
template <ScalarFunction F>
Value OrNull(Args args, FunctionContext& ctx) noexcept {
    for (const Value& arg : args) {
        if (CountsAsNull(arg)) {
            return Value::Null();
        }
    }
    return F(args, ctx);
}

inline Value StringResult(FunctionContext& ctx, std::string_view text) noexcept {
    return Value::String(ctx.arena.Copy(text));
}

// Collects the items of an array result in the arena; the number is known before.
class ArrayResult {
  public:
    ArrayResult(FunctionContext& ctx, size_t capacity) : items_(ctx.arena.AllocateArray<Value>(capacity)) {}
    void Add(const Value& value) noexcept { items_[size_++] = value; }
    size_t size() const noexcept { return size_; }
    std::span<const Value> items() const noexcept { return {items_, size_}; }
    Value Finish() const noexcept { return Value::Array(items()); }

  private:
    Value* items_;
    size_t size_ = 0;
};

// Collects the members of an object result; later ones win.
class ObjectResult {
  public:
    ObjectResult(FunctionContext& ctx, size_t capacity) : fields_(ctx.arena.AllocateArray<Field>(capacity)) {}
    void Add(std::string_view key, const Value& value) noexcept {
        fields_[size_++] = {key, value.is_missing() ? Value::Null() : value};
    }
    size_t size() const noexcept { return size_; }
    Value Finish() noexcept {
        size_ = SortFields({fields_, size_});
        return Value::Object({fields_, size_});
    }

  private:
    Field* fields_;
    size_t size_ = 0;
};

// Checks of literal arguments by position; columns and calls always pass.
// n: number, i: integer, s: string, b: boolean, d: nothing literal (datetime), '.': anything.
std::string CheckKinds(const sql::CallExpr& call, std::string_view kinds);
template <char... kKinds>
std::string Kinds(const sql::CallExpr& call) {
    static constexpr char kText[] = {kKinds...};
    return CheckKinds(call, {kText, sizeof(kText)});
}
// `At least ...` for concat and its like; empty when there is an argument.
std::string CheckNotEmpty(const sql::CallExpr& call);

void AddMathFunctions(FunctionRegistry& registry);
void AddBitFunctions(FunctionRegistry& registry);
void AddStringFunctions(FunctionRegistry& registry);
void AddPatternFunctions(FunctionRegistry& registry);
void AddNumberFormatFunctions(FunctionRegistry& registry);
void AddConversionFunctions(FunctionRegistry& registry);
void AddHashFunctions(FunctionRegistry& registry);
void AddCompressionFunctions(FunctionRegistry& registry);
void AddDatetimeFunctions(FunctionRegistry& registry);
void AddClockFunctions(FunctionRegistry& registry);
void AddArrayFunctions(FunctionRegistry& registry);
void AddArrayMakers(FunctionRegistry& registry);
void AddObjectFunctions(FunctionRegistry& registry);
void AddJsonFunctions(FunctionRegistry& registry);
void AddMiscFunctions(FunctionRegistry& registry);
void AddAnalyticFunctions(FunctionRegistry& registry);
void AddBuiltinForms(FunctionRegistry& registry);
void AddBasicAggregates(FunctionRegistry& registry);
void AddStatisticAggregates(FunctionRegistry& registry);
void AddRowAggregates(FunctionRegistry& registry);

}  // namespace haumea::expr
