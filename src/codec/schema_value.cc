#include "codec/schema_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "data/cast.h"
#include "data/go_format.h"
#include "data/number_text.h"
#include "data/zone.h"

namespace haumea::codec {

namespace {

using Kind = ColumnType::Kind;

std::string_view KindName(Kind kind) noexcept {
    switch (kind) {
        case Kind::kAny:
            return "any";
        case Kind::kBigint:
            return "bigint";
        case Kind::kFloat:
            return "float";
        case Kind::kString:
            return "string";
        case Kind::kDatetime:
            return "datetime";
        case Kind::kBoolean:
            return "boolean";
        case Kind::kBytea:
            return "bytea";
        case Kind::kArray:
            return "array";
        case Kind::kStruct:
            return "struct";
    }
    return "";
}

bool WrongType(JsonReader& reader, const ColumnType& type, std::string_view name) noexcept {
    return reader.FailWith(
        fmt::format("{} has wrong type:{}, expect:{}", name, reader.KindOfNext(), KindName(type.kind)));
}

bool ReadBigint(JsonReader& reader, std::string_view name, Value& value) noexcept {
    const std::string_view token = reader.ScalarToken();
    const char* end = token.data() + token.size();
    int64_t number = 0;
    const auto [stop, code] = std::from_chars(token.data(), end, number);
    double checked = 0;
    if (!reader.ReadDouble(checked)) {
        return false;
    }
    if (stop != end) {
        return reader.FailWith(fmt::format(
            "column {}: {} is no whole number, but the column is a bigint: unparsed tail left after "
            "parsing int64 form \"{}\": \"{}\"",
            name, token, token, std::string_view(stop, static_cast<size_t>(end - stop))));
    }
    if (code != std::errc()) {
        return reader.FailWith(
            fmt::format("column {}: {} does not fit a bigint: value out of range", name, token));
    }
    value = Value::Int(number);
    return true;
}

// Number into a column that is not a bigint.
bool ReadNumber(JsonReader& reader, const ColumnType& type, std::string_view name, Arena& arena,
                Value& value) noexcept {
    switch (type.kind) {
        case Kind::kBigint:
            return ReadBigint(reader, name, value);
        case Kind::kFloat:
        case Kind::kDatetime:
        case Kind::kString:
        case Kind::kBoolean:
            break;
        case Kind::kAny:
        case Kind::kBytea:
        case Kind::kArray:
        case Kind::kStruct:
            return WrongType(reader, type, name);
    }
    double number = 0;
    if (!reader.ReadDouble(number)) {
        return false;
    }
    if (type.kind == Kind::kBoolean) {
        value = Value::Bool(number != 0);
    } else if (type.kind == Kind::kString) {
        char* text = static_cast<char*>(arena.Allocate(kMaxNumberText, 1));
        value = Value::String({text, WriteGoFloat(number, text)});
    } else {
        value = Value::Double(number);
    }
    return true;
}

bool ReadText(JsonReader& reader, const ColumnType& type, std::string_view name, Arena& arena,
              Value& value) noexcept {
    if (type.kind != Kind::kString && type.kind != Kind::kDatetime && type.kind != Kind::kBoolean &&
        type.kind != Kind::kBytea) {
        return WrongType(reader, type, name);
    }
    std::string_view text;
    if (!reader.ReadString(arena, text)) {
        return false;
    }
    if (type.kind == Kind::kBytea) {
        value = Value::Bytes(*ToBytes(Value::String(text), arena));
    } else if (type.kind == Kind::kBoolean) {
        const auto parsed = ParseGoBool(text);
        if (!parsed) {
            return reader.FailWith(
                fmt::format("strconv.ParseBool: parsing \"{}\": invalid syntax (column {})", text, name));
        }
        value = Value::Bool(*parsed);
    } else {
        value = Value::String(text);
    }
    return true;
}

bool ReadTypedArray(JsonReader& reader, const ColumnType& type, Arena& arena, Value& value) noexcept {
    std::vector<Value> items;
    if (!reader.EnterArray()) {
        return false;
    }
    const ColumnType any;
    const ColumnType& element = type.element.empty() ? any : type.element.front();
    for (;;) {
        bool done = false;
        if (!reader.NextElement(done)) {
            return false;
        }
        if (done) {
            break;
        }
        Value item;
        if (!ReadTyped(reader, element, "array", arena, item)) {
            return false;
        }
        items.push_back(item);
    }
    Value* copy = arena.AllocateArray<Value>(items.size());
    std::copy(items.begin(), items.end(), copy);
    value = Value::Array({copy, items.size()});
    return true;
}

// Only the declared members of a struct are kept.
bool ReadTypedStruct(JsonReader& reader, const ColumnType& type, Arena& arena, Value& value) noexcept {
    std::vector<Field> fields;
    if (!reader.EnterObject()) {
        return false;
    }
    for (;;) {
        std::string_view key;
        bool done = false;
        if (!reader.NextMember(arena, key, done)) {
            return false;
        }
        if (done) {
            break;
        }
        const auto member = std::find_if(type.members.begin(), type.members.end(),
                                         [key](const auto& declared) { return declared.name == key; });
        if (member == type.members.end()) {
            if (!reader.SkipValue()) {
                return false;
            }
            continue;
        }
        Value item;
        if (!ReadTyped(reader, member->type, key, arena, item)) {
            return false;
        }
        fields.push_back({key, item});
    }
    const size_t count = SortFields(fields);
    Field* copy = arena.AllocateArray<Field>(count);
    std::copy_n(fields.begin(), count, copy);
    value = Value::Object({copy, count});
    return true;
}

bool Mismatch(const Value& value, std::string_view target, std::string& error) {
    error = fmt::format("cannot convert {} to {}", GoTyped(value), target);
    return false;
}

bool ToDeclaredDatetime(Value& value, const TimePattern* pattern, Arena& arena, std::string& error) noexcept {
    if (value.is_null()) {
        error = "unsupported type to convert to timestamp <nil>";
        return false;
    }
    if (value.is_string() && pattern != nullptr) {
        if (const auto moment = pattern->Parse(value.text(), DefaultZone())) {
            value = moment->ToValue();
            return true;
        }
    }
    const Value converted = ToDatetime(value, arena);
    if (converted.is_error()) {
        error = converted.text();
        return false;
    }
    value = converted;
    return true;
}

bool ToDeclaredArray(Value& value, const ColumnType& type, const TimePattern* pattern, Arena& arena,
                     std::string& error) noexcept {
    if (value.is_null()) {
        return true;
    }
    if (!value.is_array()) {
        return Mismatch(value, "array", error);
    }
    Value* items = arena.AllocateArray<Value>(value.size());
    std::copy(value.items().begin(), value.items().end(), items);
    for (uint32_t i = 0; i < value.size() && !type.element.empty(); ++i) {
        if (!ToDeclared(items[i], type.element.front(), pattern, arena, error)) {
            error = "array element type mismatch: " + error;
            return false;
        }
    }
    value = Value::Array({items, value.size()});
    return true;
}

// Accepts the JSON text of an object too.
bool ToDeclaredStruct(Value& value, const ColumnType& type, const TimePattern* pattern, Arena& arena,
                      std::string& error) noexcept {
    if (value.is_null()) {
        return true;
    }
    if (value.is_string()) {
        const BufferView padded = BufferView::Copy(value.text());
        JsonReader reader({});
        Value parsed;
        if (!reader.Start(padded.view()) || !reader.ReadValue(arena, parsed) || !reader.Finish()) {
            error = reader.error();
            return false;
        }
        value = CopyValue(parsed, arena);
    }
    if (!value.is_object()) {
        return Mismatch(value, "struct", error);
    }
    std::vector<Field> fields;
    for (const auto& [name, member] : type.members) {
        Value item = value.Get(name);
        if (item.is_missing()) {
            continue;
        }
        if (!ToDeclared(item, member, pattern, arena, error)) {
            error = fmt::format("field {} type mismatch: {}", name, error);
            return false;
        }
        fields.push_back({name, item});
    }
    const size_t count = SortFields(fields);
    Field* copy = arena.AllocateArray<Field>(count);
    std::copy_n(fields.begin(), count, copy);
    value = Value::Object({copy, count});
    return true;
}

}  // namespace

bool ReadTyped(JsonReader& reader, const ColumnType& type, std::string_view name, Arena& arena,
               Value& value) noexcept {
    if (type.kind == Kind::kAny) {
        return reader.ReadValue(arena, value);
    }
    switch (reader.Peek()) {
        case 'n':
            return reader.ReadWord(value);
        case 't':
        case 'f':
            return type.kind == Kind::kBoolean ? reader.ReadWord(value) : WrongType(reader, type, name);
        case '"':
            return ReadText(reader, type, name, arena, value);
        case '[':
            return type.kind == Kind::kArray ? ReadTypedArray(reader, type, arena, value)
                                             : WrongType(reader, type, name);
        case '{':
            return type.kind == Kind::kStruct ? ReadTypedStruct(reader, type, arena, value)
                                              : WrongType(reader, type, name);
        default:
            return ReadNumber(reader, type, name, arena, value);
    }
}

bool ToDeclared(Value& value, const ColumnType& type, const TimePattern* pattern, Arena& arena,
                std::string& error) noexcept {
    switch (type.kind) {
        case Kind::kAny:
            return true;
        case Kind::kBigint:
            if (const auto number = ToInt(value, Casting::kSameKind)) {
                value = Value::Int(*number);
                return true;
            }
            return Mismatch(value, "int64", error);
        case Kind::kFloat:
            if (const auto number = ToDouble(value, Casting::kSameKind)) {
                value = Value::Double(*number);
                return true;
            }
            return Mismatch(value, "float64", error);
        case Kind::kString:
            return value.is_string() || Mismatch(value, "string", error);
        case Kind::kBoolean:
            return value.type() == Type::kBool || Mismatch(value, "bool", error);
        case Kind::kDatetime:
            return ToDeclaredDatetime(value, pattern, arena, error);
        case Kind::kBytea:
            if (value.is_string() || value.type() == Type::kBytes) {
                value = Value::Bytes(*ToBytes(value, arena));
                return true;
            }
            return Mismatch(value, "bytea", error);
        case Kind::kArray:
            return ToDeclaredArray(value, type, pattern, arena, error);
        case Kind::kStruct:
            return ToDeclaredStruct(value, type, pattern, arena, error);
    }
    return true;
}

}  // namespace haumea::codec
