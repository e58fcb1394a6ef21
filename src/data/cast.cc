#include "data/cast.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "data/datetime.h"
#include "data/go_format.h"
#include "data/number_text.h"
#include "data/zone.h"

namespace haumea {

namespace {

// Whole doubles strictly below 2^63 fit; 2^63 itself does not.
constexpr double kInt64End = 9223372036854775808.0;

std::optional<int64_t> DoubleToInt(double value, Casting casting) noexcept {
    if (!(value >= -kInt64End && value < kInt64End)) {
        return std::nullopt;
    }
    const auto truncated = static_cast<int64_t>(value);
    if (casting == Casting::kStrict && static_cast<double>(truncated) != value) {
        return std::nullopt;
    }
    return truncated;
}

Value FromMs(int64_t ms, Arena& arena) noexcept {
    const Value value = Moment::FromEpochMs(ms, DefaultZone()).ToValue();
    return value.is_missing()
               ? Value::Error(arena.Copy(fmt::format("{} ms is out of the range of datetime", ms)))
               : value;
}

std::string_view TargetName(Type target) noexcept {
    switch (target) {
        case Type::kInt:
            return "int";
        case Type::kDouble:
            return "float64";
        case Type::kString:
            return "string";
        case Type::kBool:
            return "bool";
        case Type::kBytes:
            return "bytea";
        case Type::kMissing:
        case Type::kNull:
        case Type::kDatetime:
        case Type::kArray:
        case Type::kObject:
        case Type::kError:
            break;
    }
    return TypeName(target);
}

template <typename T, typename Make>
Value OrError(const std::optional<T>& result, const Value& value, Type target, Arena& arena,
              Make make) noexcept {
    return result ? make(*result) : Value::Error(arena.Copy(ConversionError(value, TargetName(target))));
}

}  // namespace

std::optional<int64_t> ToInt(const Value& value, Casting casting) noexcept {
    switch (value.type()) {
        case Type::kInt:
            return value.as_int();
        case Type::kDouble:
            return DoubleToInt(value.as_double(), casting);
        case Type::kBool:
            return casting == Casting::kAll ? std::optional<int64_t>(value.as_bool() ? 1 : 0) : std::nullopt;
        case Type::kString:
            return casting == Casting::kAll ? ParseGoInt(value.text()) : std::nullopt;
        case Type::kMissing:
        case Type::kNull:
        case Type::kDatetime:
        case Type::kBytes:
        case Type::kArray:
        case Type::kObject:
        case Type::kError:
            break;
    }
    return std::nullopt;
}

std::optional<double> ToDouble(const Value& value, Casting casting) noexcept {
    if (value.type() == Type::kDouble) {
        return value.as_double();
    }
    if (value.type() == Type::kInt && casting != Casting::kStrict) {
        return static_cast<double>(value.as_int());
    }
    if (casting != Casting::kAll) {
        return std::nullopt;
    }
    if (value.type() == Type::kBool) {
        return value.as_bool() ? 1.0 : 0.0;
    }
    return value.is_string() ? ParseGoFloat(value.text()) : std::nullopt;
}

std::optional<bool> ToBool(const Value& value, Casting casting) noexcept {
    if (value.type() == Type::kBool) {
        return value.as_bool();
    }
    if (casting != Casting::kAll) {
        return std::nullopt;
    }
    if (value.is_number()) {
        return value.number() != 0;
    }
    return value.is_string() ? ParseGoBool(value.text()) : std::nullopt;
}

std::optional<std::string_view> ToText(const Value& value, Casting casting, Arena& arena) noexcept {
    if (value.is_string()) {
        return value.text();
    }
    if (casting != Casting::kAll || value.is_null() || value.is_error()) {
        return std::nullopt;
    }
    if (value.type() == Type::kBytes) {
        return value.text();
    }
    if (value.type() == Type::kDouble) {
        std::string text;
        AppendPlainFloat(text, value.as_double());
        return arena.Copy(text);
    }
    return GoText(value, arena);
}

std::optional<std::string_view> ToBytes(const Value& value, Arena& arena) noexcept {
    if (value.type() == Type::kBytes) {
        return value.text();
    }
    if (!value.is_string()) {
        return std::nullopt;
    }
    const std::optional<std::string> decoded = DecodeBase64(value.text());
    return decoded ? arena.Copy(*decoded) : value.text();
}

Value ToDatetime(const Value& value, Arena& arena) noexcept {
    if (value.type() == Type::kDatetime) {
        return value;
    }
    if (value.is_number()) {
        const std::optional<int64_t> ms = ToInt(value, Casting::kSameKind);
        return ms ? FromMs(*ms, arena) : Value::Error(arena.Copy(ConversionError(value, "datetime")));
    }
    if (value.is_string()) {
        if (const std::optional<Moment> moment = ParseDatetime(value.text(), DefaultZone())) {
            const Value result = moment->ToValue();
            if (!result.is_missing()) {
                return result;
            }
        }
        return Value::Error(arena.Copy(fmt::format("Can't parse string as time: {}", value.text())));
    }
    return Value::Error(
        arena.Copy(fmt::format("unsupported type to convert to timestamp {}", GoText(value))));
}

Value CastTo(const Value& value, Type target, Casting casting, Arena& arena) noexcept {
    if (value.is_null() || value.is_error()) {
        return value;
    }
    switch (target) {
        case Type::kInt:
            return OrError(ToInt(value, casting), value, target, arena,
                           [](int64_t i) { return Value::Int(i); });
        case Type::kDouble:
            return OrError(ToDouble(value, casting), value, target, arena,
                           [](double d) { return Value::Double(d); });
        case Type::kBool:
            return OrError(ToBool(value, casting), value, target, arena,
                           [](bool b) { return Value::Bool(b); });
        case Type::kString:
            return OrError(ToText(value, casting, arena), value, target, arena,
                           [](std::string_view text) { return Value::String(text); });
        case Type::kBytes:
            return OrError(ToBytes(value, arena), value, target, arena,
                           [](std::string_view bytes) { return Value::Bytes(bytes); });
        case Type::kDatetime:
            return ToDatetime(value, arena);
        case Type::kMissing:
        case Type::kNull:
        case Type::kArray:
        case Type::kObject:
        case Type::kError:
            break;
    }
    return Value::Error("not a type that values can be converted to");
}

std::optional<Type> ParseTypeName(std::string_view name) noexcept {
    struct Entry {
        std::string_view name;
        Type type;
    };
    static constexpr std::array kTypes = {Entry{"bigint", Type::kInt},        Entry{"float", Type::kDouble},
                                          Entry{"string", Type::kString},     Entry{"boolean", Type::kBool},
                                          Entry{"datetime", Type::kDatetime}, Entry{"bytea", Type::kBytes}};
    for (const Entry& entry : kTypes) {
        if (entry.name == name) {
            return entry.type;
        }
    }
    return std::nullopt;
}

std::string ConversionError(const Value& value, std::string_view target) {
    return fmt::format("cannot convert {} to {}", GoTyped(value), target);
}

}  // namespace haumea
