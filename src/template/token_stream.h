#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/lexer.h"

namespace haumea::text_template {

// The tokens of one template with look-ahead, the depth of nesting, and the first error, which ends the
// parse: methods of parsers return early when failed(). One use, one thread.
class TokenStream {
  public:
    // `name` stands in error texts.
    TokenStream(std::string_view text, std::string_view name) : lexer_(text), name_(name) {}

    Token Next();
    Token NextNonSpace();
    // Valid until the next call.
    const Token& Peek();
    const Token& PeekNonSpace();
    void Backup(Token token) { pending_.push_back(std::move(token)); }
    // False, and an error, when the next token is another one.
    bool Expect(Tok type, std::string_view context);

    bool failed() const { return !error_.empty(); }
    const std::string& error() const { return error_; }
    void Fail(int line, const std::string& message);
    void Unexpected(const Token& token, std::string_view context);

    // One level of nesting more: false when that is too deep or the parse has failed. Each call is followed
    // by Shallower(), unless the parse has failed.
    bool Deeper(int line);
    void Shallower() { --nesting_; }

  private:
    static constexpr int kMaxNesting = 200;

    Lexer lexer_;
    std::string name_;
    std::vector<Token> pending_;
    int nesting_ = 0;
    std::string error_;
};

}  // namespace haumea::text_template
