#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace haumea::rule {

// A duration as rules write them, in milliseconds: `1h30m`, `1.5s`, `-2ms`, `0`; units h m s ms us ns. Below
// a millisecond is cut off. Error: `time: unknown unit "d" in duration "1d"`. Any thread.
Result<int64_t> ParseDuration(std::string_view text);

}  // namespace haumea::rule
