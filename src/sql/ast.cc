#include "sql/ast.h"

namespace haumea::sql {

WildcardExpr::WildcardExpr() = default;
WildcardExpr::~WildcardExpr() = default;

std::string_view ToText(BinaryOp op) {
    switch (op) {
        case BinaryOp::kAdd:
            return "+";
        case BinaryOp::kSub:
            return "-";
        case BinaryOp::kMul:
            return "*";
        case BinaryOp::kDiv:
            return "/";
        case BinaryOp::kMod:
            return "%";
        case BinaryOp::kBitAnd:
            return "&";
        case BinaryOp::kBitOr:
            return "|";
        case BinaryOp::kBitXor:
            return "^";
        case BinaryOp::kAnd:
            return "AND";
        case BinaryOp::kOr:
            return "OR";
        case BinaryOp::kEq:
            return "=";
        case BinaryOp::kNe:
            return "!=";
        case BinaryOp::kLt:
            return "<";
        case BinaryOp::kLe:
            return "<=";
        case BinaryOp::kGt:
            return ">";
        case BinaryOp::kGe:
            return ">=";
        case BinaryOp::kIn:
            return "IN";
        case BinaryOp::kNotIn:
            return "NOT IN";
        case BinaryOp::kBetween:
            return "BETWEEN";
        case BinaryOp::kNotBetween:
            return "NOT BETWEEN";
        case BinaryOp::kLike:
            return "LIKE";
        case BinaryOp::kNotLike:
            return "NOT LIKE";
        case BinaryOp::kSubset:
            return "[]";
        case BinaryOp::kArrow:
            return "->";
    }
    return "";
}

int Precedence(BinaryOp op) {
    switch (op) {
        case BinaryOp::kOr:
            return 1;
        case BinaryOp::kAnd:
            return 2;
        case BinaryOp::kEq:
        case BinaryOp::kNe:
        case BinaryOp::kLt:
        case BinaryOp::kLe:
        case BinaryOp::kGt:
        case BinaryOp::kGe:
        case BinaryOp::kIn:
        case BinaryOp::kNotIn:
        case BinaryOp::kBetween:
        case BinaryOp::kNotBetween:
        case BinaryOp::kLike:
        case BinaryOp::kNotLike:
            return 3;
        case BinaryOp::kAdd:
        case BinaryOp::kSub:
        case BinaryOp::kBitOr:
        case BinaryOp::kBitXor:
            return 4;
        case BinaryOp::kMul:
        case BinaryOp::kDiv:
        case BinaryOp::kMod:
        case BinaryOp::kBitAnd:
        case BinaryOp::kSubset:
        case BinaryOp::kArrow:
            return 5;
    }
    return 0;
}

std::string_view ToText(TimeUnit unit) {
    switch (unit) {
        case TimeUnit::kDay:
            return "DD";
        case TimeUnit::kHour:
            return "HH";
        case TimeUnit::kMinute:
            return "MI";
        case TimeUnit::kSecond:
            return "SS";
        case TimeUnit::kMillisecond:
            return "MS";
    }
    return "";
}

int64_t ToMillis(TimeUnit unit) {
    switch (unit) {
        case TimeUnit::kDay:
            return 86'400'000;
        case TimeUnit::kHour:
            return 3'600'000;
        case TimeUnit::kMinute:
            return 60'000;
        case TimeUnit::kSecond:
            return 1'000;
        case TimeUnit::kMillisecond:
            return 1;
    }
    return 1;
}

std::string_view ToText(WindowType type) {
    switch (type) {
        case WindowType::kTumbling:
            return "TUMBLING_WINDOW";
        case WindowType::kHopping:
            return "HOPPING_WINDOW";
        case WindowType::kSession:
            return "SESSION_WINDOW";
        case WindowType::kSliding:
            return "SLIDING_WINDOW";
        case WindowType::kCount:
            return "COUNT_WINDOW";
        case WindowType::kState:
            return "STATE_WINDOW";
    }
    return "";
}

std::string_view ToText(JoinType type) {
    switch (type) {
        case JoinType::kInner:
            return "INNER_JOIN";
        case JoinType::kLeft:
            return "LEFT_JOIN";
        case JoinType::kRight:
            return "RIGHT_JOIN";
        case JoinType::kFull:
            return "FULL_JOIN";
        case JoinType::kCross:
            return "CROSS_JOIN";
    }
    return "";
}

bool IsBooleanSyntax(const Expr& expr) {
    if (expr.kind == ExprKind::kBoolean) {
        return true;
    }
    const auto* binary = As<BinaryExpr>(&expr);
    return binary != nullptr && Precedence(binary->op) <= 3;
}

std::vector<const SourceRef*> SelectStmt::sources() const {
    std::vector<const SourceRef*> all{&from};
    for (const Join& join : joins) {
        all.push_back(&join.source);
    }
    return all;
}

}  // namespace haumea::sql
