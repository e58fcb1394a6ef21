#include <gtest/gtest.h>

#include "codec/decoder.h"
#include "data/go_format.h"

namespace haumea::codec {
namespace {

// Decodes with the given columns and shows every row as Go prints a map; errors in front of '!'.
class Decoding {
  public:
    Decoding(std::vector<std::string> keys, bool open, std::vector<Column> columns = {}, bool strict = false)
        : layout_(std::move(keys), open) {
        DecoderOptions options;
        options.layout = &layout_;
        options.columns = std::move(columns);
        options.strict_validation = strict;
        options.max_depth = 16;
        decoder_ = std::move(*MakeDecoder(std::move(options)));
    }

    std::string operator()(std::string_view text) {
        arena_.Reset();
        rows_.clear();
        std::string error;
        const BufferView message = BufferView::Copy(text);
        if (!decoder_->Decode(message, arena_, rows_, error)) {
            EXPECT_TRUE(rows_.empty());
            return "!" + error;
        }
        std::string shown;
        for (const Row& row : rows_) {
            std::vector<Field> fields(row.rest.begin(), row.rest.end());
            for (size_t i = 0; i < layout_.size(); ++i) {
                if (!row.slots[i].is_missing()) {
                    fields.push_back({layout_.keys()[i], row.slots[i]});
                }
            }
            fields.resize(SortFields(fields));
            shown += GoText(Value::Object(fields)).substr(3);
        }
        return shown;
    }
    const std::vector<Row>& rows() const { return rows_; }

  private:
    RowLayout layout_;
    std::unique_ptr<Decoder> decoder_;
    Arena arena_;
    std::vector<Row> rows_;
};

Column Declared(std::string name, ColumnType::Kind kind) {
    Column column;
    column.name = std::move(name);
    column.type.kind = kind;
    return column;
}

TEST(JsonDecoder, FillsOnlyTheWantedSlots) {
    Decoding decode({"temperature", "id"}, false);
    EXPECT_EQ(decode(R"({"id":"x","other":[1,{"id":2}],"temperature":21.5})"), "[id:x temperature:21.5]");
    EXPECT_EQ(decode(R"({"other":1})"), "[]");
    EXPECT_EQ(decode(R"({"id":null})"), "[id:<nil>]");
}

TEST(JsonDecoder, KeysThatShareAPrefixAreToldApart) {
    Decoding decode({"temperature_in", "temperature_out", "t", "te", "temp"}, false);
    EXPECT_EQ(
        decode(
            R"({"temperature_out":2,"temperature_in":1,"temperature_up":3,"te":4,"t":5,"tem":6,"temp":7})"),
        "[t:5 te:4 temp:7 temperature_in:1 temperature_out:2]");
}

TEST(JsonDecoder, OpenLayoutsKeepTheOtherKeysSorted) {
    Decoding decode({"b"}, true);
    EXPECT_EQ(decode(R"({"z":1,"b":2,"a":{"y":[1,"s",null],"x":true}})"),
              "[a:map[x:true y:[1 s <nil>]] b:2 z:1]");
    ASSERT_EQ(decode.rows().front().rest.size(), 2U);
    EXPECT_EQ(decode.rows().front().rest[0].key, "a");
}

TEST(JsonDecoder, TheLastOfDuplicateKeysWins) {
    Decoding decode({"a"}, true);
    EXPECT_EQ(decode(R"({"a":1,"b":1,"a":2,"b":{"c":1,"c":2}})"), "[a:2 b:map[c:2]]");
}

TEST(JsonDecoder, AnArrayIsARowPerElement) {
    Decoding decode({"a"}, false);
    EXPECT_EQ(decode(R"([{"a":1},{},{"a":3}])"), "[a:1][][a:3]");
    EXPECT_EQ(decode("[]"), "");
    EXPECT_EQ(decode(R"([{"a":1},7])"), "!value doesn't contain object; it contains number");
    EXPECT_EQ(decode(R"([[]])"), "!value doesn't contain object; it contains array");
}

TEST(JsonDecoder, TopLevelScalarsAreErrors) {
    Decoding decode({"a"}, false);
    for (const char* text : {"5", "\"x\"", "true", "null"}) {
        EXPECT_TRUE(decode(text).starts_with(
            "!only map[string]interface{} and []map[string]interface{} is supported"))
            << text;
    }
}

TEST(JsonDecoder, BrokenTextIsAnErrorWhetherReadOrSkipped) {
    Decoding reading({"v"}, false);
    Decoding skipping({"w"}, false);
    Decoding open({}, true);
    for (const char* text : {"",
                             " ",
                             "{",
                             "}",
                             "[",
                             "{\"v\"}",
                             "{\"v\":}",
                             "{\"v\":1,}",
                             "{\"v\":1}{}",
                             "{\"v\":1 2}",
                             "{\"v\":01}",
                             "{\"v\":-01}",
                             "{\"v\":1.}",
                             "{\"v\":.5}",
                             "{\"v\":+1}",
                             "{\"v\":1e}",
                             "{\"v\":1e+}",
                             "{\"v\":--1}",
                             "{\"v\":NaN}",
                             "{\"v\":inf}",
                             "{\"v\":tru}",
                             "{\"v\":True}",
                             "{\"v\":nulll}",
                             "{\"v\":0x10}",
                             "{\"v\":'s'}",
                             "{\"v\":\"a\nb\"}",
                             "{\"v\":\"\\x41\"}",
                             "{\"v\":\"\\u12g4\"}",
                             "{\"v\":\"\\u12\"}",
                             "{\"v\":\"abc}",
                             "{\"v\":\"\xff\"}",
                             "{\"v\":\"\xc0\x80\"}",
                             "{\"v\":\"\xed\xa0\x80\"}",
                             "{\"v\":[1,]}",
                             "{\"v\":[1 2]}",
                             "{\"v\":[1}",
                             "{\"v\":{\"a\":1]}",
                             "{\"v\":{\"a\" 1}}",
                             "{\"v\":{1:2}}",
                             "{v:1}",
                             "{\"v\":1,,\"w\":2}",
                             "{\"v\":1/*c*/}",
                             "\xef\xbb\xbf{}",
                             "{\"v\":\"a\"\"b\"}",
                             "{\"v\":1\"b\"}",
                             "{\"v\":{\"a\":1,}}",
                             "[{\"v\":1},]"}) {
        EXPECT_TRUE(reading(text).starts_with("!")) << text;
        EXPECT_TRUE(skipping(text).starts_with("!")) << text;
        EXPECT_TRUE(open(text).starts_with("!")) << text;
    }
}

TEST(JsonDecoder, EscapesAreResolvedInKeysAndStrings) {
    Decoding decode({"ab", "v"}, false);
    EXPECT_EQ(decode(R"({"\u0061b":1,"v":"\"\\\/\b\f\n\r\té\ud83d\ude00"})"),
              "[ab:1 v:\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80]");
    EXPECT_EQ(decode(R"({"v":"\ude00x \ud83d"})"), "[v:\\ude00x \\ud83d]");
}

TEST(JsonDecoder, StringsWithoutEscapesAreViewsOfTheMessage) {
    const RowLayout layout({"v"}, false);
    DecoderOptions options;
    options.layout = &layout;
    auto decoder = std::move(*MakeDecoder(std::move(options)));
    const BufferView message = BufferView::Copy(R"({"v":"hello"})");
    Arena arena;
    std::vector<Row> rows;
    std::string error;
    ASSERT_TRUE(decoder->Decode(message, arena, rows, error));
    EXPECT_EQ(rows[0].slots[0].text().data(), message.ptr + 6);
}

TEST(JsonDecoder, NumbersAreTheNearestDouble) {
    Decoding decode({"v"}, false);
    const auto number = [&decode](std::string_view text) {
        EXPECT_FALSE(decode("{\"v\":" + std::string(text) + "}").starts_with("!")) << text;
        return decode.rows().front().slots[0].as_double();
    };
    EXPECT_EQ(number("0"), 0.0);
    EXPECT_TRUE(std::signbit(number("-0")));
    EXPECT_TRUE(std::signbit(number("-0e5")));
    EXPECT_EQ(number("9007199254740993"), 9007199254740992.0);
    EXPECT_EQ(number("123456789012345678901"), 123456789012345678901.0);
    EXPECT_EQ(number("3.141592653589793238462643"), 3.141592653589793);
    EXPECT_EQ(number("0.000001"), 1e-6);
    EXPECT_EQ(number("1.7976931348623157e308"), 1.7976931348623157e308);
    EXPECT_EQ(number("5e-324"), 5e-324);
    EXPECT_EQ(number("1e23"), 1e23);
    EXPECT_EQ(number("0.1e1"), 1.0);
    EXPECT_EQ(number("1e309"), std::numeric_limits<double>::infinity());
    EXPECT_EQ(number("-1e309"), -std::numeric_limits<double>::infinity());
    EXPECT_EQ(number("2e-400"), 0.0);
    EXPECT_EQ(number("0e999999999999"), 0.0);
    EXPECT_EQ(number("1000000000000000000000000e-24"), 1.0);
}

TEST(JsonDecoder, NestingBeyondTheLimitIsAnError) {
    Decoding reading({"v"}, false);
    Decoding skipping({}, false);
    const auto nested = [](size_t depth) {
        return "{\"v\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_FALSE(reading(nested(15)).starts_with("!"));
    EXPECT_NE(reading(nested(16)).find("nested too deeply"), std::string::npos);
    EXPECT_NE(skipping(nested(100000)).find("nested too deeply"), std::string::npos);
}

TEST(JsonDecoder, ATypedColumnAcceptsWhatItsTypeSays) {
    Decoding decode({"v"}, false, {Declared("v", ColumnType::Kind::kBigint)});
    EXPECT_EQ(decode(R"({"v":9223372036854775807})"), "[v:9223372036854775807]");
    EXPECT_EQ(decode(R"({"v":-0})"), "[v:0]");
    EXPECT_EQ(decode(R"({"v":null})"), "[v:<nil>]");
    EXPECT_NE(decode(R"({"v":1.0})").find("unparsed tail left after parsing int64 form \"1.0\": \".0\""),
              std::string::npos);
    EXPECT_TRUE(decode(R"({"v":1e3})").starts_with("!"));
    EXPECT_TRUE(decode(R"({"v":9223372036854775808})").starts_with("!"));
    EXPECT_EQ(decode(R"({"v":"1"})"), "!v has wrong type:string, expect:bigint");

    Decoding text({"v"}, false, {Declared("v", ColumnType::Kind::kString)});
    EXPECT_EQ(text(R"({"v":1000000})"), "[v:1e+06]");
    EXPECT_EQ(text(R"({"v":20})"), "[v:20]");
    EXPECT_EQ(text(R"({"v":true})"), "!v has wrong type:true, expect:string");

    Decoding boolean({"v"}, false, {Declared("v", ColumnType::Kind::kBoolean)});
    EXPECT_EQ(boolean(R"({"v":2})"), "[v:true]");
    EXPECT_EQ(boolean(R"({"v":"F"})"), "[v:false]");
    EXPECT_TRUE(boolean(R"({"v":"yes"})").starts_with("!strconv.ParseBool: parsing \"yes\": invalid syntax"));

    Decoding bytes({"v"}, false, {Declared("v", ColumnType::Kind::kBytea)});
    EXPECT_EQ(bytes(R"({"v":"SGk="})"), "[v:[72 105]]");
    EXPECT_EQ(bytes(R"({"v":"hi!"})"), "[v:[104 105 33]]");
    EXPECT_EQ(bytes(R"({"v":5})"), "!v has wrong type:number, expect:bytea");
}

TEST(JsonDecoder, TypedArraysAndStructsAreCheckedInside) {
    Column array = Declared("v", ColumnType::Kind::kArray);
    array.type.element.push_back({.kind = ColumnType::Kind::kBigint, .element = {}, .members = {}});
    Decoding decode({"v"}, false, {array});
    EXPECT_EQ(decode(R"({"v":[1,null]})"), "[v:[1 <nil>]]");
    EXPECT_EQ(decode(R"({"v":["1"]})"), "!array has wrong type:string, expect:bigint");
    EXPECT_EQ(decode(R"({"v":{}})"), "!v has wrong type:object, expect:array");

    Column record = Declared("v", ColumnType::Kind::kStruct);
    record.type.members.emplace_back(
        "x", ColumnType{.kind = ColumnType::Kind::kBigint, .element = {}, .members = {}});
    Decoding nested({"v"}, false, {record});
    EXPECT_EQ(nested(R"({"v":{"x":1,"z":[2]}})"), "[v:map[x:1]]");
    EXPECT_EQ(nested(R"({"v":{"x":"1"}})"), "!x has wrong type:string, expect:bigint");
}

TEST(JsonDecoder, ASchemaKeepsOnlyDeclaredColumnsAndChecksOnlyThoseThatAreRead) {
    const std::vector<Column> columns = {Declared("a", ColumnType::Kind::kBigint),
                                         Declared("b", ColumnType::Kind::kBigint)};
    Decoding pruned({"a"}, false, columns);
    EXPECT_EQ(pruned(R"({"a":1,"b":"wrong","c":2})"), "[a:1]");
    Decoding open({"b"}, true, columns);
    EXPECT_EQ(open(R"({"c":3,"b":2,"a":1})"), "[a:1 b:2]");
    EXPECT_EQ(open(R"({"c":3,"b":2,"a":"x"})"), "!a has wrong type:string, expect:bigint");
}

TEST(JsonDecoder, StrictValidationWantsEveryColumnOrItsDefault) {
    Column with_default = Declared("a", ColumnType::Kind::kBigint);
    with_default.has_default = true;
    with_default.default_value = Value::Int(7);
    Decoding decode({"a", "d"}, false, {with_default, Declared("d", ColumnType::Kind::kDatetime)}, true);
    EXPECT_EQ(decode(R"({"d":1541152486013})"), "[a:7 d:2018-11-02 09:54:46.013 +0000 UTC]");
    EXPECT_EQ(decode(R"({"a":1})"), "!error in preprocessor: field d is not found");
    EXPECT_EQ(decode(R"({"a":null,"d":1})"),
              "!error in preprocessor: field a type mismatch: cannot convert <nil>(<nil>) to int64");
    EXPECT_TRUE(decode(R"({"a":1,"d":"zz"})").starts_with("!error in preprocessor: field d type mismatch: "));
}

}  // namespace
}  // namespace haumea::codec
