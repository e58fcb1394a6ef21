#include "codec/compress.h"

#include <gtest/gtest.h>

namespace haumea::codec {
namespace {

class Compression : public testing::TestWithParam<const char*> {
  protected:
    Compression()
        : compressor_(std::move(*MakeCompressor(GetParam()))),
          decompressor_(std::move(*MakeDecompressor(GetParam()))) {}
    std::string Compress(std::string_view plain) {
        BufferBuilder out;
        std::string error;
        EXPECT_TRUE(compressor_->Compress(plain, out, error)) << error;
        return std::string(out.view());
    }
    std::string Decompress(std::string_view compressed, size_t limit = 16U << 20U) {
        BufferBuilder out;
        std::string error;
        return decompressor_->Decompress(compressed, limit, out, error) ? std::string(out.view())
                                                                        : "!" + error;
    }
    std::unique_ptr<Compressor> compressor_;
    std::unique_ptr<Decompressor> decompressor_;
};

TEST_P(Compression, EveryMessageIsACompleteStream) {
    for (const std::string& plain :
         {std::string("[{\"a\":1}]"), std::string(), std::string(100'000, 'x'), std::string("{}")}) {
        EXPECT_EQ(Decompress(Compress(plain)), plain);
    }
    EXPECT_LT(Compress(std::string(100'000, 'x')).size(), 1000U);
}

TEST_P(Compression, OutputBeyondTheLimitIsAnError) {
    const std::string bomb = Compress(std::string(1U << 20U, '\0'));
    EXPECT_EQ(Decompress(bomb, 1000), "!cannot decompress: the message is larger than allowed");
    EXPECT_EQ(Decompress(bomb, 1U << 20U).size(), 1U << 20U);
}

TEST_P(Compression, BrokenAndTruncatedStreamsAreErrors) {
    const std::string whole = Compress("hello hello hello hello");
    for (size_t size = 0; size < whole.size(); ++size) {
        EXPECT_TRUE(Decompress(whole.substr(0, size)).starts_with("!")) << size;
    }
    EXPECT_TRUE(Decompress("\xff\xff\xff\xff\xff\xff\xff\xff").starts_with("!"));
    EXPECT_EQ(Decompress(whole), "hello hello hello hello");
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Compression, testing::Values("zlib", "gzip", "flate", "zstd"));

TEST(MakeCompressor, NamesAnUnknownAlgorithm) {
    EXPECT_EQ(
        MakeCompressor("lz4").error().message,
        "get compressor lz4 fail with error: unsupported compressor: lz4: use zlib, gzip, flate or zstd");
}

}  // namespace
}  // namespace haumea::codec
