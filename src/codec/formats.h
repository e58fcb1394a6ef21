#pragma once

#include <memory>

#include "base/result.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

// The formats one by one; MakeDecoder and MakeEncoder choose among them.
namespace haumea::codec {

std::unique_ptr<Decoder> MakeJsonDecoder(DecoderOptions options);
std::unique_ptr<Decoder> MakeDelimitedDecoder(DecoderOptions options);
std::unique_ptr<Decoder> MakeUrlencodedDecoder(DecoderOptions options);
Result<std::unique_ptr<Decoder>> MakeBinaryDecoder(DecoderOptions options);

std::unique_ptr<Encoder> MakeJsonEncoder();
std::unique_ptr<Encoder> MakeDelimitedEncoder(const EncoderOptions& options);
std::unique_ptr<Encoder> MakeUrlencodedEncoder();
std::unique_ptr<Encoder> MakeBinaryEncoder();

}  // namespace haumea::codec
