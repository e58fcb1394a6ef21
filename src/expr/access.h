#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "data/value.h"

// Reading inside nested values: a[1], a[1:2], a->b. Null in, null out; the error texts are eKuiper's.
namespace haumea::expr {

// Marks the end of `a[1:]`.
inline constexpr int64_t kOpenEnd = INT32_MIN;

Value ElementAt(const Value& base, int64_t index, Arena& arena) noexcept;
Value Slice(const Value& base, int64_t start, int64_t end, Arena& arena) noexcept;
Value MemberOf(const Value& base, std::string_view key, Arena& arena) noexcept;

}  // namespace haumea::expr
