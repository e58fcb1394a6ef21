#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haumea::text_template {

enum class Tok : uint8_t {
    kError,
    kEof,
    kText,
    kLeftDelim,
    kRightDelim,
    kSpace,
    kIdentifier,
    kField,     // .name
    kVariable,  // $ or $name
    kString,    // quoted, escapes not yet undone
    kRawString,
    kChar,  // 'x'
    kNumber,
    kBool,
    kLeftParen,
    kRightParen,
    kPipe,
    kDeclare,  // :=
    kAssign,   // =
    kPunctuation,
    // Keywords from here on; `.` counts as one.
    kDot,
    kBlock,
    kBreak,
    kContinue,
    kDefine,
    kElse,
    kEnd,
    kIf,
    kNil,
    kRange,
    kTemplate,
    kWith,
};

struct Token {
    Tok type = Tok::kEof;
    std::string text;  // kError: the message
    int line = 1;
    int column = 0;  // bytes before it in its line; of words only
};

// `"abc"`, `<end>`, `EOF`: as Go's parser shows a token in its messages.
std::string Describe(const Token& token);

// Cuts a template into tokens (text/template/parse, lex.go's rules): text, and within {{ }} the words. Trim
// markers `{{- ` and ` -}}` and comments are dealt with here.
class Lexer {
  public:
    explicit Lexer(std::string_view input) : input_(input) {}
    Token Next();

  private:
    Token Text();
    Token Inside();
    Token Quote(char quote, Tok type, std::string_view complaint);
    Token FieldOrVariable(Tok type, size_t start);
    Token Number(size_t start);
    Token Word(size_t start);
    Token Make(Tok type, size_t start);
    Token Fail(std::string message);
    bool SkipComment(Token& failure);
    bool AtRightDelim(bool& trims) const;
    bool AtTerminator() const;
    bool Has(std::string_view text) const { return input_.substr(pos_, text.size()) == text; }
    void SkipSpaces();

    std::string_view input_;
    size_t pos_ = 0;
    int line_ = 1;
    int parens_ = 0;
    bool inside_ = false;
    bool failed_ = false;
};

}  // namespace haumea::text_template
