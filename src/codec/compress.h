#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

struct CompressorOptions {
    // zlib, gzip, flate: 0 (store) to 9; zstd: 1 to 22. Empty: that of the library (6, zstd 3).
    std::optional<int64_t> level;
    // zstd: a power of two; 0: what suits the level. Messages that are smaller need less.
    int64_t window_bytes = 0;
};
// Names an unknown algorithm, or a level that it does not have.
Result<std::unique_ptr<Compressor>> MakeCompressor(std::string_view algorithm,
                                                   const CompressorOptions& options = {});

// The way back. Owned by one source; one thread.
class Decompressor {
  public:
    virtual ~Decompressor() = default;
    // Appends at most `max_bytes`; more, a broken or a truncated stream is an error, and `out` is as it was.
    // Gzip members and zstd frames that follow each other are one message.
    virtual bool Decompress(std::string_view compressed, size_t max_bytes, BufferBuilder& out,
                            std::string& error) noexcept = 0;
};
Result<std::unique_ptr<Decompressor>> MakeDecompressor(std::string_view algorithm);

}  // namespace haumea::codec
