#include "sql/expr_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "sql/functions.h"

namespace haumea::sql {
namespace {

std::optional<BinaryOp> PlainOperator(TokenKind kind) {
    switch (kind) {
        case TokenKind::kPlus:
            return BinaryOp::kAdd;
        case TokenKind::kMinus:
            return BinaryOp::kSub;
        case TokenKind::kStar:
            return BinaryOp::kMul;
        case TokenKind::kSlash:
            return BinaryOp::kDiv;
        case TokenKind::kPercent:
            return BinaryOp::kMod;
        case TokenKind::kAmpersand:
            return BinaryOp::kBitAnd;
        case TokenKind::kPipe:
            return BinaryOp::kBitOr;
        case TokenKind::kCaret:
            return BinaryOp::kBitXor;
        case TokenKind::kAnd:
            return BinaryOp::kAnd;
        case TokenKind::kOr:
            return BinaryOp::kOr;
        case TokenKind::kEq:
            return BinaryOp::kEq;
        case TokenKind::kNe:
            return BinaryOp::kNe;
        case TokenKind::kLt:
            return BinaryOp::kLt;
        case TokenKind::kLe:
            return BinaryOp::kLe;
        case TokenKind::kGt:
            return BinaryOp::kGt;
        case TokenKind::kGe:
            return BinaryOp::kGe;
        default:
            return std::nullopt;
    }
}

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

FunctionClass ExprParser::Classify(std::string_view name) const {
    return functions_ != nullptr ? functions_->Classify(name) : BuiltinFunctionClass(name);
}

ExprPtr ExprParser::ParseExpr() {
    const Cursor::Nesting nesting(in_, "expression");
    if (!nesting) {
        return nullptr;
    }
    ExprPtr root = ParseUnary(Position::kOperand);
    if (root == nullptr) {
        return nullptr;
    }
    for (;;) {
        const Expr* const before = root.get();
        const uint32_t position = in_.start();
        if (!ParseOperator(root)) {
            return nullptr;
        }
        if (root.get() == before && in_.start() == position) {
            return root;  // no operator follows
        }
    }
}

// One operator with its right side, or nothing at all.
bool ExprParser::ParseOperator(ExprPtr& root) {
    switch (in_.kind()) {
        case TokenKind::kLeftBracket:
            return AttachBracket(root);
        case TokenKind::kDot:
        case TokenKind::kArrow:
            return ParseSubField(root);
        case TokenKind::kIn:
            in_.Take();
            return AttachSet(root, BinaryOp::kIn);
        case TokenKind::kBetween:
            in_.Take();
            return AttachBetween(root, BinaryOp::kBetween);
        case TokenKind::kLike:
            in_.Take();
            return AttachLike(root, BinaryOp::kLike);
        case TokenKind::kNot:
            return ParseNegated(root);
        default:
            break;
    }
    const std::optional<BinaryOp> op = PlainOperator(in_.kind());
    if (!op) {
        return true;
    }
    in_.Take();
    ExprPtr rhs = ParseUnary(Position::kOperand);
    return rhs != nullptr && Attach(root, *op, std::move(rhs));
}

bool ExprParser::ParseNegated(ExprPtr& root) {
    in_.Take();
    if (in_.Accept(TokenKind::kIn)) {
        return AttachSet(root, BinaryOp::kNotIn);
    }
    if (in_.Accept(TokenKind::kBetween)) {
        return AttachBetween(root, BinaryOp::kNotBetween);
    }
    if (in_.Accept(TokenKind::kLike)) {
        return AttachLike(root, BinaryOp::kNotLike);
    }
    in_.FailFound("expected expression");
    return false;
}

bool ExprParser::ParseSubField(ExprPtr& root) {
    in_.Take();
    ExprPtr rhs = ParseUnary(Position::kSubField);
    return rhs != nullptr && Attach(root, BinaryOp::kArrow, std::move(rhs));
}

bool ExprParser::Attach(ExprPtr& root, BinaryOp op, ExprPtr rhs) {
    // The right edge of the tree has at most one operator of each precedence, so this is short.
    std::vector<BinaryExpr*> above;
    ExprPtr* slot = &root;
    for (auto* binary = As<BinaryExpr>(slot->get());
         binary != nullptr && Precedence(binary->op) < Precedence(op); binary = As<BinaryExpr>(slot->get())) {
        above.push_back(binary);
        slot = &binary->rhs;
    }
    auto node = std::make_unique<BinaryExpr>();
    node->op = op;
    node->lhs = std::move(*slot);
    node->rhs = std::move(rhs);
    const uint32_t start = node->lhs->span.offset;
    node = Finish(std::move(node), start);
    if (node == nullptr) {
        return false;
    }
    *slot = std::move(node);
    for (auto it = above.rbegin(); it != above.rend(); ++it) {
        (*it)->span = in_.SpanFrom((*it)->span.offset);
        (*it)->height = 1 + std::max((*it)->lhs->height, (*it)->rhs->height);
    }
    return true;
}

bool ExprParser::AttachSet(ExprPtr& root, BinaryOp op) {
    ExprPtr set = ParseValueSet();
    return set != nullptr && Attach(root, op, std::move(set));
}

ExprPtr ExprParser::ParseValueSet() {
    const uint32_t start = in_.start();
    if (!in_.Accept(TokenKind::kLeftParen)) {
        ExprPtr expr = ParseUnary(Position::kOperand);
        if (expr == nullptr) {
            return in_.Rephrase(
                [](const std::string& m) { return "expect expression after IN, but got error " + m; });
        }
        return expr;
    }
    auto set = std::make_unique<ValueSetExpr>();
    do {
        ExprPtr item = ParseExpr();
        if (item == nullptr) {
            return in_.Rephrase(
                [](const std::string& m) { return "expect elements for IN expression, but " + m; });
        }
        set->items.push_back(std::move(item));
    } while (in_.Accept(TokenKind::kComma));
    if (!in_.Is(TokenKind::kRightParen)) {
        return in_.Fail("expect ) for IN expression, but got " + Quote(in_.token().text));
    }
    in_.Take();
    return Finish(std::move(set), start);
}

// The bounds are single operands: `a BETWEEN 1+1 AND 3` is an error.
bool ExprParser::AttachBetween(ExprPtr& root, BinaryOp op) {
    const uint32_t start = in_.start();
    auto between = std::make_unique<BetweenExpr>();
    between->low = ParseUnary(Position::kOperand);
    if (between->low == nullptr) {
        return false;
    }
    if (!in_.Is(TokenKind::kAnd)) {
        in_.Fail(fmt::format("expect AND expression after between but found {}", KindText(in_.token())));
        return false;
    }
    in_.Take();
    between->high = ParseUnary(Position::kOperand);
    if (between->high == nullptr) {
        return false;
    }
    between = Finish(std::move(between), start);
    return between != nullptr && Attach(root, op, std::move(between));
}

bool ExprParser::AttachLike(ExprPtr& root, BinaryOp op) {
    const uint32_t start = in_.start();
    auto like = std::make_unique<LikeExpr>();
    like->pattern = ParseUnary(Position::kOperand);
    if (like->pattern == nullptr) {
        return false;
    }
    like = Finish(std::move(like), start);
    return like != nullptr && Attach(root, op, std::move(like));
}

bool ExprParser::AttachBracket(ExprPtr& root) {
    ExprPtr bracket = ParseBracket();
    return bracket != nullptr && Attach(root, BinaryOp::kSubset, std::move(bracket));
}

// [] [i] [s:] [:e] [s:e]. After an integer only ] or : may follow: `a[0 + 1]` is an error, `a[b + 1]` is
// none.
ExprPtr ExprParser::ParseBracket() {
    const uint32_t start = in_.start();
    in_.Take();
    in_.FoldNegativeNumber();
    const Token first = in_.token();
    if (in_.Accept(TokenKind::kRightBracket)) {
        return Finish(std::make_unique<SliceExpr>(), start);
    }
    if (in_.Accept(TokenKind::kColon)) {
        return ParseSliceEnd(nullptr, start);
    }
    ExprPtr index;
    if (in_.Is(TokenKind::kInteger)) {
        index = ParseLiteral();
    } else {
        index = ParseExpr();
        if (index == nullptr) {
            return in_.Rephrase([&first](const std::string&) {
                return fmt::format("The start index {} is invalid in bracket expression.", first.text);
            });
        }
    }
    if (in_.Accept(TokenKind::kColon)) {
        return ParseSliceEnd(std::move(index), start);
    }
    if (!in_.Accept(TokenKind::kRightBracket)) {
        return in_.FailAt(first.span, fmt::format("Unexpected token {}. when parsing bracket expressions.",
                                                  Quote(first.text)));
    }
    auto node = std::make_unique<IndexExpr>();
    node->index = std::move(index);
    return Finish(std::move(node), start);
}

ExprPtr ExprParser::ParseSliceEnd(ExprPtr begin, uint32_t offset) {
    auto slice = std::make_unique<SliceExpr>();
    slice->start = std::move(begin);
    in_.FoldNegativeNumber();
    const Token first = in_.token();
    if (!in_.Is(TokenKind::kRightBracket)) {
        slice->end = in_.Is(TokenKind::kInteger) ? ParseLiteral() : ParseExpr();
        if (slice->end == nullptr) {
            return in_.Rephrase([&first](const std::string&) {
                return fmt::format("The end index {} is invalid in bracket expression.", first.text);
            });
        }
    }
    if (!in_.Is(TokenKind::kRightBracket)) {
        return in_.Fail(fmt::format("Found {}, expected right bracket.", Quote(in_.token().text)));
    }
    in_.Take();
    return Finish(std::move(slice), offset);
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
