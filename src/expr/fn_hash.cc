#include <openssl/evp.h>
#include <zlib.h>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

template <const EVP_MD* (*Algorithm)()>
Value Digest(Args args, FunctionContext& ctx) noexcept {
    const std::string_view text = GoText(args[0], ctx.arena);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest, &size, Algorithm(), nullptr) != 1) {
        return Value::Error("the hash algorithm is not available in this installation of OpenSSL");
    }
    char* hex = static_cast<char*>(ctx.arena.Allocate(size_t{size} * 2, 1));
    constexpr char kDigits[] = "0123456789abcdef";
    for (unsigned int i = 0; i < size; ++i) {
        hex[2 * i] = kDigits[digest[i] >> 4U];
        hex[2 * i + 1] = kDigits[digest[i] & 15U];
    }
    return Value::String({hex, size_t{size} * 2});
}

Value Crc32(Args args, FunctionContext& ctx) noexcept {
    const std::string_view text = GoText(args[0], ctx.arena);
    const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
    return StringResult(ctx, fmt::format("{:x}", sum));
}

}  // namespace

void AddHashFunctions(FunctionRegistry& r) {
    struct Entry {
        std::string_view name;
        std::string_view signature;
        std::string_view doc;
        ScalarFunction function;
        std::string_view example;
        std::string_view result;
    };
    const Entry entries[] = {
        {"md5", "md5(text)", "MD5 of a text as hexadecimal digits.", OrNull<Digest<EVP_md5>>,
         R"(md5("Hello"))", R"("8b1a9953c4611296a827abf8c47804d7")"},
        {"sha1", "sha1(text)", "SHA-1 of a text as hexadecimal digits.", OrNull<Digest<EVP_sha1>>,
         R"(sha1(""))", R"("da39a3ee5e6b4b0d3255bfef95601890afd80709")"},
        {"sha256", "sha256(text)", "SHA-256 of a text as hexadecimal digits.", OrNull<Digest<EVP_sha256>>,
         R"(sha256("5"))", R"("ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d")"},
        {"sha384", "sha384(text)", "SHA-384 of a text as hexadecimal digits.", OrNull<Digest<EVP_sha384>>, "",
         ""},
        {"sha512", "sha512(text)", "SHA-512 of a text as hexadecimal digits.", OrNull<Digest<EVP_sha512>>, "",
         ""},
        {"crc32", "crc32(text)", "CRC-32 (IEEE) of a text as hexadecimal digits without leading zeros.",
         OrNull<Crc32>, R"(crc32("Hello"))", R"("f7d18982")"}};
    for (const Entry& entry : entries) {
        r.Add({.name = entry.name,
               .family = "hashing",
               .signature = entry.signature,
               .doc = entry.doc,
               .example = entry.example,
               .example_result = entry.result,
               .min_args = 1,
               .max_args = 1,
               .check = Kinds<'s'>,
               .null_rule = NullRule::kNullIfAny,
               .scalar = entry.function});
    }
}

}  // namespace haumea::expr
