#include "sql/cursor.h"

#include <fmt/format.h>

namespace haumea::sql {

Cursor::Cursor(std::string_view text) : text_(text), lexer_(text), token_(lexer_.Next()) {}

Token Cursor::Take() {
    consumed_end_ = token_.span.offset + token_.span.length;
    return std::exchange(token_, lexer_.Next());
}

bool Cursor::Accept(TokenKind kind) {
    if (token_.kind != kind) {
        return false;
    }
    Take();
    return true;
}

void Cursor::FoldNegativeNumber() {
    if (Token number; token_.kind == TokenKind::kMinus && lexer_.NegativeNumber(token_, number)) {
        token_ = std::move(number);
    }
}

SourceSpan Cursor::SpanFrom(uint32_t start) const {
    return SourceSpan{start, consumed_end_ > start ? consumed_end_ - start : 0};
}

std::nullptr_t Cursor::FailAt(SourceSpan span, std::string message) {
    if (!error_) {
        error_.emplace();
        error_->message = std::move(message);
        error_->span = span;
        Locate(text_, span.offset, error_->line, error_->column);
    }
    return nullptr;
}

std::nullptr_t Cursor::FailLimit(std::string message) {
    limit_ = limit_ || !error_;
    return Fail(std::move(message));
}

std::nullptr_t Cursor::FailFound(std::string_view rest) { return FailFound(token_, rest); }

std::nullptr_t Cursor::FailFound(const Token& token, std::string_view rest) {
    if (token.kind == TokenKind::kIllegal && token.text == "!") {
        return FailAt(token.span, R"(found "!", expected != for inequality or = for equality.)");
    }
    return FailAt(token.span, fmt::format("found {}, {}", Quote(token.text), rest));
}

Cursor::Nesting::Nesting(Cursor& cursor, std::string_view what) : cursor_(cursor) {
    if (++cursor_.depth_ > kMaxNesting) {
        ok_ = false;
        cursor_.FailLimit(fmt::format("{} is nested deeper than {} levels", what, kMaxNesting));
    }
}

std::optional<ParseError> CheckText(std::string_view text) {
    if (text.size() > kMaxSqlBytes) {
        ParseError error;
        error.message =
            fmt::format("the SQL text has {} bytes, at most {} are allowed", text.size(), kMaxSqlBytes);
        return error;
    }
    if (const size_t bad = FindInvalidUtf8(text); bad != std::string_view::npos) {
        ParseError error;
        error.span = SourceSpan{static_cast<uint32_t>(bad), 1};
        Locate(text, bad, error.line, error.column);
        error.message = fmt::format("the SQL text is not valid UTF-8: byte 0x{:02x} at offset {}",
                                    static_cast<unsigned>(static_cast<unsigned char>(text[bad])), bad);
        return error;
    }
    return std::nullopt;
}

std::string EchoSql(std::string_view sql) {
    constexpr size_t kMaxEcho = size_t{64} << 10;
    if (sql.size() <= kMaxEcho && FindInvalidUtf8(sql) == std::string_view::npos) {
        return std::string(sql);
    }
    std::string echo(sql.substr(0, 200));
    for (size_t bad = FindInvalidUtf8(echo); bad != std::string::npos; bad = FindInvalidUtf8(echo)) {
        echo[bad] = '?';
    }
    return sql.size() > 200 ? echo + "..." : echo;
}

}  // namespace haumea::sql
