#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

#include "sql/expr_parser.h"

// The part of ExprParser about operands, and about the items of SELECT and ORDER BY.
namespace haumea::sql {
namespace {

std::optional<TimeUnit> UnitOf(TokenKind kind) {
    switch (kind) {
        case TokenKind::kDay:
            return TimeUnit::kDay;
        case TokenKind::kHour:
            return TimeUnit::kHour;
        case TokenKind::kMinute:
            return TimeUnit::kMinute;
        case TokenKind::kSecond:
            return TimeUnit::kSecond;
        case TokenKind::kMillisecond:
            return TimeUnit::kMillisecond;
        default:
            return std::nullopt;
    }
}

// Beyond int64 the value is clamped, as in eKuiper.
int64_t ToInteger(const std::string& text) {
    int64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
        return text.front() == '-' ? std::numeric_limits<int64_t>::min()
                                   : std::numeric_limits<int64_t>::max();
    }
    return value;
}

// False for `1.2.3`, and for a value beyond the range of a double.
bool ToNumber(const std::string& text, double& value) {
    const auto result =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (result.ptr != text.data() + text.size()) {
        return false;
    }
    if (result.ec == std::errc::result_out_of_range) {
        const bool tiny = text.find_first_not_of("-0") == text.find('.');
        value = 0;
        return tiny;
    }
    return result.ec == std::errc();
}

}  // namespace

std::string FieldNameOf(const Expr& expr) {
    if (const auto* column = As<ColumnExpr>(&expr)) {
        return column->name;
    }
    if (const auto* call = As<CallExpr>(&expr)) {
        return call->name;
    }
    return expr.kind == ExprKind::kWildcard ? "*" : "";
}

ExprPtr ExprParser::ParseUnary(Position position) {
    in_.FoldNegativeNumber();
    switch (in_.kind()) {
        case TokenKind::kLeftParen:
            return ParseParen();
        case TokenKind::kCase:
            return ParseCase();
        case TokenKind::kIdent:
            return ParseIdentifier(position);
        case TokenKind::kStar:
            return ParseWildcard();
        default:
            return ParseLiteral();
    }
}

ExprPtr ExprParser::ParseParen() {
    const uint32_t start = in_.start();
    in_.Take();
    auto paren = std::make_unique<ParenExpr>();
    paren->inner = ParseExpr();
    if (paren->inner == nullptr) {
        return nullptr;
    }
    if (!in_.Accept(TokenKind::kRightParen)) {
        return in_.FailFound("expected right paren.");
    }
    return Finish(std::move(paren), start);
}

ExprPtr ExprParser::ParseLiteral() {
    const uint32_t start = in_.start();
    switch (in_.kind()) {
        case TokenKind::kString:
        case TokenKind::kSingleString: {
            auto node = std::make_unique<StringExpr>();
            node->value = in_.Take().text;
            return Finish(std::move(node), start);
        }
        case TokenKind::kInteger: {
            auto node = std::make_unique<IntegerExpr>();
            node->value = ToInteger(in_.Take().text);
            return Finish(std::move(node), start);
        }
        case TokenKind::kNumber: {
            auto node = std::make_unique<NumberExpr>();
            if (!ToNumber(in_.token().text, node->value)) {
                return in_.FailFound("invalid number value.");
            }
            in_.Take();
            return Finish(std::move(node), start);
        }
        case TokenKind::kTrue:
        case TokenKind::kFalse: {
            auto node = std::make_unique<BooleanExpr>();
            node->value = in_.Take().kind == TokenKind::kTrue;
            return Finish(std::move(node), start);
        }
        default:
            break;
    }
    const std::optional<TimeUnit> unit = UnitOf(in_.kind());
    if (!unit) {
        return in_.FailFound("expected expression.");
    }
    in_.Take();
    auto node = std::make_unique<TimeUnitExpr>();
    node->unit = *unit;
    return Finish(std::move(node), start);
}

ExprPtr ExprParser::ParseIdentifier(Position position) {
    const uint32_t start = in_.start();
    Token name = in_.Take();
    if (in_.Is(TokenKind::kLeftParen)) {
        return ParseCall(name, start);
    }
    return ParseReference(std::move(name), start, position);
}

// `a`, `a.b`, `a.*`, the key of `x->a`, or inside meta() a key of the metadata. Whether the `a` of `a.b` is a
// stream or a column shows when FROM is known. As in eKuiper a dot without a name behind it is skipped
// (`a..b` is `a.b`).
ExprPtr ExprParser::ParseReference(Token first, uint32_t start, Position position) {
    if (position == Position::kSubField) {
        auto node = std::make_unique<JsonFieldExpr>();
        node->name = std::move(first.text);
        return Finish(std::move(node), start);
    }
    std::string stream;
    std::string name = std::move(first.text);
    int height = 1;
    if (in_.Accept(TokenKind::kDot) && (in_.Is(TokenKind::kIdent) || in_.Is(TokenKind::kStar))) {
        stream = std::exchange(name, in_.Take().text);
        height = 2;  // it may become a->b
    }
    if (in_meta_) {
        auto node = std::make_unique<MetaExpr>();
        node->stream = std::move(stream);
        node->name = std::move(name);
        node->height = height;
        return Finish(std::move(node), start);
    }
    auto node = std::make_unique<ColumnExpr>();
    node->stream = std::move(stream);
    node->name = std::move(name);
    node->height = height;
    return Finish(std::move(node), start);
}

ExprPtr ExprParser::ParseWildcard() {
    const uint32_t start = in_.start();
    in_.Take();
    if (in_meta_) {
        if (in_.Is(TokenKind::kExcept) || in_.Is(TokenKind::kReplace)) {
            return in_.Fail(fmt::format("{} is not supported in meta function", Quote(in_.token().text)));
        }
        auto node = std::make_unique<MetaExpr>();
        node->name = "*";
        return Finish(std::move(node), start);
    }
    auto wildcard = std::make_unique<WildcardExpr>();
    for (;;) {
        if (in_.Is(TokenKind::kExcept)) {
            if (!ParseExceptList(*wildcard)) {
                return nullptr;
            }
        } else if (in_.Is(TokenKind::kReplace)) {
            if (!ParseReplaceList(*wildcard)) {
                return nullptr;
            }
        } else {
            return Finish(std::move(wildcard), start);
        }
    }
}

bool ExprParser::ParseExceptList(WildcardExpr& wildcard) {
    in_.Take();
    if (!in_.Is(TokenKind::kLeftParen)) {
        in_.Fail(fmt::format("Found {} after EXCEPT, expect left parentheses.", Quote(in_.token().text)));
        return false;
    }
    in_.Take();
    wildcard.except.clear();
    while (!in_.Accept(TokenKind::kRightParen)) {
        if (in_.Is(TokenKind::kIdent)) {
            wildcard.except.push_back(in_.Take().text);
        } else if (!in_.Accept(TokenKind::kComma)) {
            in_.Fail(fmt::format("Found {} in EXCEPT", Quote(in_.token().text)));
            return false;
        }
    }
    return true;
}

bool ExprParser::ParseReplaceList(WildcardExpr& wildcard) {
    in_.Take();
    if (!in_.Is(TokenKind::kLeftParen)) {
        in_.Fail(fmt::format("Found {} after REPLACE, expect left parentheses.", Quote(in_.token().text)));
        return false;
    }
    in_.Take();
    wildcard.replace.clear();
    for (;;) {
        Field field;
        if (!ParseField(field)) {
            return false;
        }
        wildcard.replace.push_back(std::move(field));
        if (in_.Accept(TokenKind::kRightParen)) {
            return true;
        }
        if (!in_.Accept(TokenKind::kComma)) {
            in_.Fail(fmt::format("Found {} in REPLACE", Quote(in_.token().text)));
            return false;
        }
    }
}

ExprPtr ExprParser::ParseCase() {
    const uint32_t start = in_.start();
    in_.Take();
    auto expr = std::make_unique<CaseExpr>();
    if (!in_.Is(TokenKind::kWhen)) {
        expr->value = ParseExpr();
        if (expr->value == nullptr) {
            return nullptr;
        }
    }
    for (;;) {
        if (in_.Is(TokenKind::kWhen)) {
            if (!ParseWhen(*expr)) {
                return nullptr;
            }
        } else if (in_.Is(TokenKind::kElse)) {
            if (expr->whens.empty()) {
                return in_.Fail("invalid CASE expression, WHEN expected before ELSE");
            }
            in_.Take();
            expr->otherwise = ParseExpr();
            if (expr->otherwise == nullptr) {
                return nullptr;
            }
        } else if (in_.Is(TokenKind::kEndWord)) {
            if (expr->whens.empty()) {
                return in_.Fail("invalid CASE expression, WHEN expected before END");
            }
            in_.Take();
            return Finish(std::move(expr), start);
        } else {
            return in_.Fail("invalid CASE expression, END expected");
        }
    }
}

bool ExprParser::ParseWhen(CaseExpr& expr) {
    in_.Take();
    WhenClause clause;
    clause.condition = ParseExpr();
    if (clause.condition == nullptr) {
        return false;
    }
    if (expr.value == nullptr && !IsBooleanSyntax(*clause.condition)) {
        in_.FailAt(clause.condition->span,
                   "invalid CASE expression, WHEN expression must be a bool condition");
        return false;
    }
    if (!in_.Accept(TokenKind::kThen)) {
        in_.Fail("invalid CASE expression, THEN expected after WHEN");
        return false;
    }
    clause.result = ParseExpr();
    if (clause.result == nullptr) {
        return false;
    }
    expr.whens.push_back(std::move(clause));
    return true;
}

bool ExprParser::ParseField(Field& field) {
    field.expr = ParseExpr();
    if (field.expr == nullptr) {
        return false;
    }
    field.name = FieldNameOf(*field.expr);
    if (in_.Accept(TokenKind::kAs)) {
        if (!in_.Is(TokenKind::kIdent)) {
            in_.FailFound("expected as alias.");
            return false;
        }
        const Token alias = in_.Take();
        if (field.name == "*") {
            in_.FailAt(alias.span, "alias is not supported for *");
            return false;
        }
        field.alias = alias.text;
    }
    if (field.name.empty() && field.alias.empty()) {
        field.name = fmt::format("kuiper_field_{}", next_unnamed_++);
    }
    field.invisible = in_.Accept(TokenKind::kInvisible);
    return true;
}

// Items must start with an identifier; anything else ends the list. Commas are optional.
bool ExprParser::ParseOrderBy(std::vector<SortItem>& items) {
    if (!in_.Accept(TokenKind::kOrder)) {
        return true;
    }
    if (!in_.Accept(TokenKind::kBy)) {
        in_.FailFound("expected BY keyword.");
        return false;
    }
    while (in_.Is(TokenKind::kIdent) || in_.Is(TokenKind::kComma)) {
        if (in_.Accept(TokenKind::kComma)) {
            continue;
        }
        SortItem item;
        item.name = in_.token().text;
        item.expr = ParseExpr();
        if (item.expr == nullptr) {
            return false;
        }
        if (in_.Accept(TokenKind::kDesc)) {
            item.ascending = false;
        } else {
            in_.Accept(TokenKind::kAsc);
        }
        // The leftmost leaf is what the item started with.
        const Expr* leaf = item.expr.get();
        while (const auto* binary = As<BinaryExpr>(leaf)) {
            leaf = binary->lhs.get();
        }
        if (const auto* column = As<ColumnExpr>(leaf)) {
            item.name = column->name;
            item.stream = column->stream;
        }
        items.push_back(std::move(item));
    }
    return true;
}

}  // namespace haumea::sql
