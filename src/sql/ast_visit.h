#pragma once

// Child enumeration for sql/ast.h; include that instead.
#include "sql/ast.h"

namespace haumea::sql {

template <typename F>
void ForEachChild(const Expr& expr, F&& visit) {
    const auto one = [&visit](const ExprPtr& child) {
        if (child != nullptr) {
            visit(static_cast<const Expr&>(*child));
        }
    };
    const auto all = [&one](const std::vector<ExprPtr>& children) {
        for (const ExprPtr& child : children) {
            one(child);
        }
    };
    switch (expr.kind) {
        case ExprKind::kColumn:
        case ExprKind::kMeta:
        case ExprKind::kInteger:
        case ExprKind::kNumber:
        case ExprKind::kString:
        case ExprKind::kBoolean:
        case ExprKind::kTimeUnit:
        case ExprKind::kJsonField:
            return;
        case ExprKind::kBinary: {
            const auto& e = static_cast<const BinaryExpr&>(expr);
            one(e.lhs);
            one(e.rhs);
            return;
        }
        case ExprKind::kParen:
            one(static_cast<const ParenExpr&>(expr).inner);
            return;
        case ExprKind::kCall: {
            const auto& e = static_cast<const CallExpr&>(expr);
            all(e.args);
            all(e.partition);
            for (const SortItem& item : e.order) {
                one(item.expr);
            }
            one(e.when);
            return;
        }
        case ExprKind::kWindow: {
            const auto& e = static_cast<const WindowExpr&>(expr);
            one(e.begin);
            one(e.emit);
            one(e.filter);
            one(e.when);
            all(e.partition);
            return;
        }
        case ExprKind::kCase: {
            const auto& e = static_cast<const CaseExpr&>(expr);
            one(e.value);
            for (const WhenClause& clause : e.whens) {
                one(clause.condition);
                one(clause.result);
            }
            one(e.otherwise);
            return;
        }
        case ExprKind::kValueSet:
            all(static_cast<const ValueSetExpr&>(expr).items);
            return;
        case ExprKind::kBetween:
            one(static_cast<const BetweenExpr&>(expr).low);
            one(static_cast<const BetweenExpr&>(expr).high);
            return;
        case ExprKind::kLike:
            one(static_cast<const LikeExpr&>(expr).pattern);
            return;
        case ExprKind::kIndex:
            one(static_cast<const IndexExpr&>(expr).index);
            return;
        case ExprKind::kSlice:
            one(static_cast<const SliceExpr&>(expr).start);
            one(static_cast<const SliceExpr&>(expr).end);
            return;
        case ExprKind::kWildcard:
            for (const Field& field : static_cast<const WildcardExpr&>(expr).replace) {
                one(field.expr);
            }
            return;
    }
}

}  // namespace haumea::sql
