#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "codec/fields_decoder.h"
#include "codec/formats.h"
#include "codec/percent.h"

namespace haumea::codec {

namespace {

std::string_view NumberedName(size_t column, Arena& arena) noexcept {
    char text[32];
    const auto end = fmt::format_to_n(text, sizeof(text), "col{}", column).out;
    return arena.Copy({text, static_cast<size_t>(end - text)});
}

// FORMAT delimited: one record without quoting, every value a text. Without names the columns are col0, col1
// ...
class DelimitedDecoder final : public FieldsDecoder {
  public:
    using FieldsDecoder::FieldsDecoder;

  private:
    bool Split(std::string_view message, Arena& arena, std::string& error) noexcept override {
        static_cast<void>(error);
        const std::string_view delimiter = Delimiter();
        const auto& names = options().fields;
        for (size_t column = 0; names.empty() || column < names.size(); ++column) {
            const size_t end = message.find(delimiter);
            const std::string_view key =
                names.empty() ? NumberedName(column, arena) : std::string_view(names[column]);
            Put(key, Value::String(message.substr(0, end)));
            if (end == std::string_view::npos) {
                break;
            }
            message.remove_prefix(end + delimiter.size());
        }
        return true;
    }
};

// The same with quoting: a row per record, and the first record may name the columns.
class QuotedDecoder final : public FieldsDecoder {
  public:
    using FieldsDecoder::FieldsDecoder;

    bool Decode(const BufferView& message, Arena& arena, std::vector<Row>& rows,
                std::string& error) noexcept override {
        const size_t before = rows.size();
        RecordReader reader(message.view(), Delimiter());
        names_.assign(options().fields.begin(), options().fields.end());
        bool header = options().has_header;
        while (reader.Next(arena, values_, error)) {
            if (std::exchange(header, false)) {
                names_ = names_.empty() ? values_ : names_;
                continue;
            }
            StartRow(arena);
            const size_t count = names_.empty() ? values_.size() : std::min(names_.size(), values_.size());
            for (size_t i = 0; i < count; ++i) {
                Put(names_.empty() ? NumberedName(i, arena) : names_[i], Value::String(values_[i]));
            }
            if (!FinishRow(arena, rows, error)) {
                break;
            }
        }
        if (!error.empty()) {
            error = "fail to read delimited values: " + error;
            rows.resize(before);
            return false;
        }
        return true;
    }

  private:
    bool Split(std::string_view, Arena&, std::string&) noexcept override { return false; }

    std::vector<std::string_view> names_;
    std::vector<std::string_view> values_;
};

// FORMAT urlencoded: a=1&b=x; repeated keys become an array.
class UrlencodedDecoder final : public FieldsDecoder {
  public:
    using FieldsDecoder::FieldsDecoder;

  private:
    bool Split(std::string_view message, Arena& arena, std::string& error) noexcept override {
        pairs_.clear();
        while (!message.empty()) {
            const size_t end = std::min(message.find('&'), message.size());
            const std::string_view pair = message.substr(0, end);
            message.remove_prefix(std::min(end + 1, message.size()));
            if (pair.empty()) {
                continue;
            }
            if (pair.find(';') != std::string_view::npos) {
                error =
                    "fail to parse url encoded value: a semicolon separates nothing; use & between fields";
                return false;
            }
            const size_t equals = std::min(pair.find('='), pair.size());
            const auto key = PercentDecode(pair.substr(0, equals), arena);
            const auto value = PercentDecode(pair.substr(std::min(equals + 1, pair.size())), arena);
            if (!key || !value) {
                error = fmt::format("fail to parse url encoded value: invalid URL escape in \"{}\"",
                                    pair.substr(0, 64));
                return false;
            }
            pairs_.push_back({*key, Value::String(*value)});
        }
        std::stable_sort(pairs_.begin(), pairs_.end(),
                         [](const Field& a, const Field& b) { return a.key < b.key; });
        PutGroups(arena);
        return true;
    }

    void PutGroups(Arena& arena) noexcept {
        for (auto first = pairs_.begin(); first != pairs_.end();) {
            const auto last =
                std::find_if(first, pairs_.end(), [&](const Field& f) { return f.key != first->key; });
            const auto count = static_cast<size_t>(last - first);
            if (count == 1) {
                Put(first->key, first->value);
            } else {
                Value* items = arena.AllocateArray<Value>(count);
                std::transform(first, last, items, [](const Field& field) { return field.value; });
                Put(first->key, Value::Array({items, count}));
            }
            first = last;
        }
    }

    std::vector<Field> pairs_;
};

// FORMAT binary: the whole message is one bytea, under the name of the declared column or `self`.
class BinaryDecoder final : public FieldsDecoder {
  public:
    using FieldsDecoder::FieldsDecoder;

  private:
    bool Split(std::string_view message, Arena& arena, std::string& error) noexcept override {
        static_cast<void>(arena);
        static_cast<void>(error);
        Put(options().columns.empty() ? std::string_view("self")
                                      : std::string_view(options().columns.front().name),
            Value::Bytes(message));
        return true;
    }
};

}  // namespace

std::unique_ptr<Decoder> MakeDelimitedDecoder(DecoderOptions options) {
    if (options.quoting == Quoting::kRfc4180) {
        return std::make_unique<QuotedDecoder>(std::move(options));
    }
    return std::make_unique<DelimitedDecoder>(std::move(options));
}

std::unique_ptr<Decoder> MakeUrlencodedDecoder(DecoderOptions options) {
    return std::make_unique<UrlencodedDecoder>(std::move(options));
}

Result<std::unique_ptr<Decoder>> MakeBinaryDecoder(DecoderOptions options) {
    if (options.columns.size() > 1) {
        return Failf("'binary' format stream can have only one field");
    }
    if (options.columns.size() == 1 && options.columns.front().type.kind != ColumnType::Kind::kBytea) {
        return Failf("'binary' format stream can have only 'bytea' type field");
    }
    return std::make_unique<BinaryDecoder>(std::move(options));
}

}  // namespace haumea::codec
