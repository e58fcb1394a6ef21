#include "template/token_stream.h"

#include <fmt/core.h>

namespace haumea::text_template {

void TokenStream::Fail(int line, const std::string& message) {
    if (error_.empty()) {
        error_ = fmt::format("template: {}:{}: {}", name_, line, message);
    }
}

void TokenStream::Unexpected(const Token& token, std::string_view context) {
    if (token.type == Tok::kError) {
        Fail(token.line, token.text);
    } else {
        Fail(token.line, fmt::format("unexpected {} in {}", Describe(token), context));
    }
}

Token TokenStream::Next() {
    if (!pending_.empty()) {
        Token token = std::move(pending_.back());
        pending_.pop_back();
        return token;
    }
    return lexer_.Next();
}

Token TokenStream::NextNonSpace() {
    Token token = Next();
    while (token.type == Tok::kSpace) {
        token = Next();
    }
    return token;
}

const Token& TokenStream::Peek() {
    if (pending_.empty()) {
        pending_.push_back(lexer_.Next());
    }
    return pending_.back();
}

const Token& TokenStream::PeekNonSpace() {
    pending_.push_back(NextNonSpace());
    return pending_.back();
}

bool TokenStream::Expect(Tok type, std::string_view context) {
    const Token token = NextNonSpace();
    if (token.type != type) {
        Unexpected(token, context);
        return false;
    }
    return true;
}

bool TokenStream::Deeper(int line) {
    if (++nesting_ > kMaxNesting) {
        Fail(line, fmt::format("more than {} levels of nesting", kMaxNesting));
    }
    return !failed();
}

}  // namespace haumea::text_template
