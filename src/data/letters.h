#pragma once

#include <string_view>

#include "expr/fn_support.h"

namespace haumea::expr {

// Case of characters by the simple (one to one) mappings of Unicode for Latin, Greek, Cyrillic, Armenian,
// Georgian and full-width letters; others stay.
Value ToLowerCase(std::string_view text, FunctionContext& ctx) noexcept;
Value ToUpperCase(std::string_view text, FunctionContext& ctx) noexcept;

// Without white space (Unicode property White_Space) at the ends.
std::string_view TrimSpace(std::string_view text, bool left, bool right) noexcept;

}  // namespace haumea::expr
