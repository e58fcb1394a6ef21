#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sql/lexer.h"
#include "sql/parser.h"

namespace haumea::sql {

// The current token of a statement, one ahead of what is consumed, and the first error. Shared by the parsers
// of SELECT and of stream statements; a parser function that fails returns null or false after Fail was
// called.
class Cursor {
  public:
    explicit Cursor(std::string_view text);
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;

    const Token& token() const { return token_; }
    TokenKind kind() const { return token_.kind; }
    bool Is(TokenKind kind) const { return token_.kind == kind; }
    // Consumes the current token and returns it.
    Token Take();
    // Consumes it when it is of this kind.
    bool Accept(TokenKind kind);
    // Where an operand may stand: turns `-` and digits into one negative literal.
    void FoldNegativeNumber();

    uint32_t start() const { return token_.span.offset; }
    // From `start` to the end of the last consumed token.
    SourceSpan SpanFrom(uint32_t start) const;

    // Keeps the first error. Both return nullptr, to be returned as a null pointer or as false.
    std::nullptr_t Fail(std::string message) { return FailAt(token_.span, std::move(message)); }
    std::nullptr_t FailAt(SourceSpan span, std::string message);
    // A limit is exceeded: Rephrase leaves this error alone.
    std::nullptr_t FailLimit(std::string message);
    // `found "<token>", <rest>`. A lone '!' gets its own hint.
    std::nullptr_t FailFound(std::string_view rest);
    std::nullptr_t FailFound(const Token& token, std::string_view rest);
    // Replaces the text of an error.
    template <typename F>
    std::nullptr_t Rephrase(F&& change) {
        if (!limit_) {
            error_->message = change(std::as_const(error_->message));
        }
        return nullptr;
    }
    bool failed() const { return error_.has_value(); }
    ParseError TakeError() { return std::move(*error_); }

    // Levels of nesting; false (and an error that names `what`) from kMaxNesting on.
    class Nesting {
      public:
        Nesting(Cursor& cursor, std::string_view what);
        ~Nesting() { --cursor_.depth_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        explicit operator bool() const { return ok_; }

      private:
        Cursor& cursor_;
        bool ok_ = true;
    };

  private:
    std::string_view text_;
    Lexer lexer_;
    Token token_;
    uint32_t consumed_end_ = 0;
    std::optional<ParseError> error_;
    bool limit_ = false;
    int depth_ = 0;
};

// Size and encoding of a whole text; the error, if any.
std::optional<ParseError> CheckText(std::string_view text);

// The statement for an error text: whole up to 64 KiB, else its first 200 bytes; always valid UTF-8.
std::string EchoSql(std::string_view sql);

}  // namespace haumea::sql
