#include "config/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace haumea::config {
namespace {

std::string JsonError(std::string_view text) {
    const auto node = ParseJson(text);
    return node ? "accepted: " + ToJson(*node) : node.error().message;
}

std::string YamlAsJson(std::string_view text) {
    const auto node = ParseYaml(text);
    return node ? ToJson(*node) : "error: " + node.error().message;
}

TEST(Node, FindIsExactAndFindNoCasePrefersTheExactName) {
    const Node node(Node::Object{{"Addr", Node(1)}, {"addr", Node(2)}});
    EXPECT_EQ(node.Find("ADDR"), nullptr);
    EXPECT_EQ(node.FindNoCase("addr")->as_int(), 2);
    EXPECT_EQ(node.FindNoCase("ADDR")->as_int(), 1);
    EXPECT_EQ(Node(5).Find("x"), nullptr);
}

TEST(Node, SetMakesANullNodeAnObjectAndReplacesInPlace) {
    Node node;
    node.Set("a", 1);
    node.Set("b", 2);
    node.Set("a", "x");
    EXPECT_EQ(ToJson(node), R"({"a":"x","b":2})");
    EXPECT_TRUE(node.Erase("a"));
    EXPECT_FALSE(node.Erase("a"));
}

TEST(Json, ReadsEveryKindAndKeepsTheOrderOfMembers) {
    const auto node = ParseJson(R"( {"z":[1,-2.5,1e3,true,false,null],"a":{"t":"x\ty"}} )");
    ASSERT_TRUE(node) << node.error().message;
    EXPECT_EQ(ToJson(*node), R"({"z":[1,-2.5,1000,true,false,null],"a":{"t":"x\ty"}})");
    EXPECT_TRUE(node->Find("z")->array()[0].is_int());
    EXPECT_TRUE(node->Find("z")->array()[2].is_double());
}

TEST(Json, LastOfDuplicateKeysWinsAtTheFirstPlace) {
    EXPECT_EQ(ToJson(*ParseJson(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
    std::string many = "{";
    for (int i = 0; i < 40; ++i) {
        many += fmt::format("\"k{}\":{},", i % 20, i);
    }
    many += "\"end\":0}";
    const auto node = ParseJson(many);
    ASSERT_TRUE(node);
    EXPECT_EQ(node->object().size(), 21U);
    EXPECT_EQ(node->object().front().second.as_int(), 20);
}

TEST(Json, IntegersOutsideOf64BitsBecomeFloatsAndHugeNumbersAreRefused) {
    EXPECT_EQ(ParseJson("9223372036854775807")->as_int(), std::numeric_limits<int64_t>::max());
    EXPECT_TRUE(ParseJson("9223372036854775808")->is_double());
    EXPECT_EQ(ParseJson("1e-999")->as_double(), 0.0);
    EXPECT_THAT(JsonError("1e999"), testing::HasSubstr("out of range"));
}

TEST(Json, ErrorsSayWhatWasFoundAndWhere) {
    EXPECT_EQ(JsonError(""), "unexpected end of JSON input");
    EXPECT_EQ(JsonError("{\"a\":"), "unexpected end of JSON input");
    EXPECT_EQ(JsonError("\"abc"), "unexpected end of JSON input");
    EXPECT_EQ(JsonError("{} x"), "invalid character 'x' after top-level value (offset 3)");
    EXPECT_EQ(JsonError("{a:1}"),
              "invalid character 'a' looking for beginning of object key string (offset 1)");
    EXPECT_EQ(JsonError("[1,]"), "invalid character ']' looking for beginning of value (offset 3)");
    EXPECT_EQ(JsonError("nope"), "invalid character 'o' in literal null (expecting 'u') (offset 1)");
    EXPECT_EQ(JsonError("01"), "invalid character '1' after top-level value (offset 1)");
    EXPECT_EQ(JsonError("1.x"), "invalid character 'x' after decimal point in numeric literal (offset 2)");
    EXPECT_EQ(JsonError("\"\\q\""), "invalid character 'q' in string escape code (offset 2)");
    EXPECT_EQ(JsonError("\"a\nb\""), "invalid character '\\x0a' in string literal (offset 2)");
    EXPECT_EQ(JsonError("\"\xff\""), "invalid UTF-8 byte 0xff in string literal (offset 1)");
    EXPECT_THAT(JsonError("NaN"), testing::HasSubstr("'N' looking for beginning of value"));
}

TEST(Json, EscapesBecomeUtf8AndLoneSurrogatesTheReplacementCharacter) {
    EXPECT_EQ(ParseJson(R"("\u00e9\u20ac\ud83d\ude00")")->as_string(), "é€😀");
    EXPECT_EQ(ParseJson(R"("\ud83dx\ud83d\u0041")")->as_string(),
              "\xEF\xBF\xBDx\xEF\xBF\xBD"
              "A");
    EXPECT_EQ(ParseJson(R"("\u0000")")->as_string(), std::string(1, '\0'));
}

TEST(Json, NestingIsBounded) {
    EXPECT_TRUE(ParseJson(std::string(200, '[') + std::string(200, ']')));
    EXPECT_THAT(JsonError(std::string(100'000, '[')), testing::HasSubstr("deeper than 200"));
}

TEST(Json, PrintsNumbersAndTextAsGoDoes) {
    EXPECT_EQ(ToJson(Node(1.0)), "1");
    EXPECT_EQ(ToJson(Node(0.1)), "0.1");
    EXPECT_EQ(ToJson(Node(1e21)), "1e+21");
    EXPECT_EQ(ToJson(Node(1e-7)), "1e-7");
    EXPECT_EQ(ToJson(Node(123456789012345680000.0)), "123456789012345680000");
    EXPECT_EQ(ToJson(Node(-9007199254740992.0)), "-9007199254740992");
    EXPECT_EQ(ToJson(Node(1e20)), "100000000000000000000");
    EXPECT_EQ(ToJson(Node(1.5e300)), "1.5e+300");
    EXPECT_EQ(ToJson(Node(std::numeric_limits<double>::infinity())), "null");
    EXPECT_EQ(ToJson(Node("<a>&\xE2\x80\xA8\x01\"\\")), R"("\u003ca\u003e\u0026\u2028\u0001\"\\")");
    EXPECT_EQ(ToJson(Node("<a>"), {.escape_html = false}), "\"<a>\"");
}

TEST(Json, IndentsAndSortsOnRequest) {
    const auto node = ParseJson(R"({"b":[1,{}],"a":[]})");
    EXPECT_EQ(ToJson(*node, {.indent = 2, .sort_keys = true}),
              "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {}\n  ]\n}");
}

TEST(Yaml, PlainScalarsFollowTheCoreSchema) {
    EXPECT_EQ(YamlAsJson("a: 1\nb: true\nc: ~\nd: 1.5\ne: text\nf: yes\ng: 0x1F\nh: 1e3\ni: -7\nj: +3"),
              R"({"a":1,"b":true,"c":null,"d":1.5,"e":"text","f":"yes","g":31,"h":1000,"i":-7,"j":3})");
    EXPECT_EQ(YamlAsJson("a: 10s\nb: 127.0.0.1\nc: 1.2.3\nd:\n- ~\ne: 2024-01-01\nf: .5\ng: 010"),
              R"({"a":"10s","b":"127.0.0.1","c":"1.2.3","d":[null],"e":"2024-01-01","f":0.5,"g":10})");
}

TEST(Yaml, QuotedScalarsStayText) {
    EXPECT_EQ(YamlAsJson("a: \"1\"\nb: 'true'\nc: |\n  1\n"), R"({"a":"1","b":"true","c":"1\n"})");
}

TEST(Yaml, EmptyTextIsNullAndLastOfDuplicateKeysWins) {
    EXPECT_EQ(YamlAsJson(""), "null");
    EXPECT_EQ(YamlAsJson("# only a comment\n"), "null");
    EXPECT_EQ(YamlAsJson("a: 1\na: 2"), R"({"a":2})");
}

TEST(Yaml, ErrorsNameTheLine) {
    EXPECT_THAT(YamlAsJson("a: 1\nb: [1, 2\nc: 3\n"), testing::HasSubstr("error: line"));
    EXPECT_THAT(YamlAsJson("? [a]\n: 1"), testing::HasSubstr("line 1: a key must be a plain text"));
    EXPECT_THAT(YamlAsJson("a: 1\n---\nb: 2"), testing::HasSubstr("more than one YAML document"));
    EXPECT_THAT(YamlAsJson("a: *nope"), testing::HasSubstr("error: line 1"));
}

TEST(Yaml, AnchorsWorkAndBombsAreRefused) {
    EXPECT_EQ(YamlAsJson("a: &x {k: 1}\nb: *x"), R"({"a":{"k":1},"b":{"k":1}})");
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        bomb += fmt::format("a{}: &a{} [", i, i);
        for (int j = 0; j < 10; ++j) {
            bomb += fmt::format("{}*a{}", j == 0 ? "" : ", ", i - 1);
        }
        bomb += "]\n";
    }
    EXPECT_THAT(YamlAsJson(bomb), testing::HasSubstr("more than 100000 values"));
}

TEST(Yaml, NestingIsBounded) {
    EXPECT_THAT(YamlAsJson(std::string(20'000, '[')), testing::HasSubstr("error"));
    EXPECT_THAT(YamlAsJson("a: " + std::string(300, '[') + std::string(300, ']')),
                testing::HasSubstr("deeper than 200"));
}

TEST(NodeJson, BytesThatAreNoUtf8BecomeReplacementCharacters) {
    EXPECT_EQ(ToJson(Node("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z")),
              "\"a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z\"");
    EXPECT_EQ(ToJson(Node("a\xFFz")), R"("a\ufffdz")");
    EXPECT_EQ(ToJson(Node("\xC3")), R"("\ufffd")");                      // cut off
    EXPECT_EQ(ToJson(Node("\xC0\x80")), R"("\ufffd\ufffd")");            // longer than needed
    EXPECT_EQ(ToJson(Node("\xED\xA0\x80")), R"("\ufffd\ufffd\ufffd")");  // a surrogate
    EXPECT_EQ(ToJson(Node("\xE2\x82\"")), R"("\ufffd\ufffd\"")");
}

}  // namespace
}  // namespace haumea::config
