#pragma once

#include <optional>
#include <string_view>

namespace haumea::expr {

// SQL LIKE: `%` stands for any number of characters, `_` for one UTF-8 character, neither for a line feed;
// `\%`, `\_` and `\\` are the characters themselves. Case-sensitive. Linear space, no allocation. Empty when
// the two would have to be compared more than a thousand million times (|text| * |pattern| at the worst).
std::optional<bool> LikeMatch(std::string_view text, std::string_view pattern) noexcept;

}  // namespace haumea::expr
