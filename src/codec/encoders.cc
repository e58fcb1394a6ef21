#include <fmt/core.h>

#include "codec/formats.h"
#include "codec/json_writer.h"
#include "codec/percent.h"
#include "data/cast.h"
#include "data/go_format.h"

namespace haumea::codec {

namespace {

class JsonEncoder final : public Encoder {
  public:
    bool EncodeOne(const Value& value, BufferBuilder& out, std::string& error) noexcept override {
        return WriteJson(value, out, error);
    }
    bool EncodeList(std::span<const Value> rows, BufferBuilder& out, std::string& error) noexcept override {
        return WriteJson(Value::Array(rows), out, error);
    }
    bool is_text() const override { return true; }
};

// How delimited and urlencoded output shows a value: null as nothing, numbers without exponent.
std::string_view PlainText(const Value& value, Arena& arena) {
    if (value.is_null()) {
        return {};
    }
    return ToText(value, Casting::kAll, arena).value_or(std::string_view());
}

bool NotAnObject(std::string shown, std::string& error) {
    constexpr size_t kShown = 256;
    shown.resize(std::min(shown.size(), kShown));
    error = fmt::format(
        "unsupported type {}, must be a map: set sendSingle, this format takes single rows only", shown);
    return false;
}

// Columns in the order of `fields`, else the sorted keys of the first row. Single rows keep the columns of
// the first one for the life of the action; a list takes those of its own first row that has any and ignores
// `fields`, unless values are quoted: then there is no older behaviour to keep.
class DelimitedEncoder final : public Encoder {
  public:
    explicit DelimitedEncoder(const EncoderOptions& options)
        : delimiter_(options.delimiter.empty() ? "," : options.delimiter),
          has_header_(options.has_header),
          quoting_(options.quoting),
          columns_(options.fields) {
        if (quoting_ != Quoting::kNone) {
            list_fields_ = options.fields;
        }
    }

    bool EncodeOne(const Value& value, BufferBuilder& out, std::string& error) noexcept override {
        if (!value.is_object()) {
            return NotAnObject(GoText(value), error);
        }
        arena_.Reset();
        const bool first = std::exchange(first_, false);
        TakeColumns(value, columns_);
        if (has_header_ && first) {
            AppendHeader(columns_, out);
        }
        AppendRow(value, columns_, out);
        return true;
    }

    bool EncodeList(std::span<const Value> rows, BufferBuilder& out, std::string& error) noexcept override {
        arena_.Reset();
        list_columns_ = list_fields_;
        bool headed = !has_header_;
        bool first = true;
        for (const Value& row : rows) {
            if (!row.is_object()) {
                return NotAnObject(GoText(row), error);
            }
            if (!std::exchange(first, false)) {
                out.Append('\n');
            }
            // The first row that has columns decides them, and the header stands above it.
            if (TakeColumns(row, list_columns_) && !std::exchange(headed, true)) {
                AppendHeader(list_columns_, out);
            }
            AppendRow(row, list_columns_, out);
        }
        return true;
    }
    // Texts go out as they came in, bytea columns raw: the sink has to check.
    bool is_text() const override { return false; }

  private:
    // Are there columns now?
    static bool TakeColumns(const Value& row, std::vector<std::string>& columns) {
        if (!columns.empty()) {
            return true;
        }
        for (const Field& field : row.fields()) {
            if (!field.value.is_missing()) {
                columns.emplace_back(field.key);
            }
        }
        return !columns.empty();
    }
    void AppendHeader(const std::vector<std::string>& columns, BufferBuilder& out) const {
        for (size_t i = 0; i < columns.size(); ++i) {
            out.Append(i == 0 ? std::string_view() : std::string_view(delimiter_));
            AppendValue(columns[i], columns.size() == 1, out);
        }
        out.Append('\n');
    }
    void AppendRow(const Value& row, const std::vector<std::string>& columns, BufferBuilder& out) {
        for (size_t i = 0; i < columns.size(); ++i) {
            out.Append(i == 0 ? std::string_view() : std::string_view(delimiter_));
            AppendValue(PlainText(row.Get(columns[i]), arena_), columns.size() == 1, out);
        }
    }
    void AppendValue(std::string_view value, bool alone, BufferBuilder& out) const {
        if (quoting_ == Quoting::kNone) {
            out.Append(value);
        } else {
            AppendQuoted(value, delimiter_, alone, out);
        }
    }

    std::string delimiter_;
    bool has_header_;
    Quoting quoting_;
    bool first_ = true;
    std::vector<std::string> columns_;
    std::vector<std::string> list_fields_;
    std::vector<std::string> list_columns_;
    Arena arena_;
};

// a=1&b=x with sorted keys; an array repeats its key.
class UrlencodedEncoder final : public Encoder {
  public:
    bool EncodeOne(const Value& value, BufferBuilder& out, std::string& error) noexcept override {
        if (!value.is_object()) {
            return NotAnObject(GoText(value), error);
        }
        arena_.Reset();
        bool first = true;
        for (const Field& field : value.fields()) {
            if (field.value.is_missing()) {
                continue;
            }
            if (field.value.is_array()) {
                for (const Value& item : field.value.items()) {
                    AppendPair(field.key, item, first, out);
                }
            } else {
                AppendPair(field.key, field.value, first, out);
            }
        }
        return true;
    }
    bool EncodeList(std::span<const Value> rows, BufferBuilder& out, std::string& error) noexcept override {
        static_cast<void>(out);
        return NotAnObject(GoText(Value::Array(rows)), error);
    }
    bool is_text() const override { return true; }

  private:
    void AppendPair(std::string_view key, const Value& value, bool& first, BufferBuilder& out) {
        if (!std::exchange(first, false)) {
            out.Append('&');
        }
        PercentEncode(key, out);
        out.Append('=');
        PercentEncode(PlainText(value, arena_), out);
    }
    Arena arena_;
};

// The field `self` as it is: bytes, or a text that is base64 or else taken as it is.
class BinaryEncoder final : public Encoder {
  public:
    bool EncodeOne(const Value& value, BufferBuilder& out, std::string& error) noexcept override {
        if (!value.is_object()) {
            return NotAnObject(GoText(value), error);
        }
        const Value self = value.Get("self");
        if (self.is_missing()) {
            error = "field self not exist";
            return false;
        }
        if (!self.is_string() && self.type() != Type::kBytes) {
            error = fmt::format("field self is a {}, the binary format needs bytea or string",
                                TypeName(self.type()));
            return false;
        }
        arena_.Reset();
        out.Append(ToBytes(self, arena_).value_or(self.text()));
        return true;
    }
    bool EncodeList(std::span<const Value> rows, BufferBuilder& out, std::string& error) noexcept override {
        static_cast<void>(out);
        return NotAnObject(GoText(Value::Array(rows)), error);
    }
    bool is_text() const override { return false; }

  private:
    Arena arena_;
};

}  // namespace

std::unique_ptr<Encoder> MakeJsonEncoder() { return std::make_unique<JsonEncoder>(); }
std::unique_ptr<Encoder> MakeDelimitedEncoder(const EncoderOptions& options) {
    return std::make_unique<DelimitedEncoder>(options);
}
std::unique_ptr<Encoder> MakeUrlencodedEncoder() { return std::make_unique<UrlencodedEncoder>(); }
std::unique_ptr<Encoder> MakeBinaryEncoder() { return std::make_unique<BinaryEncoder>(); }

}  // namespace haumea::codec
