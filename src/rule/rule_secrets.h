#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Secrets in the actions of a rule (tokens in headers, keys, passwords of proxies), as REST shows and takes
// them. Any thread.
namespace haumea::rule {

// The text of a rule with its secrets masked; byte for byte as it is when there are none or it is no rule.
std::string MaskRule(std::string_view text);
// A text that came back with masks, with what stands there in `stored` (empty: nothing is stored). Byte for
// byte as it is when it holds none. Fails on a mask for which nothing is stored, naming the property.
Result<std::string> UnmaskRule(std::string_view text, std::string_view stored);

}  // namespace haumea::rule
