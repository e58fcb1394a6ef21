#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/buffer.h"

namespace haumea::codec {

// Compresses messages, each to one complete stream: zlib (RFC 1950), gzip (RFC 1952), flate (RFC 1951), zstd
// (RFC 8878, with checksum). The context is kept between messages. Owned by one action; one thread.
class Compressor {
  public:
    virtual ~Compressor() = default;
    // Appends to `out`.
    virtual bool Compress(std::string_view plain, BufferBuilder& out, std::string& error) noexcept = 0;
};
// `window_bytes` is for zstd: a power of two.
Result<std::unique_ptr<Compressor>> MakeCompressor(std::string_view algorithm,
                                                   int64_t window_bytes = 8 << 20);

// The way back. Owned by one source; one thread.
class Decompressor {
  public:
    virtual ~Decompressor() = default;
    // Appends at most `max_bytes`; more, a broken or a truncated stream is an error.
    virtual bool Decompress(std::string_view compressed, size_t max_bytes, BufferBuilder& out,
                            std::string& error) noexcept = 0;
};
Result<std::unique_ptr<Decompressor>> MakeDecompressor(std::string_view algorithm);

}  // namespace haumea::codec
