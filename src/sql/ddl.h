#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sql/ast.h"

// The statements about streams and tables: CREATE, SHOW, DESCRIBE, DROP, EXPLAIN. Plain values; any thread.
namespace haumea::sql {

enum class FieldType : uint8_t { kBigint, kFloat, kString, kDatetime, kBoolean, kBytea, kArray, kStruct };
std::string_view ToText(FieldType type);  // "bigint" ...

struct StreamField;
struct StreamType {
    FieldType type = FieldType::kBigint;
    std::vector<StreamType> element;   // array: exactly one
    std::vector<StreamField> members;  // struct
    // "array(bigint)", "struct(a bigint, b string)": as DESCRIBE prints it.
    std::string ToString() const;
};
using DefaultValue = std::variant<int64_t, double, std::string, bool>;
struct StreamField {
    std::string name;
    StreamType type;
    std::optional<DefaultValue> default_value;  // DEFAULT, already converted to the type of the field
};
// As DESCRIBE prints it: 5, 1.5, text without quotes, true.
std::string ToString(const DefaultValue& value);

enum class StreamKind : uint8_t { kStream, kTable };
std::string_view ToText(StreamKind kind);  // "stream", "table"

// The WITH options; strings are empty, numbers 0, booleans unset when not written.
struct StreamOptions {
    std::string datasource;
    std::string format;  // as written; empty = json
    std::string schema_id;
    std::string key;
    std::string conf_key;
    std::string type;
    std::string timestamp;
    std::string timestamp_format;
    std::string kind;  // lower case; tables: "lookup", anything else means scan
    std::string delimiter;
    std::string version;  // lower case
    std::string extra;    // JSON text, checked
    int64_t retain_size = 0;
    bool strict_validation = false;
    bool shared = false;
    bool temp = false;
};

// One row of the table of options: what CREATE accepts and in which order DESCRIBE shows it.
struct OptionSpec {
    std::string_view name;  // upper case
    enum class Value : uint8_t { kText, kLowerText, kBoolean, kInteger, kFormat, kJson } value;
    std::string StreamOptions::* text;  // kText, kLowerText, kFormat, kJson
    bool StreamOptions::* boolean;      // kBoolean
    int64_t StreamOptions::* integer;   // kInteger
    std::string_view doc;
};
// In the order of the "unknown option keys(...)" message.
const std::vector<OptionSpec>& StreamOptionSpecs();

struct StreamDef {
    StreamKind kind = StreamKind::kStream;
    std::string name;  // passes the identifier rule: letters, digits, - and _
    std::vector<StreamField> fields;
    StreamOptions options;
    std::string text;  // the statement as given; store this

    // No columns declared: any column name is accepted at plan time.
    bool schemaless() const { return fields.empty(); }
    bool is_lookup() const { return kind == StreamKind::kTable && options.kind == "lookup"; }
};

struct ShowStmt {
    StreamKind kind;
};
struct DescribeStmt {
    StreamKind kind;
    std::string name;
};
struct DropStmt {
    StreamKind kind;
    std::string name;
};
struct ExplainStmt {
    StreamKind kind;
    std::string name;
};
using StreamStmt = std::variant<StreamDef, ShowStmt, DescribeStmt, DropStmt, ExplainStmt>;

}  // namespace haumea::sql
