#include "connect/unpacker.h"

#include <gtest/gtest.h>

namespace haumea::connect {
namespace {

BufferView Packed(std::string_view text) {
    const auto compressor = std::move(*codec::MakeCompressor("zlib"));
    BufferBuilder out;
    std::string error;
    EXPECT_TRUE(compressor->Compress(text, out, error)) << error;
    return out.Take();
}

std::shared_ptr<Unpacker> Make(Unpacker::Shared shared) {
    DecodeProperties decode;
    decode.decompression = "zlib";
    decode.max_decompressed_bytes = 100;
    return *Unpacker::Make(decode, shared);
}

TEST(Unpacker, ASharedOneUnpacksAMessageOnceHoweverManyAsk) {
    const auto unpacker = Make(Unpacker::Shared::kYes);
    std::string error;
    for (const char* text : {"one", "two", "one"}) {
        const BufferView packed = Packed(text);
        for (int rule = 0; rule < 3; ++rule) {
            BufferView message;
            ASSERT_TRUE(unpacker->Unpack(packed, message, error)) << error;
            EXPECT_EQ(message.view(), text);
        }
    }
    EXPECT_EQ(unpacker->unpacked(), 3U);
}

TEST(Unpacker, ABrokenMessageIsAnErrorToEveryone) {
    const auto unpacker = Make(Unpacker::Shared::kYes);
    const BufferView broken = BufferView::Copy("?");
    const BufferView large = Packed(std::string(101, 'x'));
    for (const BufferView& packed : {broken, large, broken}) {
        for (int rule = 0; rule < 2; ++rule) {
            BufferView message;
            std::string error;
            EXPECT_FALSE(unpacker->Unpack(packed, message, error));
            EXPECT_NE(error, "");
        }
    }
    BufferView message;
    std::string error = "of before";
    EXPECT_TRUE(unpacker->Unpack(Packed("good"), message, error));
    EXPECT_EQ(error, "");
    EXPECT_EQ(unpacker->unpacked(), 4U);
}

TEST(Unpacker, ARulesOwnKeepsNoMessage) {
    const auto unpacker = Make(Unpacker::Shared::kNo);
    const BufferView packed = Packed("one");
    BufferView message;
    std::string error;
    ASSERT_TRUE(unpacker->Unpack(packed, message, error));
    ASSERT_TRUE(unpacker->Unpack(packed, message, error));
    EXPECT_EQ(message.view(), "one");
    EXPECT_EQ(unpacker->unpacked(), 2U);
}

}  // namespace
}  // namespace haumea::connect
