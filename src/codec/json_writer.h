#pragma once

#include <string>
#include <string_view>

#include "data/buffer.h"
#include "data/value.h"

namespace haumea::codec {

// Appends `value` as JSON: object members in the order they have (sorted by key), missing ones left out,
// numbers shortest, datetimes as RFC 3339, bytes as base64. False for NaN and the infinities, which JSON has
// not: `error` is `json: unsupported value: NaN`; and for arrays and objects that make the output longer than
// kMaxJsonBytes.
inline constexpr size_t kMaxJsonBytes = size_t{256} << 20U;
bool WriteJson(const Value& value, BufferBuilder& out, std::string& error) noexcept;

// `text` in quotes: < > & U+2028 U+2029 as \u escapes, so that the output may stand in HTML and JavaScript;
// bytes that are no UTF-8 as U+FFFD.
void WriteJsonString(std::string_view text, BufferBuilder& out) noexcept;

}  // namespace haumea::codec
