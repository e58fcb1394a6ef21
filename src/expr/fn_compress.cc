#include <zlib.h>
#include <zstd.h>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

enum class Method : uint8_t { kZlib, kGzip, kFlate, kZstd };

std::optional<Method> MethodOf(std::string_view name) noexcept {
    if (name == "zlib") {
        return Method::kZlib;
    }
    if (name == "gzip") {
        return Method::kGzip;
    }
    if (name == "flate") {
        return Method::kFlate;
    }
    return name == "zstd" ? std::optional(Method::kZstd) : std::nullopt;
}

int WindowBits(Method method) noexcept {
    return method == Method::kGzip ? MAX_WBITS + 16 : method == Method::kFlate ? -MAX_WBITS : MAX_WBITS;
}

bool Deflate(Method method, std::string_view in, std::string& out) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WindowBits(method), 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return false;
    }
    out.resize(deflateBound(&stream, in.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int result = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return result == Z_STREAM_END;
}

// Stops at kMaxResultBytes, whatever the input promises.
bool Inflate(Method method, std::string_view in, std::string& out) {
    z_stream stream{};
    if (inflateInit2(&stream, WindowBits(method)) != Z_OK) {
        return false;
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    int result = Z_OK;
    char buffer[16384];
    while (result == Z_OK && out.size() <= kMaxResultBytes) {
        stream.next_out = reinterpret_cast<Bytef*>(buffer);
        stream.avail_out = sizeof(buffer);
        result = inflate(&stream, Z_NO_FLUSH);
        out.append(buffer, sizeof(buffer) - stream.avail_out);
    }
    inflateEnd(&stream);
    return result == Z_STREAM_END && out.size() <= kMaxResultBytes;
}

bool ZstdCompress(std::string_view in, std::string& out) {
    out.resize(ZSTD_compressBound(in.size()));
    const size_t size = ZSTD_compress(out.data(), out.size(), in.data(), in.size(), ZSTD_CLEVEL_DEFAULT);
    out.resize(ZSTD_isError(size) != 0 ? 0 : size);
    return ZSTD_isError(size) == 0;
}

bool ZstdDecompress(std::string_view in, std::string& out) {
    ZSTD_DStream* stream = ZSTD_createDStream();
    char buffer[16384];
    ZSTD_inBuffer source{in.data(), in.size(), 0};
    size_t left = 1;
    bool progress = true;
    while (left != 0 && progress && out.size() <= kMaxResultBytes) {
        ZSTD_outBuffer target{buffer, sizeof(buffer), 0};
        const size_t before = source.pos;
        left = ZSTD_decompressStream(stream, &target, &source);
        if (ZSTD_isError(left) != 0) {
            break;
        }
        out.append(buffer, target.pos);
        progress = source.pos > before || target.pos > 0;
    }
    ZSTD_freeDStream(stream);
    return left == 0 && out.size() <= kMaxResultBytes;
}

template <bool kCompress>
Value Run(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Null();
    }
    if (args[0].type() != Type::kBytes && !args[0].is_string()) {
        return ErrorOf(ctx, "require string or bytea parameter, but got {}", GoTyped(args[0]));
    }
    const std::string_view name = args[1].is_null() ? std::string_view() : GoText(args[1], ctx.arena);
    const std::optional<Method> method = MethodOf(name);
    if (!method) {
        return ErrorOf(ctx, "unsupported {}: {}", kCompress ? "compressor" : "decompressor", name);
    }
    const std::string_view in = args[0].text();
    if (in.size() > kMaxResultBytes) {
        return ErrorOf(ctx, "the input of {} bytes is longer than {}", in.size(), kMaxResultBytes);
    }
    std::string out;
    bool done = false;
    if (*method == Method::kZstd) {
        done = kCompress ? ZstdCompress(in, out) : ZstdDecompress(in, out);
    } else {
        done = kCompress ? Deflate(*method, in, out) : Inflate(*method, in, out);
    }
    if (!done) {
        return ErrorOf(ctx, "the input is no {} data, or more than {} bytes", name, kMaxResultBytes);
    }
    return Value::Bytes(ctx.arena.Copy(out));
}

}  // namespace

void AddCompressionFunctions(FunctionRegistry& r) {
    r.Add({.name = "compress",
           .family = "conversion",
           .signature = "compress(x, method)",
           .doc = "Compresses text or bytes with zlib, gzip, flate or zstd.",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'s', 's'>,
           .scalar = Run<true>});
    r.Add({.name = "decompress",
           .family = "conversion",
           .signature = "decompress(x, method)",
           .doc = "Undoes compress().",
           .example = R"(cast(decompress(compress("Hello", "zstd"), "zstd"), "string"))",
           .example_result = R"("Hello")",
           .min_args = 2,
           .max_args = 2,
           .check = Kinds<'s', 's'>,
           .scalar = Run<false>});
}

}  // namespace haumea::expr
