#include "sql/unquote.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "sql/lexer.h"
#include "sql/token.h"

namespace haumea::sql {
namespace {

// Reads `digits` hexadecimal digits at `pos`.
bool ReadHex(std::string_view text, size_t pos, size_t digits, uint32_t& value) {
    if (pos + digits > text.size()) {
        return false;
    }
    value = 0;
    for (size_t i = 0; i < digits; ++i) {
        const int digit = HexDigit(text[pos + i]);
        if (digit < 0) {
            return false;
        }
        value = value * 16 + static_cast<uint32_t>(digit);
    }
    return true;
}

bool ReadOctal(std::string_view text, size_t pos, uint32_t& value) {
    if (pos + 3 > text.size()) {
        return false;
    }
    value = 0;
    for (size_t i = 0; i < 3; ++i) {
        const char c = text[pos + i];
        if (c < '0' || c > '7') {
            return false;
        }
        value = value * 8 + static_cast<uint32_t>(c - '0');
    }
    return value <= 255;
}

// The one-letter escapes; '\0' when there is none.
char SimpleEscape(char c) {
    switch (c) {
        case 'a':
            return '\a';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'v':
            return '\v';
        case '\\':
        case '"':
            return c;
        default:
            return '\0';
    }
}

// Roughly Go's unicode.IsPrint for code points from 0x80: no controls, blanks, format characters, private
// use.
bool IsPrintable(uint32_t c) {
    if (c < 0xA1 || c == 0xAD || c == 0x1680 || c == 0x3000 || c == 0xFEFF) {
        return false;
    }
    return !((c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || (c >= 0x205F && c <= 0x206F) ||
             (c >= 0xE000 && c <= 0xF8FF) || (c >= 0xFFF0 && c <= 0xFFFB) || c == 0xFFFE || c == 0xFFFF ||
             c >= 0xE0000);
}

}  // namespace

CodePoint DecodeUtf8(std::string_view text) {
    const auto byte = [&text](size_t i) {
        return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const uint32_t first = byte(0);
    if (first < 0x80) {
        return {first, 1};
    }
    size_t size = 0;
    uint32_t value = 0;
    uint32_t smallest = 0;
    if ((first & 0xE0) == 0xC0) {
        size = 2;
        value = first & 0x1F;
        smallest = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
        size = 3;
        value = first & 0x0F;
        smallest = 0x800;
    } else if ((first & 0xF8) == 0xF0) {
        size = 4;
        value = first & 0x07;
        smallest = 0x10000;
    } else {
        return {};
    }
    if (text.size() < size) {
        return {};
    }
    for (size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return {};
        }
        value = (value << 6) | (byte(i) & 0x3F);
    }
    if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        return {};
    }
    return {value, size};
}

size_t FindInvalidUtf8(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        const size_t size = DecodeUtf8(text.substr(i, 4)).size;
        if (size == 0) {
            return i;
        }
        i += size;
    }
    return std::string_view::npos;
}

bool Unescape(std::string_view body, std::string& out) {
    out.clear();
    out.reserve(body.size());
    for (size_t i = 0; i < body.size();) {
        const char c = body[i];
        if (c == '\n' || c == '"') {
            return false;
        }
        if (c != '\\') {
            out += c;
            ++i;
            continue;
        }
        if (i + 1 >= body.size()) {
            return false;
        }
        const char kind = body[i + 1];
        uint32_t value = 0;
        if (const char simple = SimpleEscape(kind); simple != '\0') {
            out += simple;
            i += 2;
        } else if (kind == 'x') {
            if (!ReadHex(body, i + 2, 2, value)) {
                return false;
            }
            out += static_cast<char>(value);
            i += 4;
        } else if (kind == 'u' || kind == 'U') {
            const size_t digits = kind == 'u' ? 4 : 8;
            if (!ReadHex(body, i + 2, digits, value) || value > 0x10FFFF ||
                (value >= 0xD800 && value <= 0xDFFF)) {
                return false;
            }
            AppendUtf8(value, out);
            i += 2 + digits;
        } else {
            if (!ReadOctal(body, i + 1, value)) {
                return false;
            }
            out += static_cast<char>(value);
            i += 4;
        }
    }
    return true;
}

std::string Quote(std::string_view text) {
    std::string out = "\"";
    for (size_t i = 0; i < text.size();) {
        const char c = text[i];
        const CodePoint point = DecodeUtf8(text.substr(i, 4));
        const size_t size = point.size == 0 ? 1 : point.size;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (point.size == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else if (point.value < 0x20 || point.value == 0x7F) {
            static constexpr std::string_view kLetters = "abtnvfr";  // 7 to 13
            if (point.value >= 7 && point.value <= 13) {
                out += '\\';
                out += kLetters[point.value - 7];
            } else {
                out += fmt::format("\\x{:02x}", point.value);
            }
        } else if (point.value < 0x80 || IsPrintable(point.value)) {
            out += text.substr(i, size);
        } else if (point.value < 0x10000) {
            out += fmt::format("\\u{:04x}", point.value);
        } else {
            out += fmt::format("\\U{:08x}", point.value);
        }
        i += size;
    }
    return out + '"';
}

std::string_view KindText(const Token& token) {
    switch (token.kind) {
        case TokenKind::kIdent:
            return "IDENT";
        case TokenKind::kInteger:
            return "INTEGER";
        case TokenKind::kNumber:
            return "NUMBER";
        case TokenKind::kString:
            return "STRING";
        case TokenKind::kSingleString:
            return "SINGLEQUOTE";
        case TokenKind::kIllegal:
            return "ILLEGAL";
        default:
            return token.text;
    }
}

}  // namespace haumea::sql
