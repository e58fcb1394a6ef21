#include "codec/json_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "codec/json_number.h"
#include "codec/json_string.h"

namespace haumea::codec {

bool JsonReader::Start(std::string_view text) noexcept {
    text_ = text.data();
    size_ = text.size();
    at_ = 0;
    depth_ = 0;
    items_.clear();
    members_.clear();
    has_escapes_ = size_ != 0 && std::memchr(text_, '\\', size_) != nullptr;
    return index_.Build(text_, size_, error_);
}

bool JsonReader::Finish() noexcept {
    return at_ == index_.count() || Fail("unexpected text behind the end of the document");
}

bool JsonReader::Fail(const char* what) noexcept {
    if (at_ >= index_.count()) {
        error_ = fmt::format("cannot parse JSON: {}, but the text ends", what);
    } else {
        error_ = fmt::format("cannot parse JSON: {} at offset {}", what, offset());
    }
    return false;
}

std::string_view JsonReader::KindOfNext() const noexcept {
    switch (Peek()) {
        case '{':
            return "object";
        case '[':
            return "array";
        case '"':
            return "string";
        case 't':
            return "true";
        case 'f':
            return "false";
        case 'n':
            return "null";
        default:
            return "number";
    }
}

// A token lasts until the next one starts, except for the white space between.
size_t JsonReader::TokenEnd() const noexcept {
    size_t end = index_.offsets()[at_ + 1];
    end = std::min(end, size_);
    while (end > offset() + 1 && (text_[end - 1] == ' ' || text_[end - 1] == '\n' || text_[end - 1] == '\r' ||
                                  text_[end - 1] == '\t')) {
        --end;
    }
    return end;
}

bool JsonReader::RawString(std::string_view& raw) noexcept {
    const size_t begin = offset() + 1;
    const size_t end = TokenEnd();
    if (end <= begin || text_[end - 1] != '"') {
        return Fail("a string is not closed");
    }
    raw = {text_ + begin, end - 1 - begin};
    ++at_;
    return true;
}

bool JsonReader::ReadString(Arena& arena, std::string_view& text) noexcept {
    std::string_view raw;
    if (!RawString(raw)) {
        return false;
    }
    if (!has_escapes_ || raw.empty() || std::memchr(raw.data(), '\\', raw.size()) == nullptr) [[likely]] {
        text = raw;
        return true;
    }
    if (!AreJsonEscapesValid(raw)) {
        --at_;
        return Fail("a string contains an unknown escape");
    }
    text = UnescapeJson(raw, arena);
    return true;
}

bool JsonReader::SkipString() noexcept {
    std::string_view raw;
    if (!RawString(raw)) {
        return false;
    }
    if (!has_escapes_ || raw.empty() || std::memchr(raw.data(), '\\', raw.size()) == nullptr ||
        AreJsonEscapesValid(raw)) {
        return true;
    }
    --at_;
    return Fail("a string contains an unknown escape");
}

bool JsonReader::ReadWord(Value& value) noexcept {
    const std::string_view token = ScalarToken();
    if (token == "true") {
        value = Value::Bool(true);
    } else if (token == "false") {
        value = Value::Bool(false);
    } else if (token == "null") {
        value = Value::Null();
    } else {
        return Fail("expected a value");
    }
    ++at_;
    return true;
}

bool JsonReader::ReadDouble(double& number) noexcept {
    JsonNumber parsed;
    if (!ParseJsonNumber(ScalarToken(), parsed)) {
        return Fail("expected a value, found what is no number");
    }
    number = parsed.value;
    ++at_;
    return true;
}

bool JsonReader::ReadNumber(Value& value) noexcept {
    const std::string_view token = ScalarToken();
    JsonNumber parsed;
    if (!ParseJsonNumber(token, parsed)) {
        return Fail("expected a value, found what is no number");
    }
    ++at_;
    if (!options_.whole_numbers_as_int || token.find('.') != std::string_view::npos) {
        value = Value::Double(parsed.value);
        return true;
    }
    int64_t whole = 0;
    const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), whole);
    if (code != std::errc() || end != token.data() + token.size()) {
        return FailWith(
            fmt::format("cannot read {} as a whole number of 64 bits (useInt64ForWholeNumber)", token));
    }
    value = Value::Int(whole);
    return true;
}

bool JsonReader::EnterObject() noexcept {
    if (++depth_ > options_.max_depth) {
        return Fail("nested too deeply");
    }
    ++at_;
    first_ = true;
    return true;
}

bool JsonReader::EnterArray() noexcept { return EnterObject(); }

bool JsonReader::NextMember(Arena& arena, std::string_view& key, bool& done) noexcept {
    const bool first = std::exchange(first_, false);
    char next = Peek();
    if (next == '}' || !first) {
        if (next == '}') {
            ++at_;
            --depth_;
            done = true;
            return true;
        }
        if (next != ',') {
            return Fail("expected ',' or '}' in an object");
        }
        ++at_;
        next = Peek();
    }
    if (next != '"') {
        return Fail("expected a key in double quotes");
    }
    if (!ReadString(arena, key)) {
        return false;
    }
    if (Peek() != ':') {
        return Fail("expected ':' behind a key");
    }
    ++at_;
    done = false;
    return true;
}

bool JsonReader::NextElement(bool& done) noexcept {
    const bool first = std::exchange(first_, false);
    const char next = Peek();
    if (next == ']') {
        ++at_;
        --depth_;
        done = true;
        return true;
    }
    if (!first) {
        if (next != ',') {
            return Fail("expected ',' or ']' in an array");
        }
        ++at_;
    }
    done = false;
    return true;
}

bool JsonReader::ReadValue(Arena& arena, Value& value) noexcept {
    switch (Peek()) {
        case '{':
            return ReadObject(arena, value);
        case '[':
            return ReadArray(arena, value);
        case '"': {
            std::string_view text;
            if (!ReadString(arena, text)) {
                return false;
            }
            value = Value::String(text);
            return true;
        }
        case 't':
        case 'f':
        case 'n':
            return ReadWord(value);
        case '\0':
            return Fail("expected a value");
        default:
            return ReadNumber(value);
    }
}

bool JsonReader::ReadObject(Arena& arena, Value& value) noexcept {
    if (!EnterObject()) {
        return false;
    }
    const size_t base = members_.size();
    for (;;) {
        Field member;
        bool done = false;
        if (!NextMember(arena, member.key, done)) {
            return false;
        }
        if (done) {
            break;
        }
        if (!ReadValue(arena, member.value)) {
            return false;
        }
        members_.push_back(member);
    }
    const size_t count = SortFields(std::span(members_).subspan(base));
    Field* fields = arena.AllocateArray<Field>(count);
    std::copy_n(members_.begin() + static_cast<std::ptrdiff_t>(base), count, fields);
    members_.resize(base);
    value = Value::Object({fields, count});
    return true;
}

bool JsonReader::ReadArray(Arena& arena, Value& value) noexcept {
    if (!EnterArray()) {
        return false;
    }
    const size_t base = items_.size();
    for (;;) {
        bool done = false;
        if (!NextElement(done)) {
            return false;
        }
        if (done) {
            break;
        }
        Value item;
        if (!ReadValue(arena, item)) {
            return false;
        }
        items_.push_back(item);
    }
    const size_t count = items_.size() - base;
    Value* items = arena.AllocateArray<Value>(count);
    std::copy_n(items_.begin() + static_cast<std::ptrdiff_t>(base), count, items);
    items_.resize(base);
    value = Value::Array({items, count});
    return true;
}

bool JsonReader::SkipValue() noexcept {
    switch (Peek()) {
        case '{':
            return SkipObject();
        case '[':
            return SkipArray();
        case '"':
            return SkipString();
        case 't':
        case 'f':
        case 'n': {
            Value ignored;
            return ReadWord(ignored);
        }
        case '\0':
            return Fail("expected a value");
        default: {
            double ignored = 0;
            return ReadDouble(ignored);
        }
    }
}

bool JsonReader::SkipObject() noexcept {
    if (!EnterObject()) {
        return false;
    }
    for (bool first = true;; first = false) {
        char next = Peek();
        if (next == '}') {
            ++at_;
            --depth_;
            first_ = false;
            return true;
        }
        if (!first) {
            if (next != ',') {
                return Fail("expected ',' or '}' in an object");
            }
            ++at_;
            next = Peek();
        }
        if (next != '"') {
            return Fail("expected a key in double quotes");
        }
        if (!SkipString()) {
            return false;
        }
        if (Peek() != ':') {
            return Fail("expected ':' behind a key");
        }
        ++at_;
        if (!SkipValue()) {
            return false;
        }
    }
}

bool JsonReader::SkipArray() noexcept {
    if (!EnterArray()) {
        return false;
    }
    for (bool done = false;;) {
        if (!NextElement(done)) {
            return false;
        }
        if (done) {
            return true;
        }
        if (!SkipValue()) {
            return false;
        }
    }
}

}  // namespace haumea::codec
