#pragma once

#include <string>
#include <string_view>

#include "data/value.h"
#include "template/lexer.h"

namespace haumea::text_template {

// Undoes Go's escapes; false when the text is no valid literal. `text` includes the quotes.
bool Unquote(std::string_view text, std::string& out);

// The value of a number or of a character constant ('x' is its code point). False: `error` says why.
bool ParseNumber(const Token& token, Value& out, std::string& error);

}  // namespace haumea::text_template
