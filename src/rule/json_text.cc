#include "rule/json_text.h"

#include <fmt/format.h>

namespace haumea::rule {
namespace {

constexpr size_t kMaxDepth = 200;  // as config::ParseJson

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string QuoteByte(char c) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
        case '\'':
            return R"('\'')";
        case '\\':
            return R"('\\')";
        case '\n':
            return R"('\n')";
        case '\r':
            return R"('\r')";
        case '\t':
            return R"('\t')";
        default:
            break;
    }
    if (byte < 0x20 || byte == 0x7F) {
        return fmt::format("'\\x{:02x}'", byte);
    }
    if (byte < 0x80) {
        return fmt::format("'{}'", c);
    }
    if (byte < 0xA0 || byte == 0xAD) {
        return fmt::format("'\\u{:04x}'", byte);
    }
    // A byte is shown as the character of that number.
    return fmt::format("'{}{}'", static_cast<char>(0xC0 | (byte >> 6)),
                       static_cast<char>(0x80 | (byte & 0x3F)));
}

// Walks over one JSON value without building it. Every method returns false once an error is known.
class SyntaxScanner {
  public:
    SyntaxScanner(std::string_view text, JsonInput input) : text_(text), input_(input) {}

    std::string Run() {
        SkipBlanks();
        if (input_ == JsonInput::kStream && AtEnd()) {
            return "EOF";
        }
        if (Value("looking for beginning of value") && input_ == JsonInput::kDocument) {
            SkipBlanks();
            if (!AtEnd()) {
                Unexpected("after top-level value");
            }
        }
        return std::move(error_);
    }

  private:
    bool AtEnd() const { return pos_ >= text_.size(); }
    char Here() const { return text_[pos_]; }
    void SkipBlanks() {
        while (!AtEnd() && IsBlank(Here())) {
            ++pos_;
        }
    }
    // The byte here does not belong here, or there is none.
    bool Unexpected(std::string_view where) {
        if (AtEnd()) {
            error_ = input_ == JsonInput::kStream ? "unexpected EOF" : "unexpected end of JSON input";
        } else {
            error_ = fmt::format("invalid character {} {}", QuoteByte(Here()), where);
        }
        return false;
    }

    bool Value(std::string_view where) {
        SkipBlanks();
        if (AtEnd()) {
            return Unexpected(where);
        }
        switch (Here()) {
            case '{':
                return Nested(&SyntaxScanner::ObjectBody);
            case '[':
                return Nested(&SyntaxScanner::ArrayBody);
            case '"':
                return String();
            case 't':
                return Literal("true");
            case 'f':
                return Literal("false");
            case 'n':
                return Literal("null");
            default:
                break;
        }
        return Here() == '-' || IsDigit(Here()) ? Number() : Unexpected(where);
    }

    bool Nested(bool (SyntaxScanner::*body)()) {
        if (++depth_ > kMaxDepth) {
            error_ = fmt::format("more than {} levels of nesting", kMaxDepth);
            return false;
        }
        ++pos_;
        const bool ok = (this->*body)();
        --depth_;
        return ok;
    }

    bool ObjectBody() {
        constexpr std::string_view kKey = "looking for beginning of object key string";
        SkipBlanks();
        if (!AtEnd() && Here() == '}') {
            ++pos_;
            return true;
        }
        while (true) {
            SkipBlanks();
            if (AtEnd() || Here() != '"') {
                return Unexpected(kKey);
            }
            if (!String()) {
                return false;
            }
            SkipBlanks();
            if (AtEnd() || Here() != ':') {
                return Unexpected("after object key");
            }
            ++pos_;
            if (!Value("looking for beginning of value")) {
                return false;
            }
            SkipBlanks();
            if (AtEnd() || (Here() != ',' && Here() != '}')) {
                return Unexpected("after object key:value pair");
            }
            if (text_[pos_++] == '}') {
                return true;
            }
        }
    }

    bool ArrayBody() {
        SkipBlanks();
        if (!AtEnd() && Here() == ']') {
            ++pos_;
            return true;
        }
        while (true) {
            if (!Value("looking for beginning of value")) {
                return false;
            }
            SkipBlanks();
            if (AtEnd() || (Here() != ',' && Here() != ']')) {
                return Unexpected("after array element");
            }
            if (text_[pos_++] == ']') {
                return true;
            }
        }
    }

    bool String() {
        ++pos_;
        while (!AtEnd() && Here() != '"') {
            if (static_cast<unsigned char>(Here()) < 0x20) {
                return Unexpected("in string literal");
            }
            if (text_[pos_++] == '\\' && !Escape()) {
                return false;
            }
        }
        if (AtEnd()) {
            return Unexpected("in string literal");
        }
        ++pos_;
        return true;
    }

    bool Escape() {
        constexpr std::string_view kSimple = "\"\\/bfnrt";
        if (AtEnd() || (Here() != 'u' && kSimple.find(Here()) == std::string_view::npos)) {
            return Unexpected("in string escape code");
        }
        if (text_[pos_++] != 'u') {
            return true;
        }
        for (int i = 0; i < 4; ++i, ++pos_) {
            if (AtEnd() || !IsHex(Here())) {
                return Unexpected("in \\u hexadecimal character escape");
            }
        }
        return true;
    }

    bool Literal(std::string_view word) {
        for (const char expected : word) {
            if (AtEnd() || Here() != expected) {
                return Unexpected(fmt::format("in literal {} (expecting '{}')", word, expected));
            }
            ++pos_;
        }
        return true;
    }

    bool Digits(std::string_view where) {
        if (AtEnd() || !IsDigit(Here())) {
            return Unexpected(where);
        }
        while (!AtEnd() && IsDigit(Here())) {
            ++pos_;
        }
        return true;
    }

    bool Number() {
        if (Here() == '-') {
            ++pos_;
        }
        if (!AtEnd() && Here() == '0') {
            ++pos_;  // a digit after it does not belong to the number
        } else if (!Digits("in numeric literal")) {
            return false;
        }
        if (!AtEnd() && Here() == '.') {
            ++pos_;
            if (!Digits("after decimal point in numeric literal")) {
                return false;
            }
        }
        if (!AtEnd() && (Here() == 'e' || Here() == 'E')) {
            ++pos_;
            if (!AtEnd() && (Here() == '+' || Here() == '-')) {
                ++pos_;
            }
            return Digits("in exponent of numeric literal");
        }
        return true;
    }

    std::string_view text_;
    JsonInput input_;
    size_t pos_ = 0;
    size_t depth_ = 0;
    std::string error_;

  public:
    // Behind the value, after a run without error.
    size_t end() const { return pos_; }
};

}  // namespace

std::string JsonSyntaxError(std::string_view text, JsonInput input) {
    return SyntaxScanner(text, input).Run();
}

Result<config::Node> ParseBody(std::string_view text, JsonInput input) {
    if (input == JsonInput::kStream) {
        SyntaxScanner scanner(text, input);
        if (std::string error = scanner.Run(); !error.empty()) {
            return Fail(Error(std::move(error)));
        }
        text = text.substr(0, scanner.end());
    }
    Result<config::Node> node = config::ParseJson(text);
    if (!node) {
        if (std::string error = JsonSyntaxError(text, input); !error.empty()) {
            return Fail(Error(std::move(error)));
        }
    }
    return node;
}

}  // namespace haumea::rule
