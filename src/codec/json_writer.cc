#include "codec/json_writer.h"

#include <array>
#include <cmath>
#include <cstring>

#include "data/cast.h"
#include "data/datetime.h"
#include "data/number_text.h"

namespace haumea::codec {

namespace {

// How a byte of a string is written: as it is, as a two-character escape (the character), as \u00XX, or by
// looking at the whole UTF-8 sequence.
constexpr char kPlain = 0;
constexpr char kUnicode = 1;
constexpr char kSequence = 2;

constexpr std::array<char, 256> kStringClass = [] {
    std::array<char, 256> classes{};
    for (size_t c = 0; c < 0x20; ++c) {
        classes[c] = kUnicode;
    }
    for (size_t c = 0x80; c < 256; ++c) {
        classes[c] = kSequence;
    }
    classes['"'] = '"';
    classes['\\'] = '\\';
    classes['\b'] = 'b';
    classes['\f'] = 'f';
    classes['\n'] = 'n';
    classes['\r'] = 'r';
    classes['\t'] = 't';
    classes['<'] = kUnicode;
    classes['>'] = kUnicode;
    classes['&'] = kUnicode;
    return classes;
}();

constexpr char kHex[] = "0123456789abcdef";
constexpr size_t kChunk = 256;
constexpr size_t kLongestEscape = 6;

// Length of the valid UTF-8 sequence at `p`, 0 when there is none (RFC 3629: no overlong forms, no
// surrogates).
size_t SequenceLength(const unsigned char* p, size_t left) noexcept {
    const auto tail = [p](size_t i) { return (p[i] & 0xC0U) == 0x80U; };
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        return left >= 2 && tail(1) ? 2 : 0;
    }
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        const bool valid = left >= 3 && tail(1) && tail(2) && !(p[0] == 0xE0 && p[1] < 0xA0) &&
                           !(p[0] == 0xED && p[1] > 0x9F);
        return valid ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        const bool valid = left >= 4 && tail(1) && tail(2) && tail(3) && !(p[0] == 0xF0 && p[1] < 0x90) &&
                           !(p[0] == 0xF4 && p[1] > 0x8F);
        return valid ? 4 : 0;
    }
    return 0;
}

// Writes the non-ASCII character at `p`; returns how many bytes it took.
size_t WriteSequence(const unsigned char* p, size_t left, char*& to) noexcept {
    const size_t length = SequenceLength(p, left);
    if (length == 0) {
        std::memcpy(to, "\\ufffd", kLongestEscape);
        to += kLongestEscape;
        return 1;
    }
    if (length == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9)) {
        std::memcpy(to, p[2] == 0xA8 ? "\\u2028" : "\\u2029", kLongestEscape);
        to += kLongestEscape;
        return length;
    }
    std::memcpy(to, p, length);
    to += length;
    return length;
}

bool WriteDouble(double value, BufferBuilder& out, std::string& error) noexcept {
    if (!std::isfinite(value)) {
        error = std::isnan(value)
                    ? "json: unsupported value: NaN"
                    : (value > 0 ? "json: unsupported value: +Inf" : "json: unsupported value: -Inf");
        return false;
    }
    out.Commit(WriteJsonNumber(value, out.Reserve(kMaxNumberText)));
    return true;
}

// A value of few bytes may stand for any length of text: its parts share what they are made of.
bool IsTooLong(const BufferBuilder& out, std::string& error) noexcept {
    if (out.size() <= kMaxJsonBytes) [[likely]] {
        return false;
    }
    error = "json: the text is longer than 256 MiB";
    return true;
}

bool WriteArray(const Value& value, BufferBuilder& out, std::string& error) noexcept {
    out.Append('[');
    bool first = true;
    for (const Value& item : value.items()) {
        if (!first) {
            out.Append(',');
        }
        first = false;
        if (!WriteJson(item, out, error) || IsTooLong(out, error)) {
            return false;
        }
    }
    out.Append(']');
    return true;
}

bool WriteObject(const Value& value, BufferBuilder& out, std::string& error) noexcept {
    out.Append('{');
    bool first = true;
    for (const Field& field : value.fields()) {
        if (field.value.is_missing()) {
            continue;
        }
        if (!first) {
            out.Append(',');
        }
        first = false;
        WriteJsonString(field.key, out);
        out.Append(':');
        if (!WriteJson(field.value, out, error) || IsTooLong(out, error)) {
            return false;
        }
    }
    out.Append('}');
    return true;
}

void WriteDatetime(const Value& value, BufferBuilder& out) noexcept {
    char* to = out.Reserve(kMaxRfc3339 + 2);
    to[0] = '"';
    const size_t length = WriteRfc3339(value, to + 1);
    to[1 + length] = '"';
    out.Commit(length + 2);
}

}  // namespace

void WriteJsonString(std::string_view text, BufferBuilder& out) noexcept {
    out.Append('"');
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const end = p + text.size();
    while (p != end) {
        // By chunks, so that room is reserved for what a chunk can become and not for the whole text.
        const unsigned char* const stop = p + std::min<size_t>(kChunk, static_cast<size_t>(end - p));
        char* const begin = out.Reserve(kChunk * kLongestEscape + 4);
        char* to = begin;
        while (p < stop) {
            const char kind = kStringClass[*p];
            if (kind == kPlain) {
                *to++ = static_cast<char>(*p++);
            } else if (kind == kSequence) {
                p += WriteSequence(p, static_cast<size_t>(end - p), to);
            } else if (kind == kUnicode) {
                const char escape[] = {'\\', 'u', '0', '0', kHex[*p >> 4U], kHex[*p & 15U]};
                std::memcpy(to, escape, sizeof(escape));
                to += sizeof(escape);
                ++p;
            } else {
                *to++ = '\\';
                *to++ = kind;
                ++p;
            }
        }
        out.Commit(static_cast<size_t>(to - begin));
    }
    out.Append('"');
}

bool WriteJson(const Value& value, BufferBuilder& out, std::string& error) noexcept {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            out.Append("null");
            return true;
        case Type::kBool:
            out.Append(value.as_bool() ? std::string_view("true") : std::string_view("false"));
            return true;
        case Type::kInt:
            out.Commit(WriteInt(value.as_int(), out.Reserve(kMaxNumberText)));
            return true;
        case Type::kDouble:
            return WriteDouble(value.as_double(), out, error);
        case Type::kDatetime:
            WriteDatetime(value, out);
            return true;
        case Type::kString:
            WriteJsonString(value.text(), out);
            return true;
        case Type::kBytes:
            out.Append('"');
            out.Append(EncodeBase64(value.text()));
            out.Append('"');
            return true;
        case Type::kArray:
            return WriteArray(value, out, error);
        case Type::kObject:
            return WriteObject(value, out, error);
        case Type::kError:
            error = value.text();
            return false;
    }
    return false;
}

}  // namespace haumea::codec
