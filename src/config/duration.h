#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace haumea::config {

// A duration of the configuration, in milliseconds.
struct Millis {
    int64_t value = 0;
    friend bool operator==(Millis a, Millis b) = default;
};

// "10s", "1h30m", "1.5s", "-5ms", "0": Go's syntax, with the units ns us µs ms s m h. Rounded towards zero.
Result<Millis> ParseDuration(std::string_view text);
// The shortest such text: "10s", "1m30s", "100ms", "0s".
std::string FormatDuration(Millis duration);

}  // namespace haumea::config
