#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haumea::sql {

// Replaces the escapes of a double-quoted Go string: \a \b \f \n \r \t \v \\ \" \xHH \ooo \uXXXX \UXXXXXXXX.
// False for any other escape, a raw newline, a bare quote or a code point that does not exist.
bool Unescape(std::string_view body, std::string& out);

// One code point, and how many bytes it takes; size 0 when the bytes are no valid UTF-8. Text is not empty.
struct CodePoint {
    uint32_t value = 0;
    size_t size = 0;
};
CodePoint DecodeUtf8(std::string_view text);

}  // namespace haumea::sql
