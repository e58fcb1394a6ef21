#include "data/cast.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "data/go_format.h"
#include "data/number_text.h"

namespace haumea {
namespace {

std::string Json(double value) {
    char text[kMaxNumberText];
    return {text, WriteJsonNumber(value, text)};
}
std::string Go(double value) { return GoText(Value::Double(value)); }
std::string Plain(double value) {
    std::string out;
    AppendPlainFloat(out, value);
    return out;
}

TEST(NumberText, JsonUsesExponentOnlyOutsideOf1eMinus6And1e21) {
    EXPECT_EQ(Json(5), "5");
    EXPECT_EQ(Json(-0.0), "-0");
    EXPECT_EQ(Json(2.5), "2.5");
    EXPECT_EQ(Json(1e-6), "0.000001");
    EXPECT_EQ(Json(1.5e-7), "1.5e-7");
    EXPECT_EQ(Json(1e21), "1e+21");
    EXPECT_EQ(Json(12345678901234567890.0), "12345678901234567000");
    EXPECT_EQ(Json(9007199254740993.0), "9007199254740992");
    EXPECT_EQ(Json(std::numeric_limits<double>::denorm_min()), "5e-324");
}

TEST(NumberText, GoTextSwitchesToExponentAtSixDigits) {
    EXPECT_EQ(Go(100000), "100000");
    EXPECT_EQ(Go(1000000), "1e+06");
    EXPECT_EQ(Go(123456.789), "123456.789");
    EXPECT_EQ(Go(1541152486013), "1.541152486013e+12");
    EXPECT_EQ(Go(0.0001), "0.0001");
    EXPECT_EQ(Go(0.00001), "1e-05");
    EXPECT_EQ(Go(-0.0), "-0");
    EXPECT_EQ(Go(1e100), "1e+100");
}

TEST(NumberText, PlainNeverUsesAnExponent) {
    EXPECT_EQ(Plain(1541152486013.0), "1541152486013");
    EXPECT_EQ(Plain(1e-7), "0.0000001");
    EXPECT_EQ(Plain(1e22), "10000000000000000000000");
}

TEST(GoFormat, PrintsNestedValuesLikeGo) {
    const Value items[] = {Value::Int(1), Value::String("a"), Value::Null()};
    const Field fields[] = {{"a", Value::Double(1)}, {"b", Value::Array(items)}};
    EXPECT_EQ(GoText(Value::Object(fields)), "map[a:1 b:[1 a <nil>]]");
    EXPECT_EQ(GoText(Value::Bytes("Hi")), "[72 105]");
    EXPECT_EQ(GoTyped(Value::Missing()), "<nil>(<nil>)");
    EXPECT_EQ(GoTyped(Value::Array(items)), "[]interface {}([1 a <nil>])");
}

TEST(Cast, IntegerTextsTakeTheBaseFromTheirPrefix) {
    EXPECT_EQ(ParseGoInt("0x1F"), 31);
    EXPECT_EQ(ParseGoInt("0b11"), 3);
    EXPECT_EQ(ParseGoInt("010"), 8);
    EXPECT_EQ(ParseGoInt("0"), 0);
    EXPECT_EQ(ParseGoInt("1_000"), 1000);
    EXPECT_EQ(ParseGoInt("-9223372036854775808"), INT64_MIN);
    for (const char* bad : {"", "-", "3.14", " 5", "1__0", "_1", "1_", "0x", "9223372036854775808", "1e3"}) {
        EXPECT_EQ(ParseGoInt(bad), std::nullopt) << bad;
    }
}

TEST(Cast, FloatTexts) {
    EXPECT_EQ(ParseGoFloat("1e3"), 1000.0);
    EXPECT_EQ(ParseGoFloat("5."), 5.0);
    EXPECT_EQ(ParseGoFloat("+.5"), 0.5);
    EXPECT_EQ(ParseGoFloat("0x1p4"), 16.0);
    EXPECT_EQ(ParseGoFloat("-Infinity"), -std::numeric_limits<double>::infinity());
    for (const char* bad : {"", "x", "1e", "--1", "+-1", "0x10", "1 ", "e5", "1e999"}) {
        EXPECT_EQ(ParseGoFloat(bad), std::nullopt) << bad;
    }
}

TEST(Cast, StrictTakesWholeFloatsAsIntegersOnly) {
    EXPECT_EQ(ToInt(Value::Double(5), Casting::kStrict), 5);
    EXPECT_EQ(ToInt(Value::Double(2.5), Casting::kStrict), std::nullopt);
    EXPECT_EQ(ToInt(Value::Double(-2.5), Casting::kSameKind), -2);
    EXPECT_EQ(ToInt(Value::Double(1e21), Casting::kAll), std::nullopt);
    EXPECT_EQ(ToInt(Value::Double(9223372036854775808.0), Casting::kAll), std::nullopt);
    EXPECT_EQ(ToInt(Value::String("7"), Casting::kSameKind), std::nullopt);
    EXPECT_EQ(ToInt(Value::String("7"), Casting::kAll), 7);
}

TEST(Cast, FailureNamesValueAndTarget) {
    Arena arena;
    const Value result = CastTo(Value::String("abc"), Type::kInt, Casting::kAll, arena);
    ASSERT_TRUE(result.is_error());
    EXPECT_EQ(result.text(), "cannot convert string(abc) to int");
    EXPECT_TRUE(CastTo(Value::Null(), Type::kInt, Casting::kAll, arena).is_null());
}

TEST(Cast, StringsBecomeBytesThroughBase64WhenTheyAreBase64) {
    Arena arena;
    EXPECT_EQ(ToBytes(Value::String("SGVsbG8="), arena), "Hello");
    EXPECT_EQ(ToBytes(Value::String("Hello World"), arena), "Hello World");
    EXPECT_EQ(ToBytes(Value::Int(1), arena), std::nullopt);
}

TEST(Base64, RefusesWrongPadding) {
    EXPECT_EQ(EncodeBase64("a"), "YQ==");
    EXPECT_EQ(EncodeBase64("ab"), "YWI=");
    EXPECT_EQ(DecodeBase64("YWI="), "ab");
    for (const char* bad : {"YW", "YWI", "YQ=", "Y===", "=", "YQ==YQ==", "Y Q="}) {
        EXPECT_EQ(DecodeBase64(bad), std::nullopt) << bad;
    }
}

TEST(TextBytes, CountsWhatStandsInAValueAndStopsBeyondTheLimit) {
    EXPECT_EQ(TextBytes(Value::String("abc"), 100), 5U);
    const Field field{"key", Value::Int(1)};
    EXPECT_EQ(TextBytes(Value::Object({&field, 1}), 100), 2U + 3U + 2U + 2U);
    // Each level stands twice in the next one: 2^60 times the text, if one counted on.
    std::array<std::array<Value, 2>, 60> levels;
    Value value = Value::String("x");
    for (auto& level : levels) {
        level = {value, value};
        value = Value::Array(level);
    }
    EXPECT_GT(TextBytes(value, 1000), 1000U);
    EXPECT_LT(TextBytes(value, 1000), 1200U);
}

}  // namespace
}  // namespace haumea
