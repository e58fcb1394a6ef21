#include "codec/encoder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace haumea::codec {
namespace {

std::string One(Encoder& encoder, const Value& value) {
    BufferBuilder out;
    std::string error;
    return encoder.EncodeOne(value, out, error) ? std::string(out.view()) : "!" + error;
}

std::string List(Encoder& encoder, std::vector<Value> rows) {
    BufferBuilder out;
    std::string error;
    return encoder.EncodeList(rows, out, error) ? std::string(out.view()) : "!" + error;
}

std::unique_ptr<Encoder> Make(std::string format, std::vector<std::string> fields = {},
                              bool has_header = false) {
    EncoderOptions options;
    options.format = std::move(format);
    options.fields = std::move(fields);
    options.has_header = has_header;
    return std::move(*MakeEncoder(options));
}

TEST(JsonEncoder, WritesValuesAsGoDoes) {
    const auto encoder = Make("json");
    EXPECT_EQ(One(*encoder, Value::Double(1)), "1");
    EXPECT_EQ(One(*encoder, Value::Double(1e21)), "1e+21");
    EXPECT_EQ(One(*encoder, Value::Double(-0.0)), "-0");
    EXPECT_EQ(One(*encoder, Value::Int(INT64_MIN)), "-9223372036854775808");
    EXPECT_EQ(One(*encoder, Value::Bytes("Hi")), "\"SGk=\"");
    EXPECT_EQ(One(*encoder, Value::Datetime(1'577'934'245'120'000'000)), "\"2020-01-02T03:04:05.12Z\"");
    EXPECT_EQ(One(*encoder, Value::Null()), "null");
    const Field fields[] = {{"a", Value::Bool(true)}, {"b", Value::Missing()}, {"c", Value::Null()}};
    EXPECT_EQ(One(*encoder, Value::Object(fields)), R"({"a":true,"c":null})");
    EXPECT_EQ(List(*encoder, {Value::Object(fields), Value::Object({})}), R"([{"a":true,"c":null},{}])");
    EXPECT_EQ(List(*encoder, {}), "[]");
}

TEST(JsonEncoder, EscapesStringsForHtml) {
    const auto encoder = Make("json");
    EXPECT_EQ(One(*encoder, Value::String("<&>\"\\/")), R"("\u003c\u0026\u003e\"\\/")");
    EXPECT_EQ(One(*encoder, Value::String("\b\f\n\r\t\x01\x7f")), "\"\\b\\f\\n\\r\\t\\u0001\x7f\"");
    EXPECT_EQ(One(*encoder, Value::String("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa")),
              "\"\\u2028\\u2029\xe2\x80\xaa\"");
    EXPECT_EQ(One(*encoder, Value::String("a\xff\xc3\xa9\xed\xa0\x80")),
              "\"a\\ufffd\xc3\xa9\\ufffd\\ufffd\\ufffd\"");
}

TEST(JsonEncoder, LongStringsKeepSequencesAcrossChunks) {
    const auto encoder = Make("json");
    for (size_t shift = 0; shift < 4; ++shift) {
        std::string text(253 + shift, 'x');
        for (int i = 0; i < 400; ++i) {
            text += "\xf0\x9f\x98\x80";
        }
        EXPECT_EQ(One(*encoder, Value::String(text)), "\"" + text + "\"");
    }
}

TEST(JsonEncoder, NumbersThatJsonHasNotAreErrors) {
    const auto encoder = Make("json");
    EXPECT_EQ(One(*encoder, Value::Double(NAN)), "!json: unsupported value: NaN");
    EXPECT_EQ(One(*encoder, Value::Double(INFINITY)), "!json: unsupported value: +Inf");
    const Value items[] = {Value::Double(-INFINITY)};
    EXPECT_EQ(One(*encoder, Value::Array(items)), "!json: unsupported value: -Inf");
}

TEST(DelimitedEncoder, ListsTakeTheColumnsOfTheirFirstRow) {
    const Field inner[] = {{"f", Value::Double(1)}, {"g", Value::String("h")}};
    const Value items[] = {Value::Double(1), Value::Null()};
    const Field row[] = {{"a", Value::Double(1e21)},
                         {"c", Value::Null()},
                         {"d", Value::Array(items)},
                         {"e", Value::Object(inner)}};
    const Field other[] = {{"a", Value::Int(2)}, {"z", Value::Int(3)}};
    const auto encoder = Make("delimited", {"z", "a"});
    EXPECT_EQ(List(*encoder, {Value::Object(row), Value::Object(other)}),
              "1000000000000000000000,,[1 <nil>],map[f:1 g:h]\n2,,,");
    EXPECT_EQ(List(*encoder, {Value::Object({}), Value::Object(other)}), "\n2,3");
    EXPECT_EQ(List(*encoder, {}), "");
}

TEST(DelimitedEncoder, SingleRowsKeepTheFirstColumnsOrTheGivenFields) {
    const Field first[] = {{"a", Value::Double(1.5)}, {"b", Value::Int(2)}};
    const Field second[] = {{"b", Value::String("x,y")}, {"c", Value::Int(3)}};
    const auto free = Make("delimited");
    EXPECT_EQ(One(*free, Value::Object(first)), "1.5,2");
    EXPECT_EQ(One(*free, Value::Object(second)), ",x,y");
    const auto chosen = Make("delimited", {"b", "a"});
    EXPECT_EQ(One(*chosen, Value::Object(first)), "2,1.5");
}

TEST(DelimitedEncoder, AHeaderIsALineOfItsOwn) {
    const Field row[] = {{"a", Value::Int(1)}, {"b", Value::Int(2)}};
    const auto single = Make("delimited", {}, true);
    EXPECT_EQ(One(*single, Value::Object(row)), "a,b\n1,2");
    EXPECT_EQ(One(*single, Value::Object(row)), "1,2");
    EXPECT_EQ(List(*single, {Value::Object(row), Value::Object(row)}), "a,b\n1,2\n1,2");
}

TEST(UrlencodedEncoder, EscapesAndRepeatsArrayKeys) {
    const Value items[] = {Value::Int(1), Value::Null(), Value::String("y z")};
    const Field row[] = {{"a", Value::Array(items)},
                         {"b", Value::String("<&>\xc3\xa9")},
                         {"c", Value::Null()},
                         {"d", Value::Bool(true)}};
    const auto encoder = Make("urlencoded");
    EXPECT_EQ(One(*encoder, Value::Object(row)), "a=1&a=&a=y+z&b=%3C%26%3E%C3%A9&c=&d=true");
    EXPECT_TRUE(List(*encoder, {Value::Object({})}).starts_with("!unsupported type [map[]], must be a map"));
}

TEST(BinaryEncoder, SendsTheFieldSelf) {
    const Field bytes[] = {{"self", Value::Bytes("\x01\x02")}};
    const Field base64[] = {{"self", Value::String("SGk=")}};
    const Field text[] = {{"self", Value::String("hi!")}};
    const auto encoder = Make("binary");
    EXPECT_EQ(One(*encoder, Value::Object(bytes)), "\x01\x02");
    EXPECT_EQ(One(*encoder, Value::Object(base64)), "Hi");
    EXPECT_EQ(One(*encoder, Value::Object(text)), "hi!");
    EXPECT_EQ(One(*encoder, Value::Object({})), "!field self not exist");
}

TEST(DelimitedEncoder, TheFirstRowThatHasColumnsBringsTheHeaderOfAList) {
    const auto encoder = Make("delimited", {}, true);
    const Field fields[] = {{"a", Value::Int(1)}, {"b", Value::String("x")}};
    EXPECT_EQ(List(*encoder, {Value::Object({}), Value::Object(fields)}), "\na,b\n1,x");
    EXPECT_EQ(List(*encoder, {Value::Object(fields), Value::Object({})}), "a,b\n1,x\n,");
}

}  // namespace
}  // namespace haumea::codec
