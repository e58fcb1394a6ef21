#pragma once

#include <string>
#include <string_view>

#include "base/arena.h"
#include "data/value.h"

namespace haumea {

// The text of a value as Go prints it with %v; what concat(), group keys, delimited output and error texts
// show: `1e+06`, `[1 a <nil>]`, `map[a:1 b:2]`, `<nil>`, bytes as `[72 105]`.
void AppendGoText(std::string& out, const Value& value);
std::string GoText(const Value& value);
// Into the arena; a string value is returned as it is.
std::string_view GoText(const Value& value, Arena& arena) noexcept;

// "int64", "float64", "string", "bool", "time.Time", "[]uint8", "[]interface {}", "map[string]interface {}",
// "<nil>".
std::string_view GoTypeName(Type type) noexcept;

// Value with its type for error texts: `int64(1)`, `string(abc)`, `<nil>(<nil>)`. Long texts are cut.
std::string GoTyped(const Value& value);

}  // namespace haumea
