#include "template/literal.h"

#include <charconv>

#include "base/utf8.h"

namespace haumea::text_template {
namespace {

bool Digits(std::string_view text, size_t& at, size_t count, int base, uint32_t& value) {
    if (at + count > text.size()) {
        return false;
    }
    const char* end = text.data() + at + count;
    const auto [stop, error] = std::from_chars(text.data() + at, end, value, base);
    at += count;
    return error == std::errc() && stop == end;
}

// The character behind a backslash at text[at]; moves past it.
bool Escape(std::string_view text, size_t& at, std::string& out) {
    constexpr std::string_view kNames = "abfnrtv\\'\"";
    constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\'\"";
    const char c = text[at];
    if (const size_t index = kNames.find(c); index != std::string_view::npos) {
        out += kBytes[index];
        ++at;
        return true;
    }
    uint32_t value = 0;
    if (c >= '0' && c <= '7') {
        if (!Digits(text, at, 3, 8, value) || value > 255) {
            return false;
        }
        out += static_cast<char>(value);
        return true;
    }
    ++at;
    if (c == 'x') {
        if (!Digits(text, at, 2, 16, value)) {
            return false;
        }
        out += static_cast<char>(value);
        return true;
    }
    if ((c != 'u' && c != 'U') || !Digits(text, at, c == 'u' ? 4 : 8, 16, value) || value > 0x10FFFF ||
        (value >= 0xD800 && value < 0xE000)) {
        return false;
    }
    AppendUtf8(value, out);
    return true;
}

// The single character of a 'x' constant as a number.
bool CodePoint(std::string_view bytes, int64_t& out) {
    if (bytes.empty()) {
        return false;
    }
    const auto lead = static_cast<unsigned char>(bytes[0]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (bytes.size() != length) {
        return false;
    }
    uint32_t value = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        value = value << 6U | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
    }
    out = value;
    return true;
}

}  // namespace

bool Unquote(std::string_view text, std::string& out) {
    const char quote = text.front();
    const std::string_view body = text.substr(1, text.size() - 2);
    if (quote == '`') {
        out = body;
        return true;
    }
    for (size_t at = 0; at < body.size();) {
        if (body[at] != '\\') {
            out += body[at++];
            continue;
        }
        if (++at >= body.size() || (body[at] == '\'' && quote == '"') || (body[at] == '"' && quote == '\'') ||
            !Escape(body, at, out)) {
            return false;
        }
    }
    return true;
}

bool ParseNumber(const Token& token, Value& out, std::string& error) {
    if (token.type == Tok::kChar) {
        std::string bytes;
        int64_t code = 0;
        if (!Unquote(token.text, bytes) || !CodePoint(bytes, code)) {
            error = "malformed character constant: " + token.text;
            return false;
        }
        out = Value::Int(code);
        return true;
    }
    std::string text;
    for (const char c : token.text) {
        if (c != '_') {
            text += c;
        }
    }
    const bool negative = !text.empty() && text[0] == '-';
    std::string digits = text.substr(!text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0);
    int base = 10;
    if (digits.size() > 1 && digits[0] == '0') {
        const char mark = digits[1];
        base = mark == 'x' || mark == 'X'   ? 16
               : mark == 'o' || mark == 'O' ? 8
               : mark == 'b' || mark == 'B' ? 2
                                            : 10;
        const bool legacy_octal = base == 10 && digits.find_first_not_of("01234567") == std::string::npos;
        digits = base == 10 ? digits : digits.substr(2);
        base = legacy_octal ? 8 : base;
    }
    uint64_t whole = 0;
    const char* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, whole, base);
    if (parsed.ec == std::errc() && parsed.ptr == end && whole <= (uint64_t{1} << 63U) - (negative ? 0 : 1)) {
        out = Value::Int(negative ? static_cast<int64_t>(~whole + 1) : static_cast<int64_t>(whole));
        return true;
    }
    double number = 0;
    const auto real = std::from_chars(digits.data(), end, number,
                                      base == 16 ? std::chars_format::hex : std::chars_format::general);
    if (parsed.ec == std::errc::result_out_of_range && digits.find_first_of(".eE") == std::string::npos) {
        error = "integer overflow: \"" + token.text + "\"";
    } else if (real.ec != std::errc() || real.ptr != end) {
        error = "bad number syntax: \"" + token.text + "\"";
    } else {
        out = Value::Double(negative ? -number : number);
        return true;
    }
    return false;
}

}  // namespace haumea::text_template
