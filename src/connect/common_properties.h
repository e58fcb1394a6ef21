#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/compress.h"
#include "codec/encoder.h"
#include "config/node.h"
#include "connect/cache_stage.h"
#include "connect/properties.h"
#include "connect/transform.h"

namespace haumea::connect {

// The properties that every sink has, read and checked.
struct CommonProperties {
    TransformOptions transform;
    codec::EncoderOptions encoder;
    std::optional<bool> send_error;  // empty: as the rule
    int64_t batch_size = 0;
    int64_t linger_ms = 0;
    bool batch_header = true;  // delimited batches have a header line unless hasHeader is given as false
    std::string compression;
    codec::CompressorOptions compressor;
    std::string encryption;
    std::string cipher_mode = "gcm";
    std::string cipher_iv;   // bytes
    std::string cipher_aad;  // bytes
    int64_t cipher_tag_size = 16;
    // Negative: not given.
    int64_t buffer_length = -1;
    bool enable_cache = false;
    CacheSettings cache;                 // but for the file
    std::string resend_indicator_field;  // empty: none
    std::string resend_destination;      // empty: where all goes

    bool batches() const { return batch_size > 0 || linger_ms > 0; }
};

std::span<const PropertyDoc> CommonPropertyDocs();
// Of every source, beside those of decoding (decode_properties.h).
std::span<const PropertyDoc> CommonSourcePropertyDocs();
Result<CommonProperties> ReadCommonProperties(const config::Node& props);

}  // namespace haumea::connect
