#include "sql/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "sql/unquote.h"

namespace haumea::sql {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Keyword {
    std::string_view word;
    TokenKind kind;
};
// Sorted by word.
constexpr std::array kKeywords = {
    Keyword{"AND", TokenKind::kAnd},
    Keyword{"AS", TokenKind::kAs},
    Keyword{"ASC", TokenKind::kAsc},
    Keyword{"BETWEEN", TokenKind::kBetween},
    Keyword{"BY", TokenKind::kBy},
    Keyword{"CASE", TokenKind::kCase},
    Keyword{"CROSS", TokenKind::kCross},
    Keyword{"DD", TokenKind::kDay},
    Keyword{"DEFAULT", TokenKind::kDefault},
    Keyword{"DESC", TokenKind::kDesc},
    Keyword{"ELSE", TokenKind::kElse},
    Keyword{"END", TokenKind::kEndWord},
    Keyword{"EXCEPT", TokenKind::kExcept},
    Keyword{"FALSE", TokenKind::kFalse},
    Keyword{"FILTER", TokenKind::kFilter},
    Keyword{"FROM", TokenKind::kFrom},
    Keyword{"FULL", TokenKind::kFull},
    Keyword{"GROUP", TokenKind::kGroup},
    Keyword{"HAVING", TokenKind::kHaving},
    Keyword{"HH", TokenKind::kHour},
    Keyword{"IN", TokenKind::kIn},
    Keyword{"INNER", TokenKind::kInner},
    Keyword{"INVISIBLE", TokenKind::kInvisible},
    Keyword{"JOIN", TokenKind::kJoin},
    Keyword{"LEFT", TokenKind::kLeft},
    Keyword{"LIKE", TokenKind::kLike},
    Keyword{"LIMIT", TokenKind::kLimit},
    Keyword{"MI", TokenKind::kMinute},
    Keyword{"MS", TokenKind::kMillisecond},
    Keyword{"NOT", TokenKind::kNot},
    Keyword{"ON", TokenKind::kOn},
    Keyword{"OR", TokenKind::kOr},
    Keyword{"ORDER", TokenKind::kOrder},
    Keyword{"OVER", TokenKind::kOver},
    Keyword{"PARTITION", TokenKind::kPartition},
    Keyword{"REPLACE", TokenKind::kReplace},
    Keyword{"RIGHT", TokenKind::kRight},
    Keyword{"SELECT", TokenKind::kSelect},
    Keyword{"SS", TokenKind::kSecond},
    Keyword{"THEN", TokenKind::kThen},
    Keyword{"TRUE", TokenKind::kTrue},
    Keyword{"WHEN", TokenKind::kWhen},
    Keyword{"WHERE", TokenKind::kWhere},
};
constexpr size_t kLongestKeyword = 9;
static_assert(std::is_sorted(kKeywords.begin(), kKeywords.end(),
                             [](const Keyword& a, const Keyword& b) { return a.word < b.word; }));

}  // namespace

Token Lexer::Make(TokenKind kind, std::string_view text, size_t start) const {
    return Token{kind, std::string(text),
                 SourceSpan{static_cast<uint32_t>(start), static_cast<uint32_t>(pos_ - start)}};
}

void Lexer::SkipBlanks() {
    while (pos_ < text_.size() && IsBlank(text_[pos_])) {
        ++pos_;
    }
}

// `- - x` is a comment as well as `--x`, and `/ * x */` as well as `/* x */`.
bool Lexer::SkipBlanksAndComments(Token& illegal) {
    for (;;) {
        SkipBlanks();
        const size_t start = pos_;
        const char c = At(pos_);
        if (c != '-' && c != '/') {
            return true;
        }
        ++pos_;
        SkipBlanks();
        if (c == '-' && At(pos_) == '-') {
            const size_t newline = text_.find('\n', pos_);
            pos_ = newline == std::string_view::npos ? text_.size() : newline + 1;
        } else if (c == '/' && At(pos_) == '*') {
            const size_t close = text_.find("*/", pos_ + 1);
            if (close == std::string_view::npos) {
                pos_ = text_.size();
                illegal = Make(TokenKind::kIllegal, "", start);
                return false;
            }
            pos_ = close + 2;
        } else {
            pos_ = start;
            return true;
        }
    }
}

Token Lexer::Next() {
    Token illegal;
    if (!SkipBlanksAndComments(illegal)) {
        return illegal;
    }
    const size_t start = pos_;
    if (pos_ >= text_.size()) {
        return Make(TokenKind::kEnd, "EOF", start);
    }
    const char c = text_[pos_];
    if (IsLetter(c)) {
        return Word(start);
    }
    if (IsDigit(c) || (c == '.' && IsDigit(At(pos_ + 1)))) {
        return Number(start, "");
    }
    if (c == '"' || c == '\'') {
        return Text(start, c);
    }
    if (c == '`') {
        return QuotedName(start);
    }
    return Operator(start);
}

Token Lexer::Word(size_t start) {
    while (pos_ < text_.size() && (IsLetter(text_[pos_]) || IsDigit(text_[pos_]) || text_[pos_] == '_')) {
        ++pos_;
    }
    const std::string_view word = text_.substr(start, pos_ - start);
    if (word.size() <= kLongestKeyword) {
        std::string upper(word);
        for (char& c : upper) {
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        const auto* it = std::lower_bound(kKeywords.begin(), kKeywords.end(), upper,
                                          [](const Keyword& k, const std::string& w) { return k.word < w; });
        if (it != kKeywords.end() && it->word == upper) {
            return Make(it->kind, upper, start);
        }
    }
    return Make(TokenKind::kIdent, word, start);
}

// Digits with any number of dots; the parser refuses `1.2.3`.
Token Lexer::Number(size_t start, std::string prefix) {
    const size_t first = pos_;
    bool dot = false;
    while (pos_ < text_.size() && (IsDigit(text_[pos_]) || text_[pos_] == '.')) {
        dot = dot || text_[pos_] == '.';
        ++pos_;
    }
    prefix += text_.substr(first, pos_ - first);
    return Make(dot ? TokenKind::kNumber : TokenKind::kInteger, prefix, start);
}

bool Lexer::NegativeNumber(const Token& minus, Token& number) {
    const size_t after_minus = pos_;
    SkipBlanks();
    if (!IsDigit(At(pos_))) {
        pos_ = after_minus;
        return false;
    }
    number = Number(minus.span.offset, "-");
    return true;
}

Token Lexer::Text(size_t start, char quote) {
    ++pos_;
    // The body with Go's double-quote rules for everything but \' of single-quoted text.
    std::string body;
    while (pos_ < text_.size() && text_[pos_] != quote) {
        if (text_[pos_] == '\\' && pos_ + 1 < text_.size()) {
            const char escaped = text_[pos_ + 1];
            if (quote == '\'' && escaped == '\'') {
                body += '\'';
            } else {
                body += '\\';
                body += escaped;
            }
            pos_ += 2;
        } else if (text_[pos_] == '"') {
            body += "\\\"";
            ++pos_;
        } else {
            body += text_[pos_++];
        }
    }
    if (pos_ >= text_.size()) {
        return Make(TokenKind::kBadString, "\"" + body, start);
    }
    ++pos_;
    std::string value;
    if (!Unescape(body, value)) {
        return Make(TokenKind::kIllegal, "invalid string: \"" + body + "\"", start);
    }
    return Make(quote == '"' ? TokenKind::kString : TokenKind::kSingleString, value, start);
}

Token Lexer::QuotedName(size_t start) {
    const size_t first = ++pos_;
    const size_t close = text_.find('`', pos_);
    const size_t last = close == std::string_view::npos ? text_.size() : close;
    pos_ = close == std::string_view::npos ? last : last + 1;
    return Make(TokenKind::kIdent, text_.substr(first, last - first), start);
}

// Takes `c` when it follows, with blanks between or not; else leaves the blanks too.
bool Lexer::TakeAfterBlanks(char c) {
    const size_t before = pos_;
    SkipBlanks();
    if (At(pos_) == c && pos_ < text_.size()) {
        ++pos_;
        return true;
    }
    pos_ = before;
    return false;
}

Token Lexer::Operator(size_t start) {
    const char c = text_[pos_++];
    switch (c) {
        case '=':
            return Make(TokenKind::kEq, "=", start);
        case '!':
            return TakeAfterBlanks('=') ? Make(TokenKind::kNe, "!=", start)
                                        : Make(TokenKind::kIllegal, "!", start);
        case '<':
            return TakeAfterBlanks('=') ? Make(TokenKind::kLe, "<=", start)
                                        : Make(TokenKind::kLt, "<", start);
        case '>':
            return TakeAfterBlanks('=') ? Make(TokenKind::kGe, ">=", start)
                                        : Make(TokenKind::kGt, ">", start);
        case '-': {
            if (TakeAfterBlanks('>')) {
                return Make(TokenKind::kArrow, "->", start);
            }
            const size_t after_minus = pos_;
            if (TakeAfterBlanks('.')) {
                SkipBlanks();
                if (IsDigit(At(pos_))) {
                    Token number = Number(start, "-.");
                    number.kind = TokenKind::kNumber;
                    return number;
                }
                pos_ = after_minus;
            }
            return Make(TokenKind::kMinus, "-", start);
        }
        case '+':
            return Make(TokenKind::kPlus, "+", start);
        case '*':
            return Make(TokenKind::kStar, "*", start);
        case '/':
            return Make(TokenKind::kSlash, "/", start);
        case '%':
            return Make(TokenKind::kPercent, "%", start);
        case '&':
            return Make(TokenKind::kAmpersand, "&", start);
        case '|':
            return Make(TokenKind::kPipe, "|", start);
        case '^':
            return Make(TokenKind::kCaret, "^", start);
        case ',':
            return Make(TokenKind::kComma, ",", start);
        case '(':
            return Make(TokenKind::kLeftParen, "(", start);
        case ')':
            return Make(TokenKind::kRightParen, ")", start);
        case '[':
            return Make(TokenKind::kLeftBracket, "[", start);
        case ']':
            return Make(TokenKind::kRightBracket, "]", start);
        case '#':
            return Make(TokenKind::kHash, "#", start);
        case '.':
            return Make(TokenKind::kDot, ".", start);
        case ':':
            return Make(TokenKind::kColon, ":", start);
        case ';':
            return Make(TokenKind::kSemicolon, ";", start);
        default:
            break;
    }
    while (pos_ < text_.size() && (static_cast<unsigned char>(text_[pos_]) & 0xC0) == 0x80) {
        ++pos_;  // the rest of this character
    }
    return Make(TokenKind::kIllegal, "", start);
}

void Locate(std::string_view text, size_t offset, int& line, int& column) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    const size_t newline = before.rfind('\n');
    column =
        1 + static_cast<int>(newline == std::string_view::npos ? before.size() : before.size() - newline - 1);
}

}  // namespace haumea::sql
