#pragma once

#include <string_view>

#include "base/arena.h"
#include "data/value.h"
#include "sql/ast.h"

// The binary operators of SQL on two values, with eKuiper's null rules and error texts. Pure functions.
namespace haumea::expr {

// + - * / % & | ^ = != < <= > >= AND OR (without short-circuit). Error texts live in `arena`.
Value ApplyBinary(sql::BinaryOp op, const Value& lhs, const Value& rhs, Arena& arena) noexcept;

// Three-way order of two non-null values that `<` accepts; `comparable` is false for any other pair.
struct Order {
    int sign = 0;
    bool comparable = true;
    bool unordered = false;  // NaN
};
Order Compare(const Value& lhs, const Value& rhs) noexcept;

// An error value with a copy of `text` in `arena`.
Value MakeError(std::string_view text, Arena& arena) noexcept;
// `prefix` + text of `error`.
Value PrefixError(std::string_view prefix, const Value& error, Arena& arena) noexcept;

}  // namespace haumea::expr
