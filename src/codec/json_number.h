#pragma once

#include <cstdint>
#include <string_view>

namespace haumea::codec {

// What a JSON number token says.
struct JsonNumber {
    double value = 0;       // nearest; infinite beyond the range, 0 below it
    bool is_whole = false;  // neither fraction nor exponent
};

// False unless `token` is exactly one number of RFC 8259 section 6.
bool ParseJsonNumber(std::string_view token, JsonNumber& number) noexcept;

}  // namespace haumea::codec
