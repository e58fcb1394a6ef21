#include "codec/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

namespace haumea::codec {

namespace {

constexpr int kZstdMaxWindowLog = 29;  // 512 MiB

// zlib's window bits name the wrapper: plain, +16 for gzip, negative for none.
std::optional<int> WindowBits(std::string_view algorithm) {
    if (algorithm == "zlib") {
        return MAX_WBITS;
    }
    if (algorithm == "gzip") {
        return MAX_WBITS + 16;
    }
    return algorithm == "flate" ? std::optional<int>(-MAX_WBITS) : std::nullopt;
}

// zlib counts in 32 bits.
bool Fits(std::string_view bytes, std::string& error) {
    if (bytes.size() > std::numeric_limits<uInt>::max() / 2) {
        error = "the message is too large to be compressed";
        return false;
    }
    return true;
}

Bytef* Input(std::string_view bytes) {
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));  // zlib reads only
}

class ZlibCompressor final : public Compressor {
  public:
    explicit ZlibCompressor(int window_bits) {
        ready_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8,
                              Z_DEFAULT_STRATEGY) == Z_OK;
    }
    ~ZlibCompressor() override {
        if (ready_) {
            deflateEnd(&stream_);
        }
    }
    ZlibCompressor(const ZlibCompressor&) = delete;
    ZlibCompressor& operator=(const ZlibCompressor&) = delete;

    bool Compress(std::string_view plain, BufferBuilder& out, std::string& error) noexcept override {
        if (!Fits(plain, error)) {
            return false;
        }
        if (!ready_ || deflateReset(&stream_) != Z_OK) {
            error = "cannot compress: out of memory";
            return false;
        }
        const size_t bound = deflateBound(&stream_, static_cast<uLong>(plain.size()));
        stream_.next_in = Input(plain);
        stream_.avail_in = static_cast<uInt>(plain.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.Reserve(bound));
        stream_.avail_out = static_cast<uInt>(bound);
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) {
            error = "cannot compress: zlib failed";
            return false;
        }
        out.Commit(bound - stream_.avail_out);
        return true;
    }

  private:
    z_stream stream_{};
    bool ready_ = false;
};

class ZlibDecompressor final : public Decompressor {
  public:
    explicit ZlibDecompressor(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
    ~ZlibDecompressor() override {
        if (ready_) {
            inflateEnd(&stream_);
        }
    }
    ZlibDecompressor(const ZlibDecompressor&) = delete;
    ZlibDecompressor& operator=(const ZlibDecompressor&) = delete;

    bool Decompress(std::string_view compressed, size_t max_bytes, BufferBuilder& out,
                    std::string& error) noexcept override {
        if (!Fits(compressed, error)) {
            return false;
        }
        if (!ready_ || inflateReset(&stream_) != Z_OK) {
            error = "cannot decompress: out of memory";
            return false;
        }
        stream_.next_in = Input(compressed);
        stream_.avail_in = static_cast<uInt>(compressed.size());
        size_t total = 0;
        for (;;) {
            constexpr size_t kStep = 16U << 10U;
            stream_.next_out = reinterpret_cast<Bytef*>(out.Reserve(kStep));
            stream_.avail_out = kStep;
            const int code = inflate(&stream_, Z_NO_FLUSH);
            const size_t produced = kStep - stream_.avail_out;
            out.Commit(produced);
            total += produced;
            if (total > max_bytes) {
                error = "cannot decompress: the message is larger than allowed";
                return false;
            }
            if (code == Z_STREAM_END) {
                return true;
            }
            if (code != Z_OK || (stream_.avail_in == 0 && stream_.avail_out != 0)) {
                error = stream_.msg != nullptr ? std::string("cannot decompress: ") + stream_.msg
                                               : "cannot decompress: the message is cut off";
                return false;
            }
        }
    }

  private:
    z_stream stream_{};
    bool ready_ = false;
};

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdCompressor final : public Compressor {
  public:
    explicit ZstdCompressor(int64_t window_bytes) : context_(ZSTD_createCCtx()) {
        if (context_) {
            ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
            const int log = std::countr_zero(static_cast<uint64_t>(window_bytes));
            ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, std::clamp(log, 10, kZstdMaxWindowLog));
        }
    }
    bool Compress(std::string_view plain, BufferBuilder& out, std::string& error) noexcept override {
        const size_t bound = ZSTD_compressBound(plain.size());
        const size_t size =
            context_ ? ZSTD_compress2(context_.get(), out.Reserve(bound), bound, plain.data(), plain.size())
                     : 0;
        if (!context_ || ZSTD_isError(size) != 0) {
            error = context_ ? std::string("cannot compress: ") + ZSTD_getErrorName(size)
                             : "cannot compress: out of memory";
            return false;
        }
        out.Commit(size);
        return true;
    }

  private:
    std::unique_ptr<ZSTD_CCtx, FreeZstd> context_;
};

class ZstdDecompressor final : public Decompressor {
  public:
    ZstdDecompressor() : context_(ZSTD_createDCtx()) {}
    bool Decompress(std::string_view compressed, size_t max_bytes, BufferBuilder& out,
                    std::string& error) noexcept override {
        if (!context_) {
            error = "cannot decompress: out of memory";
            return false;
        }
        ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
        ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
        size_t total = 0;
        for (;;) {
            constexpr size_t kStep = 16U << 10U;
            ZSTD_outBuffer output{out.Reserve(kStep), kStep, 0};
            const size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
            if (ZSTD_isError(left) != 0) {
                error = std::string("cannot decompress: ") + ZSTD_getErrorName(left);
                return false;
            }
            out.Commit(output.pos);
            total += output.pos;
            if (total > max_bytes) {
                error = "cannot decompress: the message is larger than allowed";
                return false;
            }
            if (left == 0) {
                return true;
            }
            if (input.pos == input.size && output.pos < kStep) {
                error = "cannot decompress: the message is cut off";
                return false;
            }
        }
    }

  private:
    std::unique_ptr<ZSTD_DCtx, FreeZstd> context_;
};

}  // namespace

Result<std::unique_ptr<Compressor>> MakeCompressor(std::string_view algorithm, int64_t window_bytes) {
    if (const auto bits = WindowBits(algorithm)) {
        return std::make_unique<ZlibCompressor>(*bits);
    }
    if (algorithm == "zstd") {
        return std::make_unique<ZstdCompressor>(window_bytes);
    }
    return Failf(
        "get compressor {0} fail with error: unsupported compressor: {0}: use zlib, gzip, flate or zstd",
        algorithm);
}

Result<std::unique_ptr<Decompressor>> MakeDecompressor(std::string_view algorithm) {
    if (const auto bits = WindowBits(algorithm)) {
        return std::make_unique<ZlibDecompressor>(*bits);
    }
    if (algorithm == "zstd") {
        return std::make_unique<ZstdDecompressor>();
    }
    return Failf(
        "get decompressor {0} fail with error: unsupported decompressor: {0}: use zlib, gzip, flate or zstd",
        algorithm);
}

}  // namespace haumea::codec
