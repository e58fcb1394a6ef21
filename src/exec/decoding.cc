#include "exec/decoding.h"

#include <cmath>
#include <utility>

#include "data/cast.h"
#include "data/datetime.h"
#include "data/go_format.h"
#include "data/zone.h"
#include "sql/functions.h"

namespace haumea::exec {
namespace {

codec::ColumnType ToColumnType(const sql::StreamType& type) {
    using Kind = codec::ColumnType::Kind;
    codec::ColumnType column;
    switch (type.type) {
        case sql::FieldType::kBigint:
            column.kind = Kind::kBigint;
            break;
        case sql::FieldType::kFloat:
            column.kind = Kind::kFloat;
            break;
        case sql::FieldType::kString:
            column.kind = Kind::kString;
            break;
        case sql::FieldType::kDatetime:
            column.kind = Kind::kDatetime;
            break;
        case sql::FieldType::kBoolean:
            column.kind = Kind::kBoolean;
            break;
        case sql::FieldType::kBytea:
            column.kind = Kind::kBytea;
            break;
        case sql::FieldType::kArray:
            column.kind = Kind::kArray;
            break;
        case sql::FieldType::kStruct:
            column.kind = Kind::kStruct;
            break;
    }
    for (const sql::StreamType& element : type.element) {
        column.element.push_back(ToColumnType(element));
    }
    for (const sql::StreamField& member : type.members) {
        column.members.emplace_back(member.name, ToColumnType(member.type));
    }
    return column;
}

codec::Column ToColumn(const sql::StreamField& field) {
    codec::Column column;
    column.name = field.name;
    column.type = ToColumnType(field.type);
    if (!field.default_value) {
        return column;
    }
    column.has_default = true;
    const auto set = [&column](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, int64_t>) {
            column.default_value = Value::Int(value);
        } else if constexpr (std::is_same_v<T, double>) {
            column.default_value = Value::Double(value);
        } else if constexpr (std::is_same_v<T, bool>) {
            column.default_value = Value::Bool(value);
        } else {
            column.default_text = value;
            column.default_value = Value::String({});
        }
    };
    std::visit(set, *field.default_value);
    return column;
}

}  // namespace

class TimestampPattern {
  public:
    explicit TimestampPattern(TimePattern compiled) : pattern(std::move(compiled)) {}
    TimePattern pattern;
};

Result<std::unique_ptr<codec::Decoder>> MakeStreamDecoder(const sql::StreamDef& stream,
                                                          const RowLayout& layout,
                                                          const connect::DecodeProperties& properties) {
    codec::DecoderOptions options;
    options.format = stream.options.format.empty() ? "json" : sql::ToLower(stream.options.format);
    options.layout = &layout;
    for (const sql::StreamField& field : stream.fields) {
        options.columns.push_back(ToColumn(field));
    }
    for (codec::Column& column : options.columns) {
        if (column.default_value.is_string()) {
            column.default_value = Value::String(column.default_text);
        }
    }
    options.strict_validation = stream.options.strict_validation;
    options.timestamp_format = stream.options.timestamp_format;
    for (const std::string& delimiter : {properties.delimiter, stream.options.delimiter}) {
        options.delimiter = delimiter.empty() ? options.delimiter : delimiter;
    }
    options.fields = properties.fields;
    options.quoting = properties.quoting;
    options.has_header = properties.has_header;
    options.whole_numbers_as_int = properties.whole_numbers_as_int;
    return codec::MakeDecoder(std::move(options));
}

Result<TimestampReader> TimestampReader::Make(const sql::StreamDef& stream, uint32_t slot) {
    std::shared_ptr<const TimestampPattern> pattern;
    if (!stream.options.timestamp_format.empty()) {
        HAUMEA_TRY(TimePattern compiled, TimePattern::Compile(stream.options.timestamp_format));
        pattern = std::make_shared<const TimestampPattern>(std::move(compiled));
    }
    return TimestampReader(stream.options.timestamp, slot, std::move(pattern));
}

bool TimestampReader::Read(Row& row, const RowLayout& layout, std::string& error) const noexcept {
    const Value value = row.slots[slot_];
    // The usual cases without any conversion. Sums with the lengths of windows must not overflow.
    constexpr int64_t kMostMs = int64_t{1} << 60U;
    if (value.is_number()) {
        const double about = value.number();
        if (!(std::abs(about) < static_cast<double>(kMostMs))) {
            error = "timestamp field " + column_ + " is out of range: ";
            AppendGoText(error, value);
            return false;
        }
        row.timestamp_ms = value.type() == Type::kInt ? value.as_int() : static_cast<int64_t>(about);
        return true;
    }
    if (value.is_missing()) {
        error = "cannot find timestamp field " + column_ + " in tuple map[";
        for (size_t i = 0; i < layout.size(); ++i) {
            if (!row.slots[i].is_missing()) {
                error += error.back() == '[' ? "" : " ";
                error += layout.keys()[i] + ":";
                AppendGoText(error, row.slots[i]);
            }
        }
        error += ']';
        return false;
    }
    if (pattern_ != nullptr && value.is_string()) {
        if (const auto moment = pattern_->pattern.Parse(value.text(), DefaultZone()); moment) {
            row.timestamp_ms = moment->epoch_ms();
            return true;
        }
    }
    error = "cannot convert timestamp field " + column_ + " to timestamp with error ";
    if (value.is_null()) {
        error += "unsupported type to convert to timestamp <nil>";
        return false;
    }
    Arena scratch;
    const Value instant = ToDatetime(value, scratch);
    if (instant.type() == Type::kDatetime) {
        row.timestamp_ms = Moment::FromValue(instant).epoch_ms();
        return true;
    }
    error += instant.text();
    return false;
}

}  // namespace haumea::exec
