#include "codec/decoder.h"

#include "base/assert.h"
#include "codec/formats.h"

namespace haumea::codec {

Result<std::unique_ptr<Decoder>> MakeDecoder(DecoderOptions options) {
    HAUMEA_CHECK(options.layout != nullptr);
    const std::string format = options.format;
    if (format.empty() || format == "json") {
        return MakeJsonDecoder(std::move(options));
    }
    if (format == "delimited") {
        return MakeDelimitedDecoder(std::move(options));
    }
    if (format == "urlencoded") {
        return MakeUrlencodedDecoder(std::move(options));
    }
    if (format == "binary") {
        return MakeBinaryDecoder(std::move(options));
    }
    return Failf("format type {} not supported: use json, delimited, urlencoded or binary", format);
}

}  // namespace haumea::codec
