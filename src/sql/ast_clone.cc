#include "sql/ast.h"

namespace haumea::sql {
namespace {

std::vector<SortItem> CloneItems(const std::vector<SortItem>& items) {
    std::vector<SortItem> copy;
    copy.reserve(items.size());
    for (const SortItem& item : items) {
        copy.push_back(SortItem{Clone(item.expr.get()), item.ascending, item.name, item.stream});
    }
    return copy;
}

template <typename T>
std::unique_ptr<T> Start(const Expr& expr) {
    auto copy = std::make_unique<T>();
    copy->span = expr.span;
    copy->height = expr.height;
    return copy;
}

// Literals and names: everything that has one plain member.
template <typename T, typename M>
ExprPtr Leaf(const Expr& expr, M T::* member) {
    auto copy = Start<T>(expr);
    (*copy).*member = static_cast<const T&>(expr).*member;
    return copy;
}
template <typename T>
ExprPtr Wrap(const Expr& expr, ExprPtr T::* member) {
    auto copy = Start<T>(expr);
    (*copy).*member = Clone((static_cast<const T&>(expr).*member).get());
    return copy;
}
template <typename T>
ExprPtr Pair(const Expr& expr, ExprPtr T::* first, ExprPtr T::* second) {
    const auto& from = static_cast<const T&>(expr);
    auto copy = Start<T>(expr);
    (*copy).*first = Clone((from.*first).get());
    (*copy).*second = Clone((from.*second).get());
    return copy;
}
template <typename T>
ExprPtr Named(const Expr& expr) {
    const auto& from = static_cast<const T&>(expr);
    auto copy = Start<T>(expr);
    copy->stream = from.stream;
    copy->name = from.name;
    return copy;
}

ExprPtr CloneBinary(const BinaryExpr& from) {
    ExprPtr copy = Pair<BinaryExpr>(from, &BinaryExpr::lhs, &BinaryExpr::rhs);
    As<BinaryExpr>(copy.get())->op = from.op;
    return copy;
}

ExprPtr CloneCall(const CallExpr& from) {
    auto copy = Start<CallExpr>(from);
    copy->name = from.name;
    copy->written = from.written;
    copy->id = from.id;
    copy->args = Clone(from.args);
    copy->arg_names = from.arg_names;
    copy->has_over = from.has_over;
    copy->partition = Clone(from.partition);
    copy->order = CloneItems(from.order);
    copy->when = Clone(from.when.get());
    return copy;
}

ExprPtr CloneWindow(const WindowExpr& from) {
    auto copy = Start<WindowExpr>(from);
    copy->type = from.type;
    copy->unit = from.unit;
    copy->length = from.length;
    copy->interval = from.interval;
    copy->delay = from.delay;
    copy->begin = Clone(from.begin.get());
    copy->emit = Clone(from.emit.get());
    copy->filter = Clone(from.filter.get());
    copy->when = Clone(from.when.get());
    copy->partition = Clone(from.partition);
    return copy;
}

ExprPtr CloneCase(const CaseExpr& from) {
    auto copy = Start<CaseExpr>(from);
    copy->value = Clone(from.value.get());
    for (const WhenClause& clause : from.whens) {
        copy->whens.push_back(WhenClause{Clone(clause.condition.get()), Clone(clause.result.get())});
    }
    copy->otherwise = Clone(from.otherwise.get());
    return copy;
}

ExprPtr CloneWildcard(const WildcardExpr& from) {
    auto copy = Start<WildcardExpr>(from);
    copy->except = from.except;
    for (const Field& field : from.replace) {
        copy->replace.push_back(Clone(field));
    }
    return copy;
}

}  // namespace

std::vector<ExprPtr> Clone(const std::vector<ExprPtr>& exprs) {
    std::vector<ExprPtr> copy;
    copy.reserve(exprs.size());
    for (const ExprPtr& expr : exprs) {
        copy.push_back(Clone(expr.get()));
    }
    return copy;
}

Field Clone(const Field& field) {
    return Field{Clone(field.expr.get()), field.name, field.alias, field.invisible};
}

ExprPtr Clone(const Expr* expr) {
    if (expr == nullptr) {
        return nullptr;
    }
    switch (expr->kind) {
        case ExprKind::kColumn:
            return Named<ColumnExpr>(*expr);
        case ExprKind::kMeta:
            return Named<MetaExpr>(*expr);
        case ExprKind::kInteger:
            return Leaf(*expr, &IntegerExpr::value);
        case ExprKind::kNumber:
            return Leaf(*expr, &NumberExpr::value);
        case ExprKind::kString:
            return Leaf(*expr, &StringExpr::value);
        case ExprKind::kBoolean:
            return Leaf(*expr, &BooleanExpr::value);
        case ExprKind::kTimeUnit:
            return Leaf(*expr, &TimeUnitExpr::unit);
        case ExprKind::kJsonField:
            return Leaf(*expr, &JsonFieldExpr::name);
        case ExprKind::kBinary:
            return CloneBinary(static_cast<const BinaryExpr&>(*expr));
        case ExprKind::kParen:
            return Wrap(*expr, &ParenExpr::inner);
        case ExprKind::kCall:
            return CloneCall(static_cast<const CallExpr&>(*expr));
        case ExprKind::kWindow:
            return CloneWindow(static_cast<const WindowExpr&>(*expr));
        case ExprKind::kCase:
            return CloneCase(static_cast<const CaseExpr&>(*expr));
        case ExprKind::kValueSet: {
            auto copy = Start<ValueSetExpr>(*expr);
            copy->items = Clone(static_cast<const ValueSetExpr&>(*expr).items);
            return copy;
        }
        case ExprKind::kBetween:
            return Pair(*expr, &BetweenExpr::low, &BetweenExpr::high);
        case ExprKind::kLike:
            return Wrap(*expr, &LikeExpr::pattern);
        case ExprKind::kIndex:
            return Wrap(*expr, &IndexExpr::index);
        case ExprKind::kSlice:
            return Pair(*expr, &SliceExpr::start, &SliceExpr::end);
        case ExprKind::kWildcard:
            return CloneWildcard(static_cast<const WildcardExpr&>(*expr));
    }
    return nullptr;
}

}  // namespace haumea::sql
