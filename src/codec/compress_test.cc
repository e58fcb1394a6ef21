#include "codec/compress.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

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
    EXPECT_EQ(Decompress(bomb, 1000),
              fmt::format("!cannot decompress: more than 1000 bytes come out of {}", bomb.size()));
    EXPECT_EQ(Decompress(bomb, 1U << 20U).size(), 1U << 20U);
}

TEST_P(Compression, AnErrorLeavesTheOutputAsItWas) {
    const std::string bomb = Compress(std::string(1U << 20U, 'x'));
    BufferBuilder out;
    out.Append("before");
    std::string error;
    EXPECT_FALSE(decompressor_->Decompress(bomb, 100'000, out, error));
    EXPECT_FALSE(decompressor_->Decompress(bomb.substr(0, bomb.size() / 2), 2U << 20U, out, error));
    EXPECT_EQ(out.view(), "before");
}

TEST_P(Compression, LevelsTradeTimeForSizeAndAreChecked) {
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        text += fmt::format("{{\"id\":{},\"temperature\":{}.{}}},", i, i * 7 % 40, i % 10);
    }
    const int64_t last = GetParam() == std::string_view("zstd") ? 22 : 9;
    std::string best;
    std::string fast;
    for (const auto& [level, out] : {std::pair(int64_t{1}, &fast), std::pair(last, &best)}) {
        compressor_ = std::move(*MakeCompressor(GetParam(), {.level = level}));
        *out = Compress(text);
        EXPECT_EQ(Decompress(*out), text);
    }
    EXPECT_LT(best.size(), fast.size());
    EXPECT_NE(MakeCompressor(GetParam(), {.level = last + 1})
                  .error()
                  .message.find(fmt::format("level is {}, but has to lie between", last + 1)),
              std::string::npos);
    EXPECT_FALSE(MakeCompressor(GetParam(), {.level = -1}));
}

TEST_P(Compression, RandomMessagesOfAnySizeComeBack) {
    std::mt19937 random(20261128);
    for (int round = 0; round < 300; ++round) {
        std::string plain(random() % 5000, '\0');
        const unsigned spread = 1 + random() % 256;
        for (char& c : plain) {
            c = static_cast<char>(random() % spread);
        }
        ASSERT_EQ(Decompress(Compress(plain)), plain) << "round " << round;
    }
}

TEST_P(Compression, RandomDamageIsAnErrorOrHarmless) {
    std::mt19937 random(7);
    const std::string whole = Compress(std::string(3000, 'a') + std::string(500, 'b') + "the end");
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = whole;
        for (unsigned i = 0; i < 1 + random() % 3; ++i) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        EXPECT_LE(Decompress(damaged, 10'000).size(), 10'000U);
    }
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

TEST(Decompression, GzipMembersAndZstdFramesInARowAreOneMessage) {
    for (const char* algorithm : {"gzip", "zstd"}) {
        auto compressor = std::move(*MakeCompressor(algorithm));
        auto decompressor = std::move(*MakeDecompressor(algorithm));
        BufferBuilder compressed;
        BufferBuilder out;
        std::string error;
        ASSERT_TRUE(compressor->Compress("one,", compressed, error));
        ASSERT_TRUE(compressor->Compress("two", compressed, error));
        ASSERT_TRUE(decompressor->Decompress(compressed.view(), 100, out, error)) << error;
        EXPECT_EQ(out.view(), "one,two") << algorithm;
    }
}

TEST(Decompression, AZstdFrameThatAnnouncesAHugeWindowIsRefused) {
    // Magic, a window descriptor of 2^31 bytes, an empty last block.
    const std::string frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
    BufferBuilder out;
    std::string error;
    EXPECT_FALSE((*MakeDecompressor("zstd"))->Decompress(frame, 1000, out, error));
    EXPECT_NE(error.find("memory"), std::string::npos) << error;
}

TEST(MakeCompressor, NamesAnUnknownAlgorithm) {
    EXPECT_EQ(
        MakeCompressor("lz4").error().message,
        "get compressor lz4 fail with error: unsupported compressor: lz4: use zlib, gzip, flate or zstd");
}

}  // namespace
}  // namespace haumea::codec
