#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sql/parser.h"

namespace haumea::sql {

// The window constructs; they are syntax, not functions. Name in lower case.
std::optional<WindowType> WindowTypeOf(std::string_view name);
// dedup_trigger: a pseudo function of the select list that the parser checks itself.
inline constexpr std::string_view kDedupTrigger = "dedup_trigger";
// meta() and mqtt(): names in their arguments are keys of the metadata.
bool TakesMetaReferences(std::string_view name);

std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

}  // namespace haumea::sql
