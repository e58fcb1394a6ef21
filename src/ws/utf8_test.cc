#include "ws/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::ws {
namespace {

// The encoding of a code point by the table of RFC 3629 3, without any check.
std::string Encode(uint32_t code) {
    const auto byte = [](uint32_t value) { return static_cast<char>(value); };
    if (code < 0x80) {
        return {byte(code)};
    }
    if (code < 0x800) {
        return {byte(0xC0U | code >> 6U), byte(0x80U | (code & 0x3FU))};
    }
    if (code < 0x10000) {
        return {byte(0xE0U | code >> 12U), byte(0x80U | (code >> 6U & 0x3FU)), byte(0x80U | (code & 0x3FU))};
    }
    return {byte(0xF0U | code >> 18U), byte(0x80U | (code >> 12U & 0x3FU)),
            byte(0x80U | (code >> 6U & 0x3FU)), byte(0x80U | (code & 0x3FU))};
}

TEST(Utf8, AcceptsExactlyTheUnicodeScalarValues) {
    for (uint32_t code = 0; code < 0x120000; ++code) {
        const bool scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        ASSERT_EQ(IsValidUtf8(Encode(code)), scalar) << code;
    }
}

TEST(Utf8, AgreesWithACountOfAllShortByteStrings) {
    // Of one byte 128 strings are valid, of two 128^2 + 1,920, of three 128^3 + 2 * 128 * 1,920 + 61,440.
    size_t valid[4] = {};
    for (uint32_t value = 0; value < 0x1000000; ++value) {
        const char bytes[3] = {static_cast<char>(value >> 16U), static_cast<char>(value >> 8U),
                               static_cast<char>(value)};
        valid[3] += IsValidUtf8({bytes, 3}) ? 1 : 0;
        if (value < 0x10000) {
            valid[2] += IsValidUtf8({bytes + 1, 2}) ? 1 : 0;
        }
        if (value < 0x100) {
            valid[1] += IsValidUtf8({bytes + 2, 1}) ? 1 : 0;
        }
    }
    EXPECT_EQ(valid[1], 128U);
    EXPECT_EQ(valid[2], 128U * 128U + 1920U);
    EXPECT_EQ(valid[3], 128U * 128U * 128U + 2U * 128U * 1920U + 61440U);
}

TEST(Utf8, FindsABadByteAtEveryPlaceOfALongText) {
    for (size_t size = 1; size < 100; ++size) {
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            ASSERT_TRUE(IsValidUtf8(text));
            text[at] = '\xFF';
            ASSERT_FALSE(IsValidUtf8(text)) << size << " " << at;
        }
    }
}

TEST(Utf8, AcceptsPiecesCutAnywhere) {
    const std::string text = "a\u00e9\u65e5\U0001f600 and a longer stretch of plain letters \u20ac!";
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        Utf8Validator validator;
        ASSERT_TRUE(validator.Feed(text.substr(0, cut)));
        ASSERT_TRUE(validator.Feed(text.substr(cut)));
        ASSERT_TRUE(validator.complete()) << cut;
    }
}

TEST(Utf8, RefusesAtTheFirstByteThatCannotContinue) {
    struct Row {
        const char* good;
        char bad;
    };
    for (const Row row : {Row{"\xE0", '\x9F'}, Row{"\xED", '\xA0'}, Row{"\xF0", '\x8F'}, Row{"\xF4", '\x90'},
                          Row{"\xF0\x9F", 'a'}, Row{"\xF0\x9F\x98", '\xC0'}, Row{"\xC3", '\xC3'}}) {
        Utf8Validator validator;
        ASSERT_TRUE(validator.Feed(row.good));
        EXPECT_FALSE(validator.complete());
        EXPECT_FALSE(validator.Feed({&row.bad, 1}));
    }
}

TEST(Utf8, StaysFailedUntilReset) {
    Utf8Validator validator;
    EXPECT_FALSE(validator.Feed("\xFF"));
    EXPECT_FALSE(validator.Feed("good"));
    EXPECT_FALSE(validator.complete());
    validator.Reset();
    EXPECT_TRUE(validator.Feed("good"));
    EXPECT_TRUE(validator.complete());
}

TEST(Utf8, TruncationDoesNotCutACharacter) {
    EXPECT_EQ(TruncateUtf8("abc", 5), "abc");
    EXPECT_EQ(TruncateUtf8("abc", 2), "ab");
    EXPECT_EQ(TruncateUtf8("a\u20ac", 3), "a");
    EXPECT_EQ(TruncateUtf8("a\u20ac", 4), "a\u20ac");
    EXPECT_EQ(TruncateUtf8("\U0001f600", 3), "");
}

}  // namespace
}  // namespace haumea::ws
