#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "data/go_format.h"

namespace haumea::codec {
namespace {

// Rows of random values, the same ones every time.
class RandomRows {
  public:
    size_t Below(size_t n) { return static_cast<size_t>(rng_() % n); }

    std::string_view Text() {
        static constexpr std::string_view kParts[] = {"x",   "\"", "\\", "\n",   "\x01", "é", "😀",
                                                      "<&>", "=",  "&",  "\x7f", "+",    "%", " ",
                                                      "/",   "\t", "",   "0",    ";",    "?"};
        std::string text;
        for (size_t part = Below(5); part > 0; --part) {
            text += kParts[Below(std::size(kParts))];
        }
        return arena_.Copy(text);
    }
    Value Any(int depth) {
        switch (Below(depth > 0 ? 7 : 5)) {
            case 0:
                return Value::Null();
            case 1:
                return Value::Bool(Below(2) == 0);
            case 2:
                return Value::Double(static_cast<double>(static_cast<int64_t>(rng_())));
            case 3:
                return Value::Double(static_cast<double>(rng_()) / 1e7);
            case 4:
                return Value::String(Text());
            case 5: {
                const size_t count = Below(4);
                Value* items = arena_.AllocateArray<Value>(count);
                for (size_t i = 0; i < count; ++i) {
                    items[i] = Any(depth - 1);
                }
                return Value::Array({items, count});
            }
            default:
                return Object(depth - 1);
        }
    }
    Value Object(int depth) {
        const size_t count = Below(5);
        Field* fields = arena_.AllocateArray<Field>(count);
        for (size_t i = 0; i < count; ++i) {
            fields[i] = {arena_.Copy(fmt::format("k{}{}", i, Text())), Any(depth)};
        }
        return Value::Object({fields, SortFields({fields, count})});
    }

  private:
    std::mt19937_64 rng_{20260102};  // NOLINT: on purpose always the same
    Arena arena_;
};

// What a stream without a schema makes of `payload`, one text per row.
std::vector<std::string> Decoded(const char* format, const BufferView& payload) {
    const RowLayout layout({}, true);
    DecoderOptions options;
    options.format = format;
    options.layout = &layout;
    auto decoder = MakeDecoder(std::move(options)).value();
    Arena arena;
    std::vector<Row> rows;
    std::string error;
    EXPECT_TRUE(decoder->Decode(payload, arena, rows, error)) << error << ": " << payload.view();
    std::vector<std::string> texts;
    for (const Row& row : rows) {
        texts.push_back(GoText(Value::Object(row.rest)));
    }
    return texts;
}

std::unique_ptr<Encoder> Encoding(const char* format) {
    EncoderOptions options;
    options.format = format;
    return MakeEncoder(options).value();
}

TEST(RoundTrip, JsonRowsAndListsOfThem) {
    RandomRows random;
    const auto encoder = Encoding("json");
    for (int round = 0; round < 2000; ++round) {
        std::vector<Value> rows;
        std::vector<std::string> wanted;
        for (size_t count = 1 + random.Below(3); count > 0; --count) {
            rows.push_back(random.Object(3));
            wanted.push_back(GoText(rows.back()));
        }
        BufferBuilder one;
        BufferBuilder list;
        std::string error;
        ASSERT_TRUE(encoder->EncodeOne(rows.front(), one, error)) << error;
        ASSERT_TRUE(encoder->EncodeList(rows, list, error)) << error;
        EXPECT_EQ(Decoded("json", one.Take()), std::vector(wanted.begin(), wanted.begin() + 1));
        EXPECT_EQ(Decoded("json", list.Take()), wanted);
    }
}

TEST(RoundTrip, UrlencodedRowsOfTexts) {
    RandomRows random;
    const auto encoder = Encoding("urlencoded");
    for (int round = 0; round < 2000; ++round) {
        std::vector<Field> fields;
        std::vector<std::string> keys;
        for (size_t i = 0; i < 1 + random.Below(4); ++i) {
            keys.push_back(fmt::format("k{}{}", i, random.Text()));
        }
        for (const std::string& key : keys) {
            fields.push_back({key, Value::String(random.Text())});
        }
        const Value row = Value::Object({fields.data(), SortFields(fields)});
        BufferBuilder out;
        std::string error;
        ASSERT_TRUE(encoder->EncodeOne(row, out, error)) << error;
        EXPECT_EQ(Decoded("urlencoded", out.Take()), std::vector{GoText(row)});
    }
}

TEST(RoundTrip, BinaryBytes) {
    RandomRows random;
    const auto encoder = Encoding("binary");
    for (int round = 0; round < 500; ++round) {
        std::string bytes;
        for (size_t size = random.Below(300); size > 0; --size) {
            bytes += static_cast<char>(random.Below(256));
        }
        const Field self{"self", Value::Bytes(bytes)};
        BufferBuilder out;
        std::string error;
        ASSERT_TRUE(encoder->EncodeOne(Value::Object({&self, 1}), out, error)) << error;
        EXPECT_EQ(out.view(), bytes);
        EXPECT_EQ(Decoded("binary", out.Take()), std::vector{GoText(Value::Object({&self, 1}))});
    }
}

}  // namespace
}  // namespace haumea::codec
