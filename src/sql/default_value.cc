#include "sql/default_value.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace haumea::sql {
namespace {

bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Underscores may stand between digits and behind a base prefix.
bool StripUnderscores(std::string& digits, bool after_prefix) {
    std::string out;
    char before = after_prefix ? '0' : '_';
    for (size_t i = 0; i < digits.size(); ++i) {
        const char c = digits[i];
        if (c != '_') {
            out += c;
        } else if (!IsAlnum(before) || i + 1 >= digits.size() || !IsAlnum(digits[i + 1])) {
            return false;
        }
        before = c;
    }
    digits = std::move(out);
    return true;
}

// Go's strconv.ParseInt(text, 0, 64).
bool ParseGoInteger(std::string_view text, int64_t& value) {
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    int base = 10;
    bool prefixed = false;
    if (text.size() > 1 && text.front() == '0') {
        const char kind = static_cast<char>(text[1] | 0x20);
        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
        prefixed = true;
    }
    std::string digits(text);
    if (!StripUnderscores(digits, prefixed) || digits.empty() || digits.front() == '-') {
        return false;
    }
    uint64_t magnitude = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
    const uint64_t limit = uint64_t{1} << 63;
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size() ||
        magnitude > (negative ? limit : limit - 1)) {
        return false;
    }
    value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
    return true;
}

// Finite decimal numbers.
bool ParseGoFloat(std::string_view text, double& value) {
    if (!text.empty() && text.front() == '+') {
        text.remove_prefix(1);
        if (!text.empty() && text.front() == '-') {
            return false;
        }
    }
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::isfinite(value);
}

bool ParseGoBool(std::string_view text, bool& value) {
    for (const std::string_view word : {"1", "t", "T", "TRUE", "true", "True"}) {
        if (text == word) {
            value = true;
            return true;
        }
    }
    for (const std::string_view word : {"0", "f", "F", "FALSE", "false", "False"}) {
        if (text == word) {
            value = false;
            return true;
        }
    }
    return false;
}

}  // namespace

Result<DefaultValue> ConvertDefault(const std::string& text, const StreamType& type) {
    switch (type.type) {
        case FieldType::kBigint:
            if (int64_t value = 0; ParseGoInteger(text, value)) {
                return DefaultValue(value);
            }
            return Failf("cannot convert string({}) to int64", text);
        case FieldType::kFloat:
            if (double value = 0; ParseGoFloat(text, value)) {
                return DefaultValue(value);
            }
            return Failf("cannot convert string({}) to float64", text);
        case FieldType::kString:
            return DefaultValue(text);
        case FieldType::kBoolean:
            if (bool value = false; ParseGoBool(text, value)) {
                return DefaultValue(value);
            }
            return Failf("strconv.ParseBool: parsing \"{}\": invalid syntax", text);
        case FieldType::kDatetime:
        case FieldType::kBytea:
            return Failf("DEFAULT clause is not supported for {}", ToText(type.type));
        case FieldType::kArray:
            return Failf("DEFAULT clause is not supported for *ast.ArrayType");
        case FieldType::kStruct:
            return Failf("DEFAULT clause is not supported for *ast.RecType");
    }
    return Failf("DEFAULT clause is not supported for this type");
}

}  // namespace haumea::sql
