#include "sql/expr_parser.h"

#include <fmt/format.h>

#include <algorithm>

// Operators and what they join; operands are in operand_parser.cc, calls in call_parser.cc.
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

}  // namespace

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

}  // namespace haumea::sql
