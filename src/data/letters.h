#pragma once

#include <cstddef>
#include <string_view>

#include "base/arena.h"

namespace haumea {

// Characters of UTF-8 texts. A byte that belongs to none counts as one that has no case and is no space. Any
// thread.

// Length in bytes of the character at the front of `text` (1 for broken ones); text is not empty.
size_t FirstRuneSize(std::string_view text) noexcept;
size_t CountRunes(std::string_view text) noexcept;

// Case of characters by the simple (one to one) mappings of Unicode for Latin, Greek, Cyrillic, Armenian,
// Georgian and full-width letters; others stay. The result lives in `arena`.
std::string_view ToLowerCase(std::string_view text, Arena& arena) noexcept;
std::string_view ToUpperCase(std::string_view text, Arena& arena) noexcept;

// Is the character white space (Unicode property White_Space)?
bool IsSpaceRune(std::string_view rune) noexcept;
// Without white space at the ends.
std::string_view TrimSpace(std::string_view text, bool left, bool right) noexcept;

}  // namespace haumea
