#include <gtest/gtest.h>

#include "codec/decoder.h"
#include "data/go_format.h"

namespace haumea::codec {
namespace {

std::string Decode(DecoderOptions options, std::string_view text) {
    const RowLayout layout({}, true);
    options.layout = &layout;
    auto decoder = MakeDecoder(std::move(options));
    if (!decoder) {
        return "!" + decoder.error().message;
    }
    Arena arena;
    std::vector<Row> rows;
    std::string error;
    const BufferView message = BufferView::Copy(text);
    if (!(*decoder)->Decode(message, arena, rows, error)) {
        return "!" + error;
    }
    return GoText(Value::Object(rows.at(0).rest)).substr(3);
}

TEST(DelimitedDecoder, SplitsWithoutQuoting) {
    DecoderOptions options;
    options.format = "delimited";
    EXPECT_EQ(Decode(options, "1,\"a b\",,x"), "[col0:1 col1:\"a b\" col2: col3:x]");
    EXPECT_EQ(Decode(options, ""), "[col0:]");
    options.delimiter = "||";
    options.fields = {"a", "b"};
    EXPECT_EQ(Decode(options, "1||2||3"), "[a:1 b:2]");
    EXPECT_EQ(Decode(options, "1"), "[a:1]");
}

TEST(UrlencodedDecoder, DecodesEscapesAndCollectsRepeatedKeys) {
    DecoderOptions options;
    options.format = "urlencoded";
    EXPECT_EQ(Decode(options, "b=2&a=x+y%26z&b=3&c"), "[a:x y&z b:[2 3] c:]");
    EXPECT_TRUE(Decode(options, "a=%zz").starts_with("!fail to parse url encoded value"));
    EXPECT_TRUE(Decode(options, "a=%4").starts_with("!fail to parse url encoded value"));
    EXPECT_TRUE(Decode(options, "a=1;b=2").starts_with("!fail to parse url encoded value"));
}

TEST(BinaryDecoder, IsOneFieldNamedSelfOrAsDeclared) {
    DecoderOptions options;
    options.format = "binary";
    EXPECT_EQ(Decode(options, "Hi"), "[self:[72 105]]");
    Column column;
    column.name = "image";
    column.type.kind = ColumnType::Kind::kBytea;
    options.columns = {column};
    EXPECT_EQ(Decode(options, "Hi"), "[image:[72 105]]");
    options.columns.push_back(column);
    EXPECT_EQ(Decode(options, "Hi"), "!'binary' format stream can have only one field");
}

TEST(MakeDecoder, NamesAnUnknownFormat) {
    DecoderOptions options;
    options.format = "xml";
    EXPECT_EQ(Decode(options, ""),
              "!format type xml not supported: use json, delimited, urlencoded or binary");
}

}  // namespace
}  // namespace haumea::codec
