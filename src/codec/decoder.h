#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/delimited.h"
#include "data/buffer.h"
#include "data/row.h"

namespace haumea::codec {

// Type of a declared column (CREATE STREAM ... (a bigint, ...)), free of syntax trees. The planner
// translates.
struct ColumnType {
    enum class Kind : uint8_t {
        kAny,
        kBigint,
        kFloat,
        kString,
        kDatetime,
        kBoolean,
        kBytea,
        kArray,
        kStruct
    };
    struct Member;
    Kind kind = Kind::kAny;
    std::vector<ColumnType> element;  // array: exactly one
    std::vector<Member> members;      // struct
};
struct ColumnType::Member {
    std::string name;
    ColumnType type;
};
struct Column {
    std::string name;
    ColumnType type;
    bool has_default = false;
    // DEFAULT of a bigint/float/string/boolean column; a string refers to default_text.
    Value default_value;
    std::string default_text;
};

// What a decoder has to know of its stream and its rule.
struct DecoderOptions {
    std::string format = "json";  // lower case
    // The rule's columns. Outlives the decoder.
    const RowLayout* layout = nullptr;
    // Declared columns; empty = schemaless. Those that are not in the layout are neither checked nor kept
    // (unless open).
    std::vector<Column> columns;
    bool strict_validation = false;
    std::string timestamp_format;
    std::string delimiter = ",";
    // delimited: names of the columns; otherwise those of the header, or col0, col1 ...
    std::vector<std::string> fields;
    Quoting quoting = Quoting::kNone;  // delimited
    bool has_header = false;           // delimited with quoting: the first record of a message has the names
    int max_depth = 128;               // nesting of a JSON message
    // Numbers without a point become bigint (source property useInt64ForWholeNumber); schemaless JSON only.
    bool whole_numbers_as_int = false;
};

// One message -> rows. Owned by one rule; home loop only. Bad input is an error text, never an exception.
class Decoder {
  public:
    virtual ~Decoder() = default;
    // Appends the rows of `message` (an array gives one per element) to `rows`; slots live in `arena`, texts
    // in `arena` or in the message, which the caller keeps alive as long as the rows. False: the whole
    // message is bad, nothing was appended and `error` says why.
    virtual bool Decode(const BufferView& message, Arena& arena, std::vector<Row>& rows,
                        std::string& error) noexcept = 0;
    // The same for a message that already is an object (memory, simulator): picks the columns, applies the
    // schema.
    virtual bool Pick(const Value& object, Arena& arena, std::vector<Row>& rows,
                      std::string& error) noexcept = 0;
};

// Unknown format, or a schema that does not fit it: an error.
Result<std::unique_ptr<Decoder>> MakeDecoder(DecoderOptions options);

}  // namespace haumea::codec
