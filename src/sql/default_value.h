#pragma once

#include <string>

#include "base/result.h"
#include "sql/ddl.h"

namespace haumea::sql {

// The value of a DEFAULT clause, from the text of its literal, in the type of the field. Text converts as
// eKuiper's permissive cast does: integers with 0x, 0o, 0b, a leading 0 (octal) and underscores, finite
// floats, booleans as 1, t, true, ... An error for text that does not fit, and for types without DEFAULT.
Result<DefaultValue> ConvertDefault(const std::string& text, const StreamType& type);

}  // namespace haumea::sql
