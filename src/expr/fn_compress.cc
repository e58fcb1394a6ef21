#include "codec/compress.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

template <bool kCompress>
Value Run(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Null();
    }
    if (args[0].type() != Type::kBytes && !args[0].is_string()) {
        return ErrorOf(ctx, "require string or bytea parameter, but got {}", GoTyped(args[0]));
    }
    const std::string_view name = args[1].is_null() ? std::string_view() : GoText(args[1], ctx.arena);
    const auto tool = [name] {
        if constexpr (kCompress) {
            return codec::MakeCompressor(name);
        } else {
            return codec::MakeDecompressor(name);
        }
    }();
    if (!tool) {
        return ErrorOf(ctx, "unsupported {}: {}", kCompress ? "compressor" : "decompressor", name);
    }
    const std::string_view in = args[0].text();
    if (in.size() > kMaxResultBytes) {
        return ErrorOf(ctx, "the input of {} bytes is longer than {}", in.size(), kMaxResultBytes);
    }
    BufferBuilder out;
    std::string error;
    bool done = false;
    if constexpr (kCompress) {
        done = (*tool)->Compress(in, out, error);
    } else {
        done = (*tool)->Decompress(in, kMaxResultBytes, out, error);
    }
    if (!done) {
        return ErrorOf(ctx, "the input is no {} data, or more than {} bytes: {}", name, kMaxResultBytes,
                       error);
    }
    return Value::Bytes(ctx.arena.Copy(out.view()));
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
