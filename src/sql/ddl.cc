#include "sql/ddl.h"

#include <fmt/format.h>

#include "sql/parser.h"
#include "sql/printer.h"

namespace haumea::sql {

std::string_view ToText(FieldType type) {
    switch (type) {
        case FieldType::kBigint:
            return "bigint";
        case FieldType::kFloat:
            return "float";
        case FieldType::kString:
            return "string";
        case FieldType::kDatetime:
            return "datetime";
        case FieldType::kBoolean:
            return "boolean";
        case FieldType::kBytea:
            return "bytea";
        case FieldType::kArray:
            return "array";
        case FieldType::kStruct:
            return "struct";
    }
    return "";
}

std::string StreamType::ToString() const {
    std::string out(ToText(type));
    if (type == FieldType::kArray) {
        out += "(" + element.at(0).ToString() + ")";
    } else if (type == FieldType::kStruct) {
        out += '(';
        for (size_t i = 0; i < members.size(); ++i) {
            out += (i == 0 ? "" : ", ") + members[i].name + " " + members[i].type.ToString();
        }
        out += ')';
    }
    return out;
}

std::string ToString(const DefaultValue& value) {
    struct Visitor {
        std::string operator()(int64_t v) const { return std::to_string(v); }
        std::string operator()(double v) const { return PrintNumber(v); }
        std::string operator()(const std::string& v) const { return v; }
        std::string operator()(bool v) const { return v ? "true" : "false"; }
    };
    return std::visit(Visitor{}, value);
}

std::string_view ToText(StreamKind kind) { return kind == StreamKind::kStream ? "stream" : "table"; }

const std::vector<OptionSpec>& StreamOptionSpecs() {
    using Options = StreamOptions;
    using Value = OptionSpec::Value;
    const auto text = [](std::string_view name, std::string Options::* member, std::string_view doc,
                         Value value = Value::kText) {
        return OptionSpec{name, value, member, nullptr, nullptr, doc};
    };
    const auto boolean = [](std::string_view name, bool Options::* member, std::string_view doc) {
        return OptionSpec{name, Value::kBoolean, nullptr, member, nullptr, doc};
    };
    static const std::vector<OptionSpec> specs = {
        text("DATASOURCE", &Options::datasource, "topic, path or file that the source reads"),
        text("FORMAT", &Options::format, "json (default), binary, delimited, urlencoded or protobuf",
             Value::kFormat),
        text("KEY", &Options::key, "key column of a lookup table"),
        text("CONF_KEY", &Options::conf_key, "block of the source's configuration"),
        boolean("SHARED", &Options::shared, "one source instance for all rules"),
        boolean("STRICT_VALIDATION", &Options::strict_validation, "check rows against the columns"),
        text("TYPE", &Options::type, "type of the source; mqtt for streams, file for tables when not given"),
        text("TIMESTAMP", &Options::timestamp, "column with the event time"),
        text("TIMESTAMP_FORMAT", &Options::timestamp_format, "pattern of timestamps given as text"),
        OptionSpec{"RETAIN_SIZE", Value::kInteger, nullptr, nullptr, &Options::retain_size,
                   "rows that a scan table keeps"},
        text("SCHEMAID", &Options::schema_id, "file.Message of the schema registry"),
        text("EXTRA", &Options::extra, "JSON object with properties for the source", Value::kJson),
        text("VERSION", &Options::version, "a replacement must have a higher one", Value::kLowerText),
        boolean("TEMP", &Options::temp, "kept in memory only"),
        text("KIND", &Options::kind, "tables: scan (default) or lookup", Value::kLowerText),
        text("DELIMITER", &Options::delimiter, "separator of the delimited format; a comma when not given"),
    };
    return specs;
}

Result<void> CheckIdentifier(std::string_view id) {
    if (id.empty()) {
        return Failf("id cannot be empty");
    }
    const std::string_view blanks = " \t\r\n\v\f";
    if (blanks.find(id.front()) != std::string_view::npos ||
        blanks.find(id.back()) != std::string_view::npos) {
        return Failf("id '{}' contains leading or trailing whitespace", id);
    }
    for (const char c : id) {
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
              c == '-')) {
            return Failf(
                "id '{}' contains invalid characters: only alphanumeric, hyphens and underscores are allowed",
                id);
        }
    }
    return {};
}

}  // namespace haumea::sql
