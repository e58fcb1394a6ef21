#include <fmt/format.h>

#include <charconv>

#include "sql/cursor.h"
#include "sql/default_value.h"
#include "sql/functions.h"
#include "sql/json_check.h"
#include "sql/parser.h"

namespace haumea::sql {
namespace {

constexpr std::string_view kFieldTypes =
    "expect valid stream field types(BIGINT | FLOAT | STRING | DATETIME | BOOLEAN | BYTEA | ARRAY | STRUCT).";

std::optional<FieldType> FieldTypeOf(const Token& token) {
    const std::string lower = ToLower(token.text);
    for (const FieldType type :
         {FieldType::kBigint, FieldType::kFloat, FieldType::kString, FieldType::kDatetime,
          FieldType::kBoolean, FieldType::kBytea, FieldType::kArray, FieldType::kStruct}) {
        if (lower == ToText(type)) {
            return type;
        }
    }
    return std::nullopt;
}

// Statements about streams and tables. Words are looked up by their text, in any case, reserved or not.
// Functions return false after an error, which the cursor keeps.
class DdlParser {
  public:
    DdlParser(std::string_view sql, Cursor& cursor) : sql_(sql), in_(cursor) {}

    bool Parse(StreamStmt& stmt);

  private:
    bool ParseCreate(StreamStmt& stmt);
    bool ParseShow(StreamStmt& stmt);
    template <typename T>
    bool ParseNamed(StreamStmt& stmt);
    bool ParseKind(StreamKind& kind);
    bool NotAStreamStatement();

    bool ParseFields(std::vector<StreamField>& fields);
    bool ParseField(StreamField& field);
    bool ParseDefault(StreamField& field);
    bool ParseArray(StreamType& type);
    bool ParseStruct(StreamType& type);

    bool ParseOptions(StreamOptions& options);
    bool ParseOption(const OptionSpec& spec, StreamOptions& options);
    bool SetOption(const OptionSpec& spec, const Token& value, StreamOptions& options);
    bool CheckDefinition(const StreamDef& def, SourceSpan name);

    std::string found() const { return Quote(in_.token().text); }
    // The word in upper case, as eKuiper quotes it at some places.
    std::string found_upper() const { return Quote(ToUpper(in_.token().text)); }
    bool IsWord(std::string_view upper) const { return ToUpper(in_.token().text) == upper; }
    bool Failed(std::string message) {
        in_.Fail(std::move(message));
        return false;
    }

    std::string_view sql_;
    Cursor& in_;
};

bool DdlParser::Parse(StreamStmt& stmt) {
    const std::string verb = ToUpper(in_.token().text);
    if (verb == "CREATE") {
        return ParseCreate(stmt);
    }
    if (verb == "SHOW") {
        return ParseShow(stmt);
    }
    if (verb == "DESCRIBE") {
        return ParseNamed<DescribeStmt>(stmt);
    }
    if (verb == "DROP") {
        return ParseNamed<DropStmt>(stmt);
    }
    if (verb == "EXPLAIN") {
        return ParseNamed<ExplainStmt>(stmt);
    }
    return NotAStreamStatement();
}

// A SELECT with an error shows its error.
bool DdlParser::NotAStreamStatement() {
    if (in_.Is(TokenKind::kSelect)) {
        if (const auto select = ParseSelect(sql_, nullptr); !select) {
            in_.FailAt(select.error().span, select.error().message);
            return false;
        }
    }
    return Failed("Invalid stream statement: " + EchoSql(sql_));
}

bool DdlParser::ParseKind(StreamKind& kind) {
    in_.Take();
    if (IsWord("STREAM")) {
        kind = StreamKind::kStream;
    } else if (IsWord("TABLE")) {
        kind = StreamKind::kTable;
    } else {
        return Failed(fmt::format("found {}, expected keyword stream or table.", found_upper()));
    }
    in_.Take();
    return true;
}

// Text after the name is ignored, as in eKuiper.
template <typename T>
bool DdlParser::ParseNamed(StreamStmt& stmt) {
    T named{};
    if (!ParseKind(named.kind)) {
        return false;
    }
    if (!in_.Is(TokenKind::kIdent)) {
        return Failed(fmt::format("found {}, expected {} name.", found(), ToText(named.kind)));
    }
    named.name = in_.Take().text;
    stmt = std::move(named);
    return true;
}

bool DdlParser::ParseShow(StreamStmt& stmt) {
    in_.Take();
    ShowStmt show{};
    if (IsWord("STREAMS")) {
        show.kind = StreamKind::kStream;
    } else if (IsWord("TABLES")) {
        show.kind = StreamKind::kTable;
    } else {
        return Failed(fmt::format("found {}, expected keyword streams or tables.", found_upper()));
    }
    in_.Take();
    if (!in_.Is(TokenKind::kEnd) && !in_.Is(TokenKind::kSemicolon)) {
        return Failed(fmt::format("found {}, expected semecolon or EOF.", found()));  // eKuiper's spelling
    }
    stmt = show;
    return true;
}

bool DdlParser::ParseCreate(StreamStmt& stmt) {
    StreamDef def;
    if (!ParseKind(def.kind)) {
        return false;
    }
    if (!in_.Is(TokenKind::kIdent)) {
        return Failed(fmt::format("found {}, expected stream name.", found()));
    }
    const Token name = in_.Take();
    def.name = name.text;
    def.text = std::string(sql_);
    if (!ParseFields(def.fields)) {
        return false;
    }
    if (!IsWord("WITH")) {
        return Failed(fmt::format("found {}, expected is with.", found()));
    }
    in_.Take();
    if (!ParseOptions(def.options)) {
        return false;
    }
    if (!in_.Is(TokenKind::kEnd) && !in_.Is(TokenKind::kSemicolon)) {
        return Failed(fmt::format("found {}, expected semicolon or EOF.", found()));
    }
    if (!CheckDefinition(def, name.span)) {
        return false;
    }
    stmt = std::move(def);
    return true;
}

// ( field { , field } [,] ) up to and with the closing parenthesis.
bool DdlParser::ParseFields(std::vector<StreamField>& fields) {
    if (!in_.Accept(TokenKind::kLeftParen)) {
        return Failed(fmt::format("found {}, expected lparen after stream name.", found()));
    }
    while (!in_.Accept(TokenKind::kRightParen)) {
        StreamField field;
        if (!ParseField(field)) {
            return false;
        }
        fields.push_back(std::move(field));
        if (!in_.Accept(TokenKind::kComma) && !in_.Is(TokenKind::kRightParen)) {
            return Failed(fmt::format("found {}, expect comma or rparen.", found()));
        }
    }
    return true;
}

bool DdlParser::ParseField(StreamField& field) {
    const Cursor::Nesting nesting(in_, "column type");
    if (!nesting) {
        return false;
    }
    if (!in_.Is(TokenKind::kIdent)) {
        return Failed(fmt::format("found {}, expect stream field name.", found()));
    }
    field.name = in_.Take().text;
    const std::optional<FieldType> type = FieldTypeOf(in_.token());
    if (!type) {
        return Failed(fmt::format("found {}, {}", found(), kFieldTypes));
    }
    in_.Take();
    field.type.type = *type;
    if (*type == FieldType::kArray && !ParseArray(field.type)) {
        return false;
    }
    if (*type == FieldType::kStruct && !ParseStruct(field.type)) {
        return false;
    }
    return !in_.Accept(TokenKind::kDefault) || ParseDefault(field);
}

bool DdlParser::ParseDefault(StreamField& field) {
    in_.FoldNegativeNumber();
    switch (in_.kind()) {
        case TokenKind::kInteger:
        case TokenKind::kNumber:
        case TokenKind::kString:
        case TokenKind::kSingleString:
        case TokenKind::kTrue:
        case TokenKind::kFalse:
            break;
        default:
            return Failed(fmt::format("found {}, expect default constraint value.", found()));
    }
    Result<DefaultValue> value = ConvertDefault(in_.token().text, field.type);
    if (!value) {
        return Failed(std::move(value.error().message));
    }
    in_.Take();
    field.default_value = std::move(*value);
    return true;
}

// ( type ), after ARRAY.
bool DdlParser::ParseArray(StreamType& type) {
    const Cursor::Nesting nesting(in_, "column type");
    if (!nesting) {
        return false;
    }
    if (!in_.Is(TokenKind::kLeftParen)) {
        // eKuiper skips this word and complains about the next one.
        const std::string skipped = Quote(in_.Take().text);
        if (in_.Is(TokenKind::kComma) || in_.Is(TokenKind::kRightParen)) {
            return Failed(fmt::format("found {}, expect lparen in array type definition.", skipped));
        }
        return Failed(fmt::format("found {}, expect comma or rparen.", found()));
    }
    in_.Take();
    const std::optional<FieldType> inner = FieldTypeOf(in_.token());
    if (!inner) {
        return Failed(fmt::format("found {}, expect stream data types.", found()));
    }
    in_.Take();
    StreamType element;
    element.type = *inner;
    std::string_view where = "array type";
    if (*inner == FieldType::kArray) {
        where = "array of array type";
        if (!ParseArray(element)) {
            return false;
        }
    } else if (*inner == FieldType::kStruct) {
        where = "struct of array type";
        if (!ParseStruct(element)) {
            return false;
        }
    }
    if (!in_.Accept(TokenKind::kRightParen)) {
        return Failed(fmt::format("found {}, expect rparen in {} definition.", found(), where));
    }
    type.element.push_back(std::move(element));
    return true;
}

// ( fields ), after STRUCT. Only a comma or a closing parenthesis may follow.
bool DdlParser::ParseStruct(StreamType& type) {
    if (!ParseFields(type.members)) {
        return false;
    }
    if (in_.Is(TokenKind::kComma) || in_.Is(TokenKind::kRightParen)) {
        return !type.members.empty() || Failed(fmt::format("found {}, expected is with.", found()));
    }
    if (IsWord("WITH")) {  // a parenthesis is missing; eKuiper complains about the next word
        in_.Take();
        return Failed(fmt::format("found {}, expect comma in create stream record statement.", found()));
    }
    return Failed(fmt::format("found {}, expected is with.", found_upper()));
}

bool DdlParser::ParseOptions(StreamOptions& options) {
    if (!in_.Accept(TokenKind::kLeftParen)) {
        return Failed(fmt::format("found {}, expect stream options.", found()));
    }
    while (!in_.Accept(TokenKind::kRightParen)) {
        if (in_.Accept(TokenKind::kComma)) {
            continue;
        }
        const OptionSpec* match = nullptr;
        for (const OptionSpec& spec : StreamOptionSpecs()) {
            if (IsWord(spec.name)) {
                match = &spec;
            }
        }
        if (match == nullptr) {
            std::string names;
            for (const OptionSpec& spec : StreamOptionSpecs()) {
                names += (names.empty() ? "" : "|") + std::string(spec.name);
            }
            return Failed(fmt::format("found {}, unknown option keys({}).", found_upper(), names));
        }
        in_.Take();
        if (!ParseOption(*match, options)) {
            return false;
        }
    }
    if (options.kind == "lookup" && options.type == "memory" && options.key.empty()) {
        return Failed("Option \"key\" is required for memory lookup table.");
    }
    return true;
}

bool DdlParser::ParseOption(const OptionSpec& spec, StreamOptions& options) {
    if (!in_.Accept(TokenKind::kEq)) {
        return Failed(fmt::format("found {}, expect equals(=) in options.", found()));
    }
    if (!in_.Is(TokenKind::kString) && !in_.Is(TokenKind::kTrue) && !in_.Is(TokenKind::kFalse)) {
        return Failed(fmt::format("found {}, expect string or boolean value in option.", found()));
    }
    if (!SetOption(spec, in_.token(), options)) {
        return false;
    }
    in_.Take();
    return true;
}

bool DdlParser::SetOption(const OptionSpec& spec, const Token& value, StreamOptions& options) {
    switch (spec.value) {
        case OptionSpec::Value::kText:
        case OptionSpec::Value::kFormat:
            options.*spec.text = value.text;
            return true;
        case OptionSpec::Value::kLowerText:
            options.*spec.text = ToLower(value.text);
            return true;
        case OptionSpec::Value::kJson:
            if (!IsJson(value.text)) {
                return Failed("invalid extra option, expect JSON string");
            }
            options.*spec.text = value.text;
            return true;
        case OptionSpec::Value::kBoolean: {
            const std::string upper = ToUpper(value.text);
            if (upper != "TRUE" && upper != "FALSE") {
                return Failed(
                    fmt::format("found {}, expect TRUE/FALSE value in {} option.", found(), spec.name));
            }
            options.*spec.boolean = upper == "TRUE";
            return true;
        }
        case OptionSpec::Value::kInteger: {
            std::string_view digits = value.text;
            if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') {
                digits.remove_prefix(1);
            }
            int64_t number = 0;
            const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
            if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) {
                return Failed(fmt::format("found {}, expect number value in {} option.", found(), spec.name));
            }
            options.*spec.integer = number;
            return true;
        }
    }
    return false;
}

bool DdlParser::CheckDefinition(const StreamDef& def, SourceSpan name) {
    const std::string format = ToLower(def.options.format);
    if (format == "binary") {
        if (def.kind == StreamKind::kTable) {
            return Failed("'binary' format is not supported for table");
        }
        if (def.fields.size() > 1) {
            return Failed("'binary' format stream can have only one field");
        }
        if (def.fields.size() == 1 && def.fields[0].type.type != FieldType::kBytea) {
            return Failed("'binary' format stream can have only 'bytea' type field");
        }
    } else if (!format.empty() && format != "json" && format != "delimited" && format != "urlencoded" &&
               format != "protobuf") {
        return Failed(fmt::format("option 'format={}' is invalid", def.options.format));
    }
    if (Result<void> valid = CheckIdentifier(def.name); !valid) {
        in_.FailAt(name, std::move(valid.error().message));
        return false;
    }
    return true;
}

}  // namespace

ParseResult<StreamStmt> ParseStreamStatement(std::string_view sql) {
    if (std::optional<ParseError> error = CheckText(sql)) {
        return tl::unexpected<ParseError>(std::move(*error));
    }
    Cursor cursor(sql);
    StreamStmt stmt;
    if (!DdlParser(sql, cursor).Parse(stmt)) {
        return tl::unexpected<ParseError>(cursor.TakeError());
    }
    return stmt;
}

Result<StreamStmt> ParseStreamSql(std::string_view sql) {
    ParseResult<StreamStmt> stmt = ParseStreamStatement(sql);
    if (!stmt) {
        return Fail(Error(ErrorCode::kStream, std::move(stmt.error().message)));
    }
    return std::move(*stmt);
}

}  // namespace haumea::sql
