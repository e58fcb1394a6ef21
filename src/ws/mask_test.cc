#include "ws/mask.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace haumea::ws {
namespace {

constexpr MaskKey kKey = {0x37, 0xFA, 0x21, 0x3D};

std::string MaskSlowly(std::string data, uint64_t offset) {
    for (size_t i = 0; i < data.size(); ++i) {
        data[i] = static_cast<char>(data[i] ^ kKey[(offset + i) % 4]);
    }
    return data;
}

std::string RandomBytes(size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& c : bytes) {
        c = static_cast<char>(random());
    }
    return bytes;
}

TEST(Mask, EqualsTheByteWiseDefinitionForEveryLengthAlignmentAndOffset) {
    for (size_t size = 0; size < 200; ++size) {
        for (size_t alignment = 0; alignment < 8; ++alignment) {
            const uint64_t offset = size + alignment;
            const std::string plain = RandomBytes(size, static_cast<unsigned>(size * 8 + alignment));
            const auto block = std::make_unique<char[]>(size + alignment);
            std::copy(plain.begin(), plain.end(), block.get() + alignment);
            ApplyMask(block.get() + alignment, size, kKey, offset);
            ASSERT_EQ(std::string(block.get() + alignment, size), MaskSlowly(plain, offset))
                << size << " " << alignment;
        }
    }
}

TEST(Mask, TwiceGivesTheOriginal) {
    const std::string plain = RandomBytes(1000, 1);
    std::string data = plain;
    ApplyMask(data.data(), data.size(), kKey, 3);
    EXPECT_NE(data, plain);
    ApplyMask(data.data(), data.size(), kKey, 3);
    EXPECT_EQ(data, plain);
}

TEST(Mask, PiecesWithOffsetsEqualTheWhole) {
    const std::string plain = RandomBytes(333, 2);
    const std::string whole = MaskSlowly(plain, 0);
    for (size_t cut = 0; cut <= plain.size(); ++cut) {
        std::string data = plain;
        ApplyMask(data.data(), cut, kKey, 0);
        ApplyMask(data.data() + cut, data.size() - cut, kKey, cut);
        ASSERT_EQ(data, whole) << cut;
    }
}

TEST(Mask, CopyLeavesTheSourceAlone) {
    const std::string plain = RandomBytes(100, 3);
    std::string target(plain.size(), '\0');
    CopyMasked(target.data(), plain.data(), plain.size(), kKey);
    EXPECT_EQ(target, MaskSlowly(plain, 0));
}

TEST(Mask, FindsTheOneByteThatIsNotAscii) {
    for (size_t size = 1; size < 150; ++size) {
        const std::string ascii(size, 'a');
        std::string masked = MaskSlowly(ascii, 0);
        ASSERT_TRUE(ApplyMaskCheckAscii(masked.data(), size, kKey)) << size;
        for (size_t at = 0; at < size; ++at) {
            std::string text = ascii;
            text[at] = '\x80';
            masked = MaskSlowly(text, 0);
            ASSERT_FALSE(ApplyMaskCheckAscii(masked.data(), size, kKey)) << size << " " << at;
            ASSERT_EQ(masked, text);
        }
    }
}

TEST(Mask, KeyBytesBeyondAsciiDoNotDisturbTheCheck) {
    const MaskKey key = {0xFF, 0x80, 0xC0, 0xE0};
    for (size_t size = 0; size < 40; ++size) {
        std::string data(size, '~');
        ApplyMask(data.data(), size, key);
        EXPECT_TRUE(ApplyMaskCheckAscii(data.data(), size, key)) << size;
    }
}

}  // namespace
}  // namespace haumea::ws
