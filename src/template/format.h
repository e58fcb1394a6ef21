#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data/value.h"

namespace haumea::text_template {

// Go's fmt.Sprintf (pkg.go.dev/fmt): verbs v d s q x X o b c U e E f F g G t T, flags, width and precision
// (also `*`), argument indexes. Mistakes show in the text as in Go: `%!d(float64=1.5)`, `%!v(MISSING)`,
// `%!(EXTRA ...)`. Width and precision are at most 10,000.
void AppendFormat(std::string& out, std::string_view format, std::span<const Value> args);
// The %#v form: map[string]interface {}{"a":1}.
void AppendGoSyntax(std::string& out, const Value& value);
// "..." with Go's escapes; `ascii`: everything beyond ASCII as \u....
void AppendQuoted(std::string& out, std::string_view text, bool ascii);

}  // namespace haumea::text_template
