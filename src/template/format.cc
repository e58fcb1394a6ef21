#include "template/format.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/go_format.h"

namespace haumea::text_template {
namespace {

constexpr int kMaxWidth = 1'000'000;  // as in Go

struct Spec {
    bool minus = false;
    bool plus = false;
    bool sharp = false;
    bool space = false;
    bool zero = false;
    int width = -1;
    int precision = -1;
    char verb = 0;
};

// Decodes one UTF-8 character at `at` and moves on; U+FFFD for bytes that are none.
uint32_t NextRune(std::string_view text, size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (length == 0 || at + length > text.size()) {
        ++at;
        return 0xFFFD;
    }
    uint32_t rune = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[at + i]);
        if ((next & 0xC0U) != 0x80) {
            ++at;
            return 0xFFFD;
        }
        rune = rune << 6U | (next & 0x3FU);
    }
    at += length;
    return rune;
}

size_t Runes(std::string_view text) {
    size_t count = 0;
    for (size_t at = 0; at < text.size(); ++count) {
        NextRune(text, at);
    }
    return count;
}

void Pad(std::string& out, const Spec& spec, std::string_view text) {
    const size_t length = Runes(text);
    const size_t missing = spec.width > 0 && static_cast<size_t>(spec.width) > length
                               ? static_cast<size_t>(spec.width) - length
                               : 0;
    if (spec.minus) {
        out.append(text).append(missing, ' ');
    } else if (spec.zero && !text.empty() && (text[0] == '-' || text[0] == '+')) {
        out.append(1, text[0]).append(missing, '0').append(text.substr(1));
    } else {
        out.append(missing, spec.zero ? '0' : ' ').append(text);
    }
}

void Bad(std::string& out, char verb, const Value& value) {
    if (value.is_null()) {
        out += fmt::format("%!{}(<nil>)", verb);
    } else {
        out += fmt::format("%!{}({}={})", verb, GoTypeName(value.type()), GoText(value));
    }
}

std::string Signed(const Spec& spec, bool negative, std::string digits) {
    return (negative ? "-" : spec.plus ? "+" : spec.space ? " " : "") + std::move(digits);
}

bool FormatInt(std::string& out, Spec spec, int64_t value) {
    const bool negative = value < 0;
    const uint64_t magnitude = negative ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
    std::string digits;
    switch (spec.verb) {
        case 'v':
        case 'd':
            digits = fmt::format("{}", magnitude);
            break;
        case 'b':
            digits = fmt::format("{:b}", magnitude);
            break;
        case 'o':
        case 'O':
            digits = (spec.verb == 'O' ? "0o" : spec.sharp ? "0" : "") + fmt::format("{:o}", magnitude);
            break;
        case 'x':
            digits = (spec.sharp ? "0x" : "") + fmt::format("{:x}", magnitude);
            break;
        case 'X':
            digits = (spec.sharp ? "0X" : "") + fmt::format("{:X}", magnitude);
            break;
        case 'U':
            digits = fmt::format("U+{:04X}", magnitude);
            break;
        case 'c':
        case 'q': {
            const uint32_t rune =
                magnitude > 0x10FFFF || negative ? 0xFFFD : static_cast<uint32_t>(magnitude);
            std::string bytes;
            if (rune < 0x80) {
                bytes += static_cast<char>(rune);
            } else if (rune < 0x800) {
                bytes += {static_cast<char>(0xC0 | rune >> 6U), static_cast<char>(0x80 | (rune & 0x3FU))};
            } else if (rune < 0x10000) {
                bytes +=
                    {static_cast<char>(0xE0 | rune >> 12U), static_cast<char>(0x80 | (rune >> 6U & 0x3FU)),
                     static_cast<char>(0x80 | (rune & 0x3FU))};
            } else {
                bytes += {
                    static_cast<char>(0xF0 | rune >> 18U), static_cast<char>(0x80 | (rune >> 12U & 0x3FU)),
                    static_cast<char>(0x80 | (rune >> 6U & 0x3FU)), static_cast<char>(0x80 | (rune & 0x3FU))};
            }
            Pad(out, spec, spec.verb == 'c' ? bytes : "'" + bytes + "'");
            return true;
        }
        default:
            return false;
    }
    if (spec.precision >= 0) {
        spec.zero = false;
        if (digits.size() < static_cast<size_t>(spec.precision)) {
            digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
        }
    }
    Pad(out, spec, Signed(spec, negative, std::move(digits)));
    return true;
}

bool FormatDouble(std::string& out, Spec spec, double value) {
    if (std::string_view("eEfFgGv").find(spec.verb) == std::string_view::npos) {
        return false;
    }
    if (!std::isfinite(value)) {
        spec.zero = false;
        Pad(out, spec, std::isnan(value) ? "NaN" : value < 0 ? "-Inf" : spec.plus ? "+Inf" : "+Inf");
        return true;
    }
    const bool negative = std::signbit(value);
    std::string digits;
    if ((spec.verb == 'v' || spec.verb == 'g' || spec.verb == 'G') && spec.precision < 0) {
        // %v switches to the exponent form at 21 digits, %g at the shortest: both print through GoText's rule
        // in templates.
        digits = GoText(Value::Double(std::fabs(value)));
        if (spec.verb == 'G') {
            std::replace(digits.begin(), digits.end(), 'e', 'E');
        }
    } else {
        const char verb = spec.verb == 'v' ? 'g' : spec.verb == 'F' ? 'f' : spec.verb;
        const int precision = spec.precision < 0 ? 6 : spec.precision;
        char buffer[512];
        const char pattern[] = {'%', '.', '*', verb, 0};
        const int length =
            std::snprintf(buffer, sizeof(buffer), pattern, std::min(precision, 100), std::fabs(value));
        digits.assign(buffer,
                      static_cast<size_t>(std::clamp(length, 0, static_cast<int>(sizeof(buffer)) - 1)));
    }
    Pad(out, spec, Signed(spec, negative, std::move(digits)));
    return true;
}

bool FormatText(std::string& out, Spec spec, std::string_view text, bool bytes) {
    std::string_view cut = text;
    if (spec.precision >= 0 && spec.verb != 'x' && spec.verb != 'X') {
        size_t at = 0;
        for (int i = 0; i < spec.precision && at < text.size(); ++i) {
            NextRune(text, at);
        }
        cut = text.substr(0, at);
    }
    std::string made;
    switch (spec.verb) {
        case 'v':
            if (spec.sharp) {
                AppendQuoted(made, cut, false);
                break;
            }
            [[fallthrough]];
        case 's':
            made = cut;
            break;
        case 'q':
            AppendQuoted(made, cut, spec.plus);
            break;
        case 'x':
        case 'X':
            for (size_t i = 0; i < text.size(); ++i) {
                made += i > 0 && spec.space ? " " : "";
                const auto byte = static_cast<unsigned char>(text[i]);
                made += spec.verb == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
            }
            break;
        default:
            return false;
    }
    static_cast<void>(bytes);
    Pad(out, spec, made);
    return true;
}

void FormatOne(std::string& out, const Spec& spec, const Value& value);

// Lists and maps apply the verb to their members.
void FormatNested(std::string& out, const Spec& spec, const Value& value) {
    bool first = true;
    if (value.is_array()) {
        out += '[';
        for (const Value& item : value.items()) {
            out += first ? "" : " ";
            first = false;
            FormatOne(out, spec, item);
        }
        out += ']';
        return;
    }
    out += "map[";
    for (const Field& field : value.fields()) {
        out += first ? "" : " ";
        first = false;
        FormatOne(out, spec, Value::String(field.key));
        out += ':';
        FormatOne(out, spec, field.value);
    }
    out += ']';
}

void FormatOne(std::string& out, const Spec& spec, const Value& value) {
    if (spec.verb == 'T') {
        Pad(out, spec, GoTypeName(value.type()));
        return;
    }
    if (spec.verb == 'v' && spec.sharp) {
        AppendGoSyntax(out, value);
        return;
    }
    bool done = false;
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
        case Type::kError:
            if (spec.verb == 'v') {
                Pad(out, spec, "<nil>");
                return;
            }
            break;
        case Type::kBool:
            if (spec.verb == 't' || spec.verb == 'v') {
                Pad(out, spec, value.as_bool() ? "true" : "false");
                return;
            }
            break;
        case Type::kInt:
            done = FormatInt(out, spec, value.as_int());
            break;
        case Type::kDouble:
            done = FormatDouble(out, spec, value.as_double());
            break;
        case Type::kString:
            done = FormatText(out, spec, value.text(), false);
            break;
        case Type::kBytes:
            if (spec.verb == 'v' || spec.verb == 'd') {
                Pad(out, spec, GoText(value));
                return;
            }
            done = FormatText(out, spec, value.text(), true);
            break;
        case Type::kDatetime:
            done = FormatText(out, spec, GoText(value), false);
            break;
        case Type::kArray:
        case Type::kObject:
            FormatNested(out, spec, value);
            return;
    }
    if (!done) {
        Bad(out, spec.verb, value);
    }
}

// Reads a whole number at format[at]; -1 when there is none.
int ReadNumber(std::string_view format, size_t& at) {
    int value = -1;
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
        value = std::min(kMaxWidth + 1, (value < 0 ? 0 : value) * 10 + (format[at] - '0'));
    }
    return value;
}

// The state of one Sprintf: where the format and the arguments stand.
struct Cursor {
    std::string_view format;
    std::span<const Value> args;
    size_t at = 0;
    size_t argument = 0;
    bool reordered = false;
    bool good_index = true;

    // "[n]" in front of a verb, a `*`.
    void Index() {
        if (at >= format.size() || format[at] != '[') {
            return;
        }
        reordered = true;
        const size_t close = format.find(']', at);
        size_t digits = at + 1;
        const int number = ReadNumber(format, digits);
        if (close == std::string_view::npos || digits != close || number < 1 ||
            static_cast<size_t>(number) > args.size()) {
            good_index = false;
            at = close == std::string_view::npos ? format.size() : close + 1;
            return;
        }
        argument = static_cast<size_t>(number) - 1;
        at = close + 1;
    }
    // A number or `*`; -1 when neither.
    int Number(std::string& out, std::string_view complaint) {
        if (at < format.size() && format[at] == '*') {
            ++at;
            if (argument < args.size() && args[argument].type() == Type::kInt &&
                std::llabs(args[argument].as_int()) <= kMaxWidth) {
                return static_cast<int>(args[argument++].as_int());
            }
            ++argument;
            out += complaint;
            return -1;
        }
        return std::min(ReadNumber(format, at), kMaxWidth);
    }
};

void Flags(Cursor& cursor, Spec& spec) {
    for (; cursor.at < cursor.format.size(); ++cursor.at) {
        switch (cursor.format[cursor.at]) {
            case '-':
                spec.minus = true;
                break;
            case '+':
                spec.plus = true;
                break;
            case '#':
                spec.sharp = true;
                break;
            case ' ':
                spec.space = true;
                break;
            case '0':
                spec.zero = true;
                break;
            default:
                spec.zero = spec.zero && !spec.minus;
                return;
        }
    }
}

}  // namespace

void AppendFormat(std::string& out, std::string_view format, std::span<const Value> args) {
    Cursor cursor{format, args};
    while (cursor.at < format.size()) {
        const size_t percent = std::min(format.find('%', cursor.at), format.size());
        out.append(format.substr(cursor.at, percent - cursor.at));
        cursor.at = percent + 1;
        if (percent == format.size()) {
            break;
        }
        Spec spec;
        cursor.good_index = true;
        Flags(cursor, spec);
        cursor.Index();
        spec.width = cursor.Number(out, "%!(BADWIDTH)");
        if (spec.width < -1) {
            spec.minus = true;
            spec.zero = false;
            spec.width = -spec.width;
        }
        if (cursor.at < format.size() && format[cursor.at] == '.') {
            ++cursor.at;
            cursor.Index();
            spec.precision = std::max(0, cursor.Number(out, "%!(BADPREC)"));
        }
        cursor.Index();
        if (cursor.at >= format.size()) {
            out += "%!(NOVERB)";
            break;
        }
        spec.verb = format[cursor.at++];
        if (spec.verb == '%') {
            out += '%';
        } else if (!cursor.good_index) {
            out += fmt::format("%!{}(BADINDEX)", spec.verb);
        } else if (cursor.argument >= args.size()) {
            out += fmt::format("%!{}(MISSING)", spec.verb);
        } else {
            FormatOne(out, spec, args[cursor.argument++]);
        }
    }
    if (!cursor.reordered && cursor.argument < args.size()) {
        out += "%!(EXTRA ";
        for (size_t i = cursor.argument; i < args.size(); ++i) {
            out += i > cursor.argument ? ", " : "";
            out += args[i].is_null() ? "<nil>"
                                     : fmt::format("{}={}", GoTypeName(args[i].type()), GoText(args[i]));
        }
        out += ')';
    }
}

void AppendGoSyntax(std::string& out, const Value& value) {
    bool first = true;
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
        case Type::kError:
            out += "interface {}(nil)";
            return;
        case Type::kString:
            AppendQuoted(out, value.text(), false);
            return;
        case Type::kArray:
            out += "[]interface {}{";
            for (const Value& item : value.items()) {
                out += first ? "" : ", ";
                first = false;
                AppendGoSyntax(out, item);
            }
            out += '}';
            return;
        case Type::kObject:
            out += "map[string]interface {}{";
            for (const Field& field : value.fields()) {
                out += first ? "" : ", ";
                first = false;
                AppendQuoted(out, field.key, false);
                out += ':';
                AppendGoSyntax(out, field.value);
            }
            out += '}';
            return;
        case Type::kBytes:
            out += "[]byte{";
            for (const char byte : value.text()) {
                out += fmt::format("{}0x{:x}", first ? "" : ", ", static_cast<unsigned char>(byte));
                first = false;
            }
            out += '}';
            return;
        case Type::kBool:
        case Type::kInt:
        case Type::kDouble:
        case Type::kDatetime:
            AppendGoText(out, value);
            return;
    }
}

void AppendQuoted(std::string& out, std::string_view text, bool ascii) {
    out += '"';
    for (size_t at = 0; at < text.size();) {
        const size_t start = at;
        const uint32_t rune = NextRune(text, at);
        if (rune == 0xFFFD && at - start == 1) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[start]));
        } else if (rune == '"' || rune == '\\') {
            out += '\\';
            out += static_cast<char>(rune);
        } else if (rune < 0x20 || rune == 0x7F) {
            constexpr std::string_view kNamed = "\a\b\t\n\v\f\r";
            constexpr std::string_view kNames = "abtnvfr";
            const size_t named = kNamed.find(static_cast<char>(rune));
            out += named != std::string_view::npos ? fmt::format("\\{}", kNames[named])
                                                   : fmt::format("\\x{:02x}", rune);
        } else if (rune >= 0x80 && ascii) {
            out += rune < 0x10000 ? fmt::format("\\u{:04x}", rune) : fmt::format("\\U{:08x}", rune);
        } else {
            out += text.substr(start, at - start);
        }
    }
    out += '"';
}

}  // namespace haumea::text_template
