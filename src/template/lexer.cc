#include "template/lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace haumea::text_template {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool IsSpace(char c) { return kSpaces.find(c) != std::string_view::npos; }
// Letters of every script: bytes of multi-byte characters are taken as letters.
bool IsWord(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr std::pair<std::string_view, Tok> kKeywords[] = {
    {"block", Tok::kBlock},
    {"break", Tok::kBreak},
    {"continue", Tok::kContinue},
    {"define", Tok::kDefine},
    {"else", Tok::kElse},
    {"end", Tok::kEnd},
    {"if", Tok::kIf},
    {"nil", Tok::kNil},
    {"range", Tok::kRange},
    {"template", Tok::kTemplate},
    {"with", Tok::kWith},
};

}  // namespace

std::string Describe(const Token& token) {
    if (token.type == Tok::kEof) {
        return "EOF";
    }
    if (token.type == Tok::kError) {
        return token.text;
    }
    if (token.type >= Tok::kDot) {
        return fmt::format("<{}>", token.text);
    }
    std::string quoted = "\"";
    const bool cut = token.text.size() > 10;
    for (const char c : std::string_view(token.text).substr(0, cut ? 10 : std::string_view::npos)) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (c == '\n') {
            quoted += "\\n";
        } else {
            quoted += c;
        }
    }
    return quoted + (cut ? "\"..." : "\"");
}

Token Lexer::Make(Tok type, size_t start) {
    Token token{type, std::string(input_.substr(start, pos_ - start)), line_};
    const size_t line_end = start == 0 ? std::string_view::npos : input_.rfind('\n', start - 1);
    token.column = static_cast<int>(line_end == std::string_view::npos ? start : start - line_end - 1);
    line_ += static_cast<int>(std::count(token.text.begin(), token.text.end(), '\n'));
    return token;
}

Token Lexer::Fail(std::string message) {
    failed_ = true;
    return {Tok::kError, std::move(message), line_};
}

void Lexer::SkipSpaces() {
    while (pos_ < input_.size() && IsSpace(input_[pos_])) {
        line_ += input_[pos_] == '\n' ? 1 : 0;
        ++pos_;
    }
}

Token Lexer::Next() {
    if (failed_) {
        return {Tok::kEof, "", line_};
    }
    return inside_ ? Inside() : Text();
}

// "{{/* ... */}}", already recognised; false with the failure when it does not end properly.
bool Lexer::SkipComment(Token& failure) {
    const size_t end = input_.find("*/", pos_ + 2);
    if (end == std::string_view::npos) {
        failure = Fail("unclosed comment");
        return false;
    }
    line_ += static_cast<int>(std::count(input_.begin() + static_cast<ptrdiff_t>(pos_),
                                         input_.begin() + static_cast<ptrdiff_t>(end), '\n'));
    pos_ = end + 2;
    bool trims = false;
    if (!AtRightDelim(trims)) {
        failure = Fail("comment ends before closing delimiter");
        return false;
    }
    pos_ += trims ? 4 : 2;
    if (trims) {
        SkipSpaces();
    }
    return true;
}

Token Lexer::Text() {
    for (;;) {
        const size_t start = pos_;
        const size_t open = std::min(input_.find("{{", pos_), input_.size());
        size_t end = open;
        const bool trims = open + 3 < input_.size() && input_[open + 2] == '-' && IsSpace(input_[open + 3]);
        if (trims) {
            while (end > start && IsSpace(input_[end - 1])) {
                --end;
            }
        }
        pos_ = open;
        if (end > start) {
            Token token{Tok::kText, std::string(input_.substr(start, end - start)), line_};
            line_ += static_cast<int>(std::count(input_.begin() + static_cast<ptrdiff_t>(start),
                                                 input_.begin() + static_cast<ptrdiff_t>(open), '\n'));
            return token;
        }
        line_ += static_cast<int>(std::count(input_.begin() + static_cast<ptrdiff_t>(start),
                                             input_.begin() + static_cast<ptrdiff_t>(open), '\n'));
        if (open == input_.size()) {
            return {Tok::kEof, "", line_};
        }
        const size_t skip = trims ? 4 : 2;
        if (input_.substr(open + skip, 2) == "/*") {
            pos_ = open + skip;
            Token failure;
            if (!SkipComment(failure)) {
                return failure;
            }
            continue;
        }
        pos_ = open + skip;
        inside_ = true;
        parens_ = 0;
        return {Tok::kLeftDelim, "{{", line_};
    }
}

bool Lexer::AtRightDelim(bool& trims) const {
    trims = pos_ + 3 < input_.size() && IsSpace(input_[pos_]) && input_[pos_ + 1] == '-' &&
            input_[pos_ + 2] == '}' && input_[pos_ + 3] == '}';
    return trims || Has("}}");
}

bool Lexer::AtTerminator() const {
    if (pos_ >= input_.size() || IsSpace(input_[pos_])) {
        return true;
    }
    return std::string_view(".,|:)(").find(input_[pos_]) != std::string_view::npos || Has("}}");
}

Token Lexer::Inside() {
    bool trims = false;
    if (AtRightDelim(trims)) {
        if (parens_ > 0) {
            return Fail("unclosed left paren");
        }
        inside_ = false;
        pos_ += trims ? 4 : 2;
        Token token{Tok::kRightDelim, "}}", line_};
        if (trims) {
            SkipSpaces();
        }
        return token;
    }
    if (pos_ >= input_.size()) {
        return Fail("unclosed action");
    }
    const size_t start = pos_;
    const char c = input_[pos_];
    if (IsSpace(c)) {
        // Stops in front of a ` -}}`: its space belongs to the marker.
        while (pos_ < input_.size() && IsSpace(input_[pos_]) && !(AtRightDelim(trims) && trims)) {
            ++pos_;
        }
        return Make(Tok::kSpace, start);
    }
    ++pos_;
    switch (c) {
        case '=':
            return Make(Tok::kAssign, start);
        case ':':
            if (!Has("=")) {
                return Fail("expected :=");
            }
            ++pos_;
            return Make(Tok::kDeclare, start);
        case '|':
            return Make(Tok::kPipe, start);
        case '"':
            return Quote('"', Tok::kString, "unterminated quoted string");
        case '`':
            return Quote('`', Tok::kRawString, "unterminated raw quoted string");
        case '\'':
            return Quote('\'', Tok::kChar, "unterminated character constant");
        case '$':
            if (AtTerminator()) {
                return Make(Tok::kVariable, start);
            }
            return FieldOrVariable(Tok::kVariable, start);
        case '(':
            ++parens_;
            return Make(Tok::kLeftParen, start);
        case ')':
            if (--parens_ < 0) {
                return Fail("unexpected right paren");
            }
            return Make(Tok::kRightParen, start);
        default:
            break;
    }
    if (c == '.' && (pos_ >= input_.size() || !IsDigit(input_[pos_]))) {
        if (AtTerminator()) {
            return Make(Tok::kDot, start);
        }
        return FieldOrVariable(Tok::kField, start);
    }
    if (c == '.' || c == '+' || c == '-' || IsDigit(c)) {
        return Number(start);
    }
    if (IsWord(c)) {
        return Word(start);
    }
    if (c > ' ' && c < 0x7F) {
        return Make(Tok::kPunctuation, start);
    }
    return Fail(fmt::format("unrecognized character in action: U+{:04X}", static_cast<unsigned char>(c)));
}

Token Lexer::Quote(char quote, Tok type, std::string_view complaint) {
    const size_t start = pos_ - 1;
    for (; pos_ < input_.size(); ++pos_) {
        const char c = input_[pos_];
        if (c == quote) {
            ++pos_;
            return Make(type, start);
        }
        if (quote != '`') {
            if (c == '\n') {
                break;
            }
            pos_ += c == '\\' ? 1U : 0U;
        }
    }
    pos_ = std::min(pos_, input_.size());
    return Fail(std::string(complaint));
}

Token Lexer::FieldOrVariable(Tok type, size_t start) {
    while (pos_ < input_.size() && IsWord(input_[pos_])) {
        ++pos_;
    }
    if (!AtTerminator()) {
        return Fail(fmt::format("bad character U+{:04X} '{}'", static_cast<unsigned char>(input_[pos_]),
                                input_[pos_]));
    }
    return Make(type, start);
}

Token Lexer::Number(size_t start) {
    pos_ = start;
    const auto accept = [this](std::string_view set) {
        if (pos_ < input_.size() && set.find(input_[pos_]) != std::string_view::npos) {
            ++pos_;
            return true;
        }
        return false;
    };
    accept("+-");
    std::string_view digits = "0123456789_";
    if (accept("0")) {
        if (accept("xX")) {
            digits = "0123456789abcdefABCDEF_";
        } else if (accept("oO")) {
            digits = "01234567_";
        } else if (accept("bB")) {
            digits = "01_";
        }
    }
    while (accept(digits)) {
    }
    if (accept(".")) {
        while (accept(digits)) {
        }
    }
    if (accept(digits.size() == 11 ? "eE" : "pP")) {
        accept("+-");
        while (accept("0123456789_")) {
        }
    }
    if (pos_ < input_.size() && IsWord(input_[pos_])) {
        ++pos_;
        return Fail(fmt::format("bad number syntax: \"{}\"", input_.substr(start, pos_ - start)));
    }
    return Make(Tok::kNumber, start);
}

Token Lexer::Word(size_t start) {
    while (pos_ < input_.size() && IsWord(input_[pos_])) {
        ++pos_;
    }
    const std::string_view word = input_.substr(start, pos_ - start);
    if (!AtTerminator()) {
        return Fail(fmt::format("bad character U+{:04X} '{}'", static_cast<unsigned char>(input_[pos_]),
                                input_[pos_]));
    }
    for (const auto& [text, type] : kKeywords) {
        if (word == text) {
            return Make(type, start);
        }
    }
    return Make(word == "true" || word == "false" ? Tok::kBool : Tok::kIdentifier, start);
}

}  // namespace haumea::text_template
