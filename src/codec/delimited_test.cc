#include "codec/delimited.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "codec/decoder.h"
#include "codec/encoder.h"

namespace haumea::codec {
namespace {

using testing::ElementsAre;
using Records = std::vector<std::vector<std::string>>;

std::string Quoted(std::string_view value, std::string_view delimiter = ",", bool alone = false) {
    BufferBuilder out;
    AppendQuoted(value, delimiter, alone, out);
    return std::string(out.view());
}

// The records of `text`; a broken one ends in the error.
Records Read(std::string_view text, std::string_view delimiter = ",") {
    Arena arena;
    RecordReader reader(text, delimiter);
    std::vector<std::string_view> values;
    std::string error;
    Records records;
    while (reader.Next(arena, values, error)) {
        records.emplace_back(values.begin(), values.end());
    }
    if (!error.empty()) {
        records.push_back({"!" + error});
    }
    return records;
}

TEST(AppendQuoted, QuotesOnlyWhatNeedsIt) {
    EXPECT_EQ(Quoted("plain text"), "plain text");
    EXPECT_EQ(Quoted("a,b"), "\"a,b\"");
    EXPECT_EQ(Quoted("a;b"), "a;b");
    EXPECT_EQ(Quoted("a::b", "::"), "\"a::b\"");
    EXPECT_EQ(Quoted("say \"no\""), "\"say \"\"no\"\"\"");
    EXPECT_EQ(Quoted("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(Quoted("\r"), "\"\r\"");
    EXPECT_EQ(Quoted(""), "");
    EXPECT_EQ(Quoted("", ",", true), "\"\"");
}

TEST(RecordReader, ReadsRecordsOfLines) {
    EXPECT_THAT(Read("a,b\nc,\"d,e\"\r\n\"f\"\"g\",\"h\ni\""),
                ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d,e"), ElementsAre("f\"g", "h\ni")));
    EXPECT_THAT(Read(",\n\"\"\n"), ElementsAre(ElementsAre("", ""), ElementsAre("")));
    EXPECT_THAT(Read("a||b|c", "||"), ElementsAre(ElementsAre("a", "b|c")));
    EXPECT_THAT(Read(" x , \"y"), ElementsAre(ElementsAre(" x ", " \"y")));
    EXPECT_THAT(Read("a,"), ElementsAre(ElementsAre("a", "")));
}

// A search of the rest of the line for each value would take a minute.
TEST(RecordReader, AMillionValuesInOneLineAreReadInOnePass) {
    const auto records = Read(std::string(2'000'000, ','));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].size(), 2'000'001U);
}

TEST(RecordReader, EmptyLinesAreNoRecords) {
    EXPECT_THAT(Read(""), ElementsAre());
    EXPECT_THAT(Read("\n\r\na\n\n"), ElementsAre(ElementsAre("a")));
}

TEST(RecordReader, BrokenQuotesSayWhere) {
    EXPECT_THAT(Read("a\n\"b"),
                ElementsAre(ElementsAre("a"), ElementsAre("!a quote that opens in line 2 is never closed")));
    EXPECT_THAT(Read("\"x\ny\"\n\"a\"b"),
                ElementsAre(ElementsAre("x\ny"),
                            ElementsAre("!a value in quotes in line 3 goes on after its closing quote")));
}

// Rows of `names` and texts, encoded as a list and decoded again.
class QuotingRoundTrip : public testing::Test {
  protected:
    static std::string Encode(const EncoderOptions& options, const std::vector<std::string>& names,
                              const Records& rows) {
        std::vector<std::vector<Field>> fields;
        std::vector<Value> values;
        for (const auto& row : rows) {
            auto& of_row = fields.emplace_back();
            for (size_t i = 0; i < names.size(); ++i) {
                of_row.push_back({names[i], Value::String(row[i])});
            }
        }
        for (const auto& row : fields) {
            values.push_back(Value::Object(row));
        }
        auto encoder = MakeEncoder(options).value();
        BufferBuilder out;
        std::string error;
        EXPECT_TRUE(encoder->EncodeList(values, out, error)) << error;
        return std::string(out.view());
    }
    static Records Decode(DecoderOptions options, const std::vector<std::string>& names,
                          std::string_view text) {
        const RowLayout layout({}, true);
        options.layout = &layout;
        auto decoder = MakeDecoder(std::move(options)).value();
        Arena arena;
        std::vector<Row> rows;
        std::string error;
        const BufferView message = BufferView::Copy(text);
        EXPECT_TRUE(decoder->Decode(message, arena, rows, error)) << error;
        Records records;
        for (const Row& row : rows) {
            const Value object = Value::Object(row.rest);
            auto& record = records.emplace_back();
            for (const std::string& name : names) {
                record.emplace_back(object.Get(name).text());
            }
        }
        return records;
    }
};

TEST_F(QuotingRoundTrip, WhateverRowsHoldComesBack) {
    std::mt19937 rng(20260101);  // NOLINT: the same rows every time
    const auto below = [&rng](size_t n) { return static_cast<size_t>(rng() % n); };
    for (const char* delimiter : {",", ";", "\t", "||", "ab"}) {
        const std::vector<std::string> parts = {delimiter, "\"", "\n", "\r",   "\r\n",
                                                " ",       "x",  "é",  "\"\"", ""};
        for (int round = 0; round < 400; ++round) {
            std::vector<std::string> names;
            for (size_t i = 0; i <= below(4); ++i) {
                names.push_back(fmt::format("c{}{}", i, parts[below(parts.size())]));
            }
            Records rows(1 + below(5));
            for (auto& row : rows) {
                for (size_t i = 0; i < names.size(); ++i) {
                    std::string& value = row.emplace_back();
                    for (size_t part = below(4); part > 0; --part) {
                        value += parts[below(parts.size())];
                    }
                }
            }
            EncoderOptions to;
            DecoderOptions from;
            to.format = from.format = "delimited";
            to.delimiter = from.delimiter = delimiter;
            to.quoting = from.quoting = Quoting::kRfc4180;
            from.has_header = to.has_header = below(2) == 0;
            if (!to.has_header) {
                from.fields = names;
            }
            const std::string text = Encode(to, names, rows);
            ASSERT_EQ(Decode(from, names, text), rows) << text;
        }
    }
}

TEST_F(QuotingRoundTrip, ListsKeepTheOrderOfFieldsAndTheirHeader) {
    const EncoderOptions options{.format = "delimited",
                                 .delimiter = ";",
                                 .has_header = true,
                                 .quoting = Quoting::kRfc4180,
                                 .fields = {"b", "a"}};
    EXPECT_EQ(Encode(options, {"a", "b"}, {{"1", "x;y"}, {"2", ""}}), "b;a\n\"x;y\";1\n;2");
}

TEST_F(QuotingRoundTrip, AHeaderAloneIsNoRowAndFieldsWinOverIt) {
    DecoderOptions options;
    options.format = "delimited";
    options.quoting = Quoting::kRfc4180;
    options.has_header = true;
    EXPECT_THAT(Decode(options, {"a"}, "a,b\n"), ElementsAre());
    options.fields = {"p", "q"};
    EXPECT_THAT(Decode(options, {"p", "q"}, "a,b\n1,2,3\n4"),
                ElementsAre(ElementsAre("1", "2"), ElementsAre("4", "")));
}

TEST(QuotedDecoder, ABrokenRecordLeavesNoRowOfItsMessage) {
    const RowLayout layout({}, true);
    DecoderOptions options;
    options.format = "delimited";
    options.quoting = Quoting::kRfc4180;
    options.layout = &layout;
    auto decoder = MakeDecoder(options).value();
    Arena arena;
    std::vector<Row> rows(1);
    std::string error;
    EXPECT_FALSE(decoder->Decode(BufferView::Copy("1,2\n\"3"), arena, rows, error));
    EXPECT_EQ(rows.size(), 1U);
    EXPECT_EQ(error, "fail to read delimited values: a quote that opens in line 2 is never closed");
}

TEST(RecordEnd, ARecordEndsWithTheLineThatClosesItsQuotes) {
    struct Case {
        std::vector<std::string_view> lines;
        const char* delimiter = ",";
    };
    for (const Case& c : {Case{{"a,b"}}, Case{{""}}, Case{{"a\"b,c"}}, Case{{"\"a\",\"b\"\"\""}},
                          Case{{"\"a", "", "b\",c"}}, Case{{"x,\"a\"\"", "\"\",", "\",\"b", "c\""}},
                          Case{{"\"a\"x,\"b", "c\""}}, Case{{"a::\"b", "c\"::d"}, "::"}}) {
        RecordEnd end(c.delimiter);
        for (size_t i = 0; i < c.lines.size(); ++i) {
            EXPECT_EQ(end.IsLast(c.lines[i]), i + 1 == c.lines.size()) << c.lines[0] << " line " << i;
        }
    }
}

}  // namespace
}  // namespace haumea::codec
