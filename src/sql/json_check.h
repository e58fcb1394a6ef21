#pragma once

#include <string_view>

namespace haumea::sql {

// Whether `text` is one JSON value (RFC 8259), with at most 500 levels of nesting. Does not build it: the
// EXTRA option of a stream is kept as text. The text is known to be UTF-8.
bool IsJson(std::string_view text);

}  // namespace haumea::sql
