#pragma once

#include <string_view>

#include "base/arena.h"

namespace haumea::codec {

// Are all escapes of `raw`, the text between the quotes, ones of RFC 8259 section 7? Unpaired surrogates are.
bool AreJsonEscapesValid(std::string_view raw) noexcept;

// `raw` with its escapes resolved, in `arena`. The escapes are valid. An unpaired surrogate has no UTF-8
// form: its escape stays as it is written (`\ud83d`).
std::string_view UnescapeJson(std::string_view raw, Arena& arena) noexcept;

}  // namespace haumea::codec
