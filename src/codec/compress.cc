#include "codec/compress.h"

#include <fmt/core.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>

namespace haumea::codec {

namespace {

constexpr int kZstdMaxWindowLog = 29;  // 512 MiB
constexpr size_t kZstdUsualWindow = 8U << 20U;

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

constexpr size_t kOutputStep = 16U << 10U;

bool TooLarge(size_t compressed, size_t max_bytes, std::string& error) {
    error = fmt::format("cannot decompress: more than {} bytes come out of {}", max_bytes, compressed);
    return false;
}

Bytef* Input(std::string_view bytes) {
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));  // zlib reads only
}

class ZlibCompressor final : public Compressor {
  public:
    ZlibCompressor(int window_bits, int level) {
        ready_ = deflateInit2(&stream_, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
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
    explicit ZlibDecompressor(int window_bits) : members_(window_bits > MAX_WBITS) {
        ready_ = inflateInit2(&stream_, window_bits) == Z_OK;
    }
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
        const size_t start = out.size();
        stream_.next_in = Input(compressed);
        stream_.avail_in = static_cast<uInt>(compressed.size());
        if (!Inflate(max_bytes, out, error)) {
            out.Truncate(start);
            return false;
        }
        return true;
    }

  private:
    bool Inflate(size_t max_bytes, BufferBuilder& out, std::string& error) {
        const size_t whole = stream_.avail_in;
        size_t total = 0;
        for (;;) {
            stream_.next_out = reinterpret_cast<Bytef*>(out.Reserve(kOutputStep));
            stream_.avail_out = kOutputStep;
            const int code = inflate(&stream_, Z_NO_FLUSH);
            const size_t produced = kOutputStep - stream_.avail_out;
            out.Commit(produced);
            total += produced;
            if (total > max_bytes) {
                return TooLarge(whole, max_bytes, error);
            }
            if (code == Z_STREAM_END) {
                if (!members_ || stream_.avail_in == 0) {
                    return true;
                }
                inflateReset(&stream_);
                continue;
            }
            if (code != Z_OK || (stream_.avail_in == 0 && stream_.avail_out != 0)) {
                error = stream_.msg != nullptr ? std::string("cannot decompress: ") + stream_.msg
                                               : "cannot decompress: the message is cut off";
                return false;
            }
        }
    }

    z_stream stream_{};
    bool members_;  // gzip: several streams may follow each other
    bool ready_ = false;
};

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class ZstdCompressor final : public Compressor {
  public:
    ZstdCompressor(int level, int64_t window_bytes) : context_(ZSTD_createCCtx()) {
        if (!context_) {
            return;
        }
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        if (window_bytes > 0) {
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
        ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
        // A frame may announce any window; one beyond what may come out is never needed.
        const int log = static_cast<int>(std::bit_width(std::max<size_t>(max_bytes, kZstdUsualWindow) - 1));
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, std::min(log, kZstdMaxWindowLog));
        const size_t start = out.size();
        if (!Inflate(compressed, max_bytes, out, error)) {
            out.Truncate(start);
            return false;
        }
        return true;
    }

  private:
    bool Inflate(std::string_view compressed, size_t max_bytes, BufferBuilder& out, std::string& error) {
        ZSTD_inBuffer input{compressed.data(), compressed.size(), 0};
        size_t total = 0;
        for (;;) {
            ZSTD_outBuffer output{out.Reserve(kOutputStep), kOutputStep, 0};
            const size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
            if (ZSTD_isError(left) != 0) {
                error = std::string("cannot decompress: ") + ZSTD_getErrorName(left);
                return false;
            }
            out.Commit(output.pos);
            total += output.pos;
            if (total > max_bytes) {
                return TooLarge(compressed.size(), max_bytes, error);
            }
            if (left == 0 && input.pos == input.size) {
                return true;
            }
            if (left != 0 && input.pos == input.size && output.pos < kOutputStep) {
                error = "cannot decompress: the message is cut off";
                return false;
            }
        }
    }

    std::unique_ptr<ZSTD_DCtx, FreeZstd> context_;
};

}  // namespace

Result<std::unique_ptr<Compressor>> MakeCompressor(std::string_view algorithm,
                                                   const CompressorOptions& options) {
    const auto check = [&](int64_t low, int64_t high) -> Result<void> {
        const int64_t level = options.level.value_or(low);
        if (level < low || level > high) {
            return Failf("level is {}, but has to lie between {} and {} for {}", level, low, high, algorithm);
        }
        return {};
    };
    if (const auto bits = WindowBits(algorithm)) {
        HAUMEA_TRY_VOID(check(0, 9));
        return std::make_unique<ZlibCompressor>(
            *bits, static_cast<int>(options.level.value_or(Z_DEFAULT_COMPRESSION)));
    }
    if (algorithm == "zstd") {
        HAUMEA_TRY_VOID(check(1, ZSTD_maxCLevel()));
        return std::make_unique<ZstdCompressor>(static_cast<int>(options.level.value_or(ZSTD_CLEVEL_DEFAULT)),
                                                options.window_bytes);
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
