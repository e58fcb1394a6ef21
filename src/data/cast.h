#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "data/value.h"

namespace haumea {

// How far a conversion may go.
enum class Casting : uint8_t {
    kStrict,    // the type itself; a float counts as an integer when it is whole
    kSameKind,  // any number for a number (fractions are cut), else the type itself: schema validation
    kAll        // also texts, booleans and bytes: cast(), DEFAULT
};

// Empty when the conversion does not apply; then ConversionError() is the text. Null converts to nothing.
std::optional<int64_t> ToInt(const Value& value, Casting casting) noexcept;
std::optional<double> ToDouble(const Value& value, Casting casting) noexcept;
std::optional<bool> ToBool(const Value& value, Casting casting) noexcept;
// kAll renders everything; numbers never get an exponent, bytes are taken as they are, arrays print as `[1
// 2]`.
std::optional<std::string_view> ToText(const Value& value, Casting casting, Arena& arena) noexcept;
// Bytes; a string is decoded as base64 when it is base64, else taken as it is.
std::optional<std::string_view> ToBytes(const Value& value, Arena& arena) noexcept;
// A datetime value, a number of milliseconds since 1970, or a text (see ParseDatetime). kError with the
// reason otherwise. Numbers and texts without zone are shown in the default zone.
Value ToDatetime(const Value& value, Arena& arena) noexcept;

// One of kBool, kInt, kDouble, kString, kBytes, kDatetime. Null stays null; a failure is kError with the text
// that cast() shows.
Value CastTo(const Value& value, Type target, Casting casting, Arena& arena) noexcept;
// The word of CREATE STREAM and cast(): bigint, float, string, boolean, datetime, bytea. Empty for any other.
std::optional<Type> ParseTypeName(std::string_view name) noexcept;

// `cannot convert string(abc) to int`
std::string ConversionError(const Value& value, std::string_view target);

// Text forms on their own. Whole text or nothing.
// Optional sign; 0x, 0o, 0b or 0 choose the base; single underscores between digits.
std::optional<int64_t> ParseGoInt(std::string_view text) noexcept;
// Decimal and hexadecimal floats, inf, infinity, nan in any case; single underscores between digits.
std::optional<double> ParseGoFloat(std::string_view text) noexcept;
// 1 t T TRUE true True 0 f F FALSE false False
std::optional<bool> ParseGoBool(std::string_view text) noexcept;

// Standard alphabet with padding; line breaks are skipped. Empty when it is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);
std::string EncodeBase64(std::string_view bytes);

}  // namespace haumea
