#include "codec/encoder.h"

#include "codec/formats.h"

namespace haumea::codec {

Result<std::unique_ptr<Encoder>> MakeEncoder(const EncoderOptions& options) {
    if (options.format.empty() || options.format == "json") {
        return MakeJsonEncoder();
    }
    if (options.format == "delimited") {
        return MakeDelimitedEncoder(options);
    }
    if (options.format == "urlencoded") {
        return MakeUrlencodedEncoder();
    }
    if (options.format == "binary") {
        return MakeBinaryEncoder();
    }
    return Failf("format type {} not supported: use json, delimited, urlencoded or binary", options.format);
}

}  // namespace haumea::codec
