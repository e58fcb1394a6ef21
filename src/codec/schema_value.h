#pragma once

#include <string>
#include <string_view>

#include "base/arena.h"
#include "codec/decoder.h"
#include "codec/json_reader.h"
#include "data/datetime.h"
#include "data/value.h"

namespace haumea::codec {

// Reads the next JSON value as a column of type `type`, which decides what is accepted (a bigint column
// refuses 1.0, a string column takes numbers as text). `name` is for the error text: `a has wrong
// type:string, expect:bigint`.
bool ReadTyped(JsonReader& reader, const ColumnType& type, std::string_view name, Arena& arena,
               Value& value) noexcept;

// STRICT_VALIDATION: makes `value` what the column declares, or says why it cannot be. `pattern` is the
// stream's TIMESTAMP_FORMAT, may be null.
bool ToDeclared(Value& value, const ColumnType& type, const TimePattern* pattern, Arena& arena,
                std::string& error) noexcept;

}  // namespace haumea::codec
