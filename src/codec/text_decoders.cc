#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "codec/column_table.h"
#include "codec/formats.h"
#include "codec/percent.h"

namespace haumea::codec {

namespace {

// What the formats other than JSON share: a message is one row of fields, without types.
class FieldsDecoder : public Decoder {
  public:
    explicit FieldsDecoder(DecoderOptions options) : table_(std::move(options)) {}

    bool Decode(const BufferView& message, Arena& arena, std::vector<Row>& rows,
                std::string& error) noexcept final {
        slots_ = table_.NewSlots(arena);
        others_.clear();
        Row row;
        if (!Split(message.view(), arena, error) || !table_.FinishRow(slots_, others_, arena, row, error)) {
            return false;
        }
        rows.push_back(row);
        return true;
    }
    bool Pick(const Value& object, Arena& arena, std::vector<Row>& rows, std::string& error) noexcept final {
        Row row;
        if (!table_.PickRow(object, arena, row, error)) {
            return false;
        }
        rows.push_back(row);
        return true;
    }

  protected:
    // Calls Put for every field of `message`.
    virtual bool Split(std::string_view message, Arena& arena, std::string& error) noexcept = 0;

    void Put(std::string_view key, const Value& value) noexcept {
        if (const ColumnTarget* target = table_.Find(key); target != nullptr) {
            slots_[target->slot] = value;
        } else if (table_.keeps_others()) {
            others_.push_back({key, value});
        }
    }
    const DecoderOptions& options() const noexcept { return table_.options(); }

  private:
    ColumnTable table_;
    Value* slots_ = nullptr;
    std::vector<Field> others_;
};

// FORMAT delimited: one record without quoting, every value a text. Without names the columns are col0, col1
// ...
class DelimitedDecoder final : public FieldsDecoder {
  public:
    using FieldsDecoder::FieldsDecoder;

  private:
    bool Split(std::string_view message, Arena& arena, std::string& error) noexcept override {
        static_cast<void>(error);
        const std::string_view delimiter =
            options().delimiter.empty() ? "," : std::string_view(options().delimiter);
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

    static std::string_view NumberedName(size_t column, Arena& arena) noexcept {
        char text[32];
        const auto end = fmt::format_to_n(text, sizeof(text), "col{}", column).out;
        return arena.Copy({text, static_cast<size_t>(end - text)});
    }
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
