#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/node.h"

// Bodies of requests and stored definitions. Any thread.
namespace haumea::rule {

// Where eKuiper's handlers differ: some take the body as one document, some read the first value of a stream,
// which shows in the texts for empty and cut-off bodies (`EOF`, `unexpected EOF` instead of `unexpected end
// of JSON input`) and ignores what follows the value.
enum class JsonInput { kDocument, kStream };

// Why `text` is no JSON, in the words that clients of eKuiper match on: `invalid character 'x' looking for
// beginning of value`. Empty when the syntax is fine.
std::string JsonSyntaxError(std::string_view text, JsonInput input = JsonInput::kDocument);

// config::ParseJson with those texts.
Result<config::Node> ParseBody(std::string_view text, JsonInput input = JsonInput::kDocument);

}  // namespace haumea::rule
