#pragma once

#include <string_view>

#include "sql/token.h"

namespace haumea::sql {

// Cuts SQL text into tokens, on demand, since a '-' belongs to a number only where the parser expects an
// operand. Borrows the text. Linear in the text: no byte is read more than a few times. One thread at a time.
//
// Kept from eKuiper: blanks are allowed inside operators (`< =`, `- >`, `! =`), so `a - -1` starts a comment;
// `-.5` is always a number; integers have no sign. Different: a lone '!' is illegal (there it means '=').
class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    // The next token; comments and blanks are skipped. At the end kEnd, again and again.
    Token Next();
    // Right after a kMinus: the negative number that follows (blanks allowed between), or false and nothing
    // is read.
    bool NegativeNumber(const Token& minus, Token& number);

  private:
    bool SkipBlanksAndComments(Token& illegal);
    void SkipBlanks();
    char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
    Token Word(size_t start);
    Token Number(size_t start, std::string prefix);
    Token Text(size_t start, char quote);
    Token QuotedName(size_t start);
    Token Operator(size_t start);
    Token Make(TokenKind kind, std::string_view text, size_t start) const;
    bool TakeAfterBlanks(char c);

    std::string_view text_;
    size_t pos_ = 0;
};

// Line and column (both from 1, column in bytes) of an offset.
void Locate(std::string_view text, size_t offset, int& line, int& column);
// Offset of the first byte that is no valid UTF-8, or npos.
size_t FindInvalidUtf8(std::string_view text);

}  // namespace haumea::sql
