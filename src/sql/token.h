#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sql/ast.h"

namespace haumea::sql {

enum class TokenKind : uint8_t {
    kEnd,
    kIllegal,    // a character that starts nothing, a string with a bad escape, an open comment
    kBadString,  // a string without its closing quote
    kIdent,      // plain or back-quoted
    kInteger,
    kNumber,
    kString,        // "..."
    kSingleString,  // '...'
    kPlus,
    kMinus,
    kStar,
    kSlash,
    kPercent,
    kAmpersand,
    kPipe,
    kCaret,
    kEq,
    kNe,
    kLt,
    kLe,
    kGt,
    kGe,
    kArrow,
    kComma,
    kLeftParen,
    kRightParen,
    kLeftBracket,
    kRightBracket,
    kHash,
    kDot,
    kColon,
    kSemicolon,
    // Reserved words, in any case.
    kSelect,
    kAs,
    kFrom,
    kWhere,
    kAnd,
    kOr,
    kGroup,
    kHaving,
    kOrder,
    kBy,
    kDesc,
    kAsc,
    kFilter,
    kInner,
    kLeft,
    kRight,
    kFull,
    kCross,
    kJoin,
    kOn,
    kCase,
    kWhen,
    kThen,
    kDefault,
    kElse,
    kEndWord,  // END
    kIn,
    kNot,
    kBetween,
    kLike,
    kOver,
    kPartition,
    kReplace,
    kExcept,
    kInvisible,
    kTrue,
    kFalse,
    kLimit,
    kDay,
    kHour,
    kMinute,
    kSecond,
    kMillisecond,
};

// One word of the SQL text. `text` is what error texts quote: identifiers as written, reserved words in upper
// case, strings unescaped, "EOF" at the end, "" for an illegal character.
struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::string text;
    SourceSpan span;
};

// The token as eKuiper names its kind: "IDENT", "INTEGER", ... for words with varying text, else the text
// itself.
std::string_view KindText(const Token& token);

// Double quotes and escapes as Go's %q; invalid UTF-8 as \xHH.
std::string Quote(std::string_view text);

}  // namespace haumea::sql
