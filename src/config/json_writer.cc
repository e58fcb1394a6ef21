#include <cmath>

#include "config/node.h"

namespace haumea::config {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// As Go's encoding/json prints floats: the shortest digits that read back the same, an exponent below 1e-6
// and from 1e21 on, "1" for 1.0.
void AppendDouble(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";  // JSON has no such number
        return;
    }
    std::array<char, 64> buffer{};
    const auto print = [&](std::chars_format format) {
        const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
        return std::string_view(buffer.data(), static_cast<size_t>(end - buffer.data()));
    };
    constexpr double kExactWhole =
        9007199254740992.0;  // from here on fixed notation shows more than the shortest digits
    const double magnitude = std::fabs(value);
    if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < kExactWhole)) {
        out.append(print(std::chars_format::fixed));
        return;
    }
    const std::string_view digits = print(std::chars_format::scientific);  // d.ddde+XX
    const size_t e = digits.find('e');
    const std::string_view mantissa = digits.substr(0, e);
    if (magnitude < 1e21 && magnitude >= 1) {
        size_t places = static_cast<size_t>((digits[e + 2] - '0') * 10 + (digits[e + 3] - '0'));
        for (const char c : mantissa) {
            if (c != '.') {
                out.push_back(c);
            }
        }
        const size_t sign = value < 0 ? 1 : 0;
        places -= mantissa.size() > sign + 1 ? mantissa.size() - sign - 2 : 0;
        out.append(places, '0');
        return;
    }
    out.append(digits.substr(0, e + 2));
    out.append(digits.substr(digits[e + 2] == '0' ? e + 3 : e + 2));  // e-07 is printed e-7
}

void AppendUnicodeEscape(std::string& out, uint32_t unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
        out.push_back(kHex[(unit >> static_cast<uint32_t>(shift)) & 0xFU]);
    }
}

void AppendEscaped(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\b':
            out += "\\b";
            break;
        case '\f':
            out += "\\f";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            AppendUnicodeEscape(out, static_cast<uint8_t>(c));
            break;
    }
}

// Bytes of the UTF-8 character (RFC 3629) that begins here with a byte above 0x7F; 0 when none does.
size_t CharacterBytes(std::string_view text) {
    const auto byte = [text](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0U; };
    const unsigned lead = byte(0);
    const size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;  // no longer form than needed
    const unsigned highest = lead == 0xED   ? 0x9F
                             : lead == 0xF4 ? 0x8F
                                            : 0xBF;  // no surrogate, not over U+10FFFF
    if (size == 0 || byte(1) < lowest || byte(1) > highest) {
        return 0;
    }
    for (size_t i = 2; i < size; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xBF) {
            return 0;
        }
    }
    return size;
}

void AppendString(std::string& out, std::string_view text, bool escape_html) {
    out.push_back('"');
    size_t plain = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool html = escape_html && (c == '<' || c == '>' || c == '&');
        if (static_cast<uint8_t>(c) < 0x20 || c == '"' || c == '\\' || html) {
            out.append(text.substr(plain, i - plain));
            AppendEscaped(out, c);
            plain = i + 1;
        } else if (c == '\xE2' && escape_html &&
                   (text.substr(i, 3) == "\xE2\x80\xA8" || text.substr(i, 3) == "\xE2\x80\xA9")) {
            // U+2028 and U+2029 end a line in JavaScript source.
            out.append(text.substr(plain, i - plain));
            AppendUnicodeEscape(out, text[i + 2] == '\xA8' ? 0x2028 : 0x2029);
            plain = i + 3;
            i += 2;
        } else if (static_cast<uint8_t>(c) > 0x7F) {
            // Texts that quote what a caller sent may hold any bytes; JSON holds UTF-8.
            const size_t size = CharacterBytes(text.substr(i));
            if (size == 0) {
                out.append(text.substr(plain, i - plain));
                AppendUnicodeEscape(out, 0xFFFD);
                plain = i + 1;
            } else {
                i += size - 1;
            }
        }
    }
    out.append(text.substr(plain));
    out.push_back('"');
}

class JsonWriter {
  public:
    explicit JsonWriter(const JsonStyle& style) : style_(style) {}

    void Write(const Node& node) {
        if (node.is_null()) {
            out_ += "null";
        } else if (node.is_bool()) {
            out_ += node.as_bool() ? "true" : "false";
        } else if (node.is_int()) {
            out_ += std::to_string(node.as_int());
        } else if (node.is_double()) {
            AppendDouble(out_, node.as_double());
        } else if (node.is_string()) {
            AppendString(out_, node.as_string(), style_.escape_html);
        } else if (node.is_array()) {
            WriteArray(node.array());
        } else {
            WriteObject(node.object());
        }
    }
    std::string Take() { return std::move(out_); }

  private:
    void NewLine() {
        if (style_.indent > 0) {
            out_.push_back('\n');
            out_.append(static_cast<size_t>(style_.indent * level_), ' ');
        }
    }

    void WriteArray(const Node::Array& items) {
        out_.push_back('[');
        ++level_;
        for (const Node& item : items) {
            if (&item != &items.front()) {
                out_.push_back(',');
            }
            NewLine();
            Write(item);
        }
        --level_;
        if (!items.empty()) {
            NewLine();
        }
        out_.push_back(']');
    }

    void WriteObject(const Node::Object& members) {
        std::vector<const Node::Member*> order;
        order.reserve(members.size());
        for (const Node::Member& member : members) {
            order.push_back(&member);
        }
        if (style_.sort_keys) {
            std::sort(order.begin(), order.end(),
                      [](const Node::Member* a, const Node::Member* b) { return a->first < b->first; });
        }
        out_.push_back('{');
        ++level_;
        for (size_t i = 0; i < order.size(); ++i) {
            if (i > 0) {
                out_.push_back(',');
            }
            NewLine();
            AppendString(out_, order[i]->first, style_.escape_html);
            out_ += style_.indent > 0 ? ": " : ":";
            Write(order[i]->second);
        }
        --level_;
        if (!order.empty()) {
            NewLine();
        }
        out_.push_back('}');
    }

    const JsonStyle& style_;
    std::string out_;
    int level_ = 0;
};

}  // namespace

std::string ToJson(const Node& node, const JsonStyle& style) {
    JsonWriter writer(style);
    writer.Write(node);
    return writer.Take();
}

}  // namespace haumea::config
