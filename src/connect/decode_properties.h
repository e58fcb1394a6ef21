#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/delimited.h"
#include "config/node.h"
#include "connect/properties.h"

namespace haumea::connect {

// The properties that every stream has, read and checked: what happens to a message before it is rows.
struct DecodeProperties {
    std::string decompression;  // zlib, gzip, flate, zstd; empty: none
    // Of one message after decompression; more is an error of that message.
    size_t max_decompressed_bytes = size_t{16} << 20U;
    bool whole_numbers_as_int = false;
    // Delimited.
    std::string delimiter;  // empty: not given
    std::vector<std::string> fields;
    codec::Quoting quoting = codec::Quoting::kNone;
    bool has_header = false;
    std::vector<std::string> warnings;  // properties that nobody knows
};

std::span<const PropertyDoc> DecodePropertyDocs();
// `what` stands in front of errors: "stream demo".
Result<DecodeProperties> ReadDecodeProperties(const config::Node& props, std::string what);

// The property `quoting` (sources and sinks), checked together with the delimiter.
codec::Quoting ReadQuoting(PropertyReader& reader, std::string_view delimiter);

}  // namespace haumea::connect
