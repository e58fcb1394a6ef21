#include "sql/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haumea::sql {
namespace {

std::string Words(std::string_view sql) {
    Lexer lexer(sql);
    std::string out;
    for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
        out += (out.empty() ? "" : " ") + token.text;
        if (token.kind == TokenKind::kIllegal) {
            out += "<illegal>";
        } else if (token.kind == TokenKind::kNumber) {
            out += "<number>";
        } else if (token.kind == TokenKind::kBadString) {
            out += "<open>";
        }
    }
    return out;
}

struct Case {
    std::string_view sql;
    std::string_view words;
};

TEST(Lexer, CutsTextIntoTokens) {
    const Case cases[] = {
        {"select a1_b from X", "SELECT a1_b FROM X"},
        {"`select` `de mo` `öl`", "select de mo öl"},
        {"`open to the end", "open to the end"},
        {"a<=b a< =b a> =b a! =b a- >b", "a <= b a <= b a >= b a != b a -> b"},
        {"12 12.5 .5 1. 1.2.3", "12 12.5<number> .5<number> 1.<number> 1.2.3<number>"},
        {"1e5 0x10", "1 e5 0 x10"},
        {"a-1 a - 1", "a - 1 a - 1"},
        {"a -.5 - .5", "a -.5<number> -.5<number>"},
        {"a - .b", "a - . b"},
        {"a--1\nb", "a b"},
        {"a - - 1\nb", "a b"},
        {"a /* x ** / */ b / * y */ c", "a b c"},
        {"a /* open", "a <illegal>"},
        {"a ! b", "a !<illegal> b"},
        {"_a", "<illegal> a"},
        {"a@b", "a <illegal> b"},
        {"ö", "<illegal>"},
        {R"("a\n\"b" 'it\'s' 'say "hi"')", "a\n\"b it's say \"hi\""},
        {R"('it\'' b)", "it' b"},
        {R"("\x41\101\u00e4\U0001F600")", "AA\u00e4\U0001F600"},
        {R"("a\q")", R"(invalid string: "a\q"<illegal>)"},
        {R"("it\'s")", R"(invalid string: "it\'s"<illegal>)"},
        {R"("\ud800")", R"(invalid string: "\ud800"<illegal>)"},
        {"\"a\nb\"", "invalid string: \"a\nb\"<illegal>"},
        {"'abc FROM s", "\"abc FROM s<open>"},
        {"DD hh Mi ss MS", "DD HH MI SS MS"},
        {"dds create stream with distinct", "dds create stream with distinct"},
        {"[1:2] # ; ^ | & %", "[ 1 : 2 ] # ; ^ | & %"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(Words(c.sql), c.words) << c.sql;
    }
}

TEST(Lexer, FoldsANegativeNumberOnlyOnRequest) {
    Lexer lexer("- 5-x");
    const Token minus = lexer.Next();
    ASSERT_EQ(minus.kind, TokenKind::kMinus);
    Token number;
    ASSERT_TRUE(lexer.NegativeNumber(minus, number));
    EXPECT_EQ(number.text, "-5");
    EXPECT_EQ(number.span.offset, 0u);
    EXPECT_EQ(number.span.length, 3u);
    EXPECT_FALSE(lexer.NegativeNumber(lexer.Next(), number));
    EXPECT_EQ(lexer.Next().text, "x");
}

TEST(Lexer, TokensKnowTheirPlace) {
    Lexer lexer("  abc /*x*/ 'd'");
    const Token word = lexer.Next();
    EXPECT_EQ(word.span.offset, 2u);
    EXPECT_EQ(word.span.length, 3u);
    const Token text = lexer.Next();
    EXPECT_EQ(text.span.offset, 12u);
    EXPECT_EQ(text.span.length, 3u);
}

TEST(Lexer, EndRepeatsItself) {
    Lexer lexer("a --");
    EXPECT_EQ(lexer.Next().text, "a");
    EXPECT_EQ(lexer.Next().text, "EOF");
    EXPECT_EQ(lexer.Next().kind, TokenKind::kEnd);
}

TEST(Quote, EscapesAsGoDoes) {
    EXPECT_EQ(Quote("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(Quote("\n\t\x01\x7f"), R"("\n\t\x01\x7f")");
    EXPECT_EQ(Quote("ö\u00a0\u2028\U000E0001"), R"("ö\u00a0\u2028\U000e0001")");
    EXPECT_EQ(Quote("\xff"), R"("\xff")");
}

TEST(FindInvalidUtf8, FindsTheFirstBadByte) {
    EXPECT_EQ(FindInvalidUtf8("aö€😀"), std::string_view::npos);
    EXPECT_EQ(FindInvalidUtf8("a\xc3"), 1u);
    EXPECT_EQ(FindInvalidUtf8("ab\xc0\x80"), 2u);        // overlong
    EXPECT_EQ(FindInvalidUtf8("\xed\xa0\x80"), 0u);      // surrogate
    EXPECT_EQ(FindInvalidUtf8("\xf4\x90\x80\x80"), 0u);  // beyond U+10FFFF
}

}  // namespace
}  // namespace haumea::sql
