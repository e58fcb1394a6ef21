#include "expr/compile.h"

#include <algorithm>

#include "expr/access.h"
#include "expr/evaluators.h"

namespace haumea::expr {

using sql::BinaryOp;
using sql::ExprKind;

bool IsLiteral(const Node& node) noexcept { return node.evaluate == eval::Literal; }

const Node* Compiler::Literal(const Value& value) {
    Node* node = program_.NewNode(eval::Literal);
    node->literal = program_.Keep(value);
    if (value.is_number()) {
        node->number = value.number();
    }
    return node;
}

const Node* Compiler::Fold(const Node* node) {
    EvalContext ctx(program_.arena(), SystemClock::Instance(), "");
    ctx.memos.resize(program_.memos());
    const Value value = node->Run(ctx);
    return value.is_error() ? node : Literal(value);
}

Result<std::vector<const Node*>> Compiler::CompileAll(const std::vector<sql::ExprPtr>& exprs) {
    std::vector<const Node*> nodes;
    for (const sql::ExprPtr& expr : exprs) {
        HAUMEA_TRY(const Node* node, Compile(*expr));
        nodes.push_back(node);
    }
    return nodes;
}

Result<const Node*> Compiler::Compile(const sql::Expr& expr) {
    switch (expr.kind) {
        case ExprKind::kColumn:
            return Column(static_cast<const sql::ColumnExpr&>(expr));
        case ExprKind::kInteger:
            return Literal(Value::Int(static_cast<const sql::IntegerExpr&>(expr).value));
        case ExprKind::kNumber:
            return Literal(Value::Double(static_cast<const sql::NumberExpr&>(expr).value));
        case ExprKind::kString:
            return Literal(Value::String(static_cast<const sql::StringExpr&>(expr).value));
        case ExprKind::kBoolean:
            return Literal(Value::Bool(static_cast<const sql::BooleanExpr&>(expr).value));
        case ExprKind::kTimeUnit:
            return Literal(Value::String(ToText(static_cast<const sql::TimeUnitExpr&>(expr).unit)));
        case ExprKind::kBinary:
            return Binary(static_cast<const sql::BinaryExpr&>(expr));
        case ExprKind::kParen:
            return Compile(*static_cast<const sql::ParenExpr&>(expr).inner);
        case ExprKind::kCall:
            return Call(static_cast<const sql::CallExpr&>(expr));
        case ExprKind::kWindow:
            return Literal(Value::Null());  // outside of GROUP BY a window has no value
        case ExprKind::kCase:
            return Case(static_cast<const sql::CaseExpr&>(expr));
        case ExprKind::kWildcard:
            return CompileWildcard(static_cast<const sql::WildcardExpr*>(&expr));
        case ExprKind::kMeta:
        case ExprKind::kValueSet:
        case ExprKind::kBetween:
        case ExprKind::kLike:
        case ExprKind::kIndex:
        case ExprKind::kSlice:
        case ExprKind::kJsonField:
            break;
    }
    return Failf("expression {} cannot stand here", scope_.Print(expr));
}

Result<const Node*> Compiler::Column(const sql::ColumnExpr& expr) {
    const ColumnBinding binding = scope_.Binding(expr);
    switch (binding.kind) {
        case ColumnBinding::Kind::kAlias:
            return Alias(binding.alias);
        case ColumnBinding::Kind::kWildcard:
            return CompileWildcard(nullptr);
        case ColumnBinding::Kind::kSlot:
            break;
    }
    Node* node = program_.NewNode(eval::Slot);
    node->slot = binding.slot;
    return node;
}

Result<const Node*> Compiler::Alias(uint32_t alias) {
    if (const auto known = aliases_.find(alias); known != aliases_.end()) {
        return known->second;
    }
    HAUMEA_TRY(const Node* inner, Compile(scope_.AliasExpr(alias)));
    const Node* result = inner;
    if (inner->evaluate != eval::Slot && inner->evaluate != eval::Literal) {
        Node* memo = program_.NewNode(eval::MemoOfRow);
        memo->a = inner;
        memo->slot = program_.NewMemo();
        result = memo;
    }
    aliases_.emplace(alias, result);
    return result;
}

Result<const Node*> Compiler::Binary(const sql::BinaryExpr& expr) {
    switch (expr.op) {
        case BinaryOp::kIn:
        case BinaryOp::kNotIn:
            return In(expr);
        case BinaryOp::kBetween:
        case BinaryOp::kNotBetween:
            return Between(expr);
        case BinaryOp::kLike:
        case BinaryOp::kNotLike:
            return Like(expr);
        case BinaryOp::kSubset:
            return Subset(expr);
        case BinaryOp::kArrow:
            return Arrow(expr);
        default:
            break;
    }
    HAUMEA_TRY(const Node* lhs, Compile(*expr.lhs));
    HAUMEA_TRY(const Node* rhs, Compile(*expr.rhs));
    Node* node = program_.NewNode(eval::BinaryFor(expr.op));
    node->op = expr.op;
    node->a = lhs;
    node->b = rhs;
    if (IsLiteral(*lhs) && IsLiteral(*rhs)) {
        return Fold(node);
    }
    if (lhs->evaluate == eval::Slot) {
        const Node::Evaluate number = eval::SlotNumberFor(expr.op);
        const Node::Evaluate slots = eval::SlotSlotFor(expr.op);
        node->slot = lhs->slot;
        if (number != nullptr && IsLiteral(*rhs) && rhs->literal.is_number()) {
            node->evaluate = number;
            node->literal = rhs->literal;
            node->number = rhs->number;
        } else if (slots != nullptr && rhs->evaluate == eval::Slot) {
            node->evaluate = slots;
            node->slot2 = rhs->slot;
        }
    }
    return node;
}

Result<const Node*> Compiler::Arrow(const sql::BinaryExpr& expr) {
    const auto* key = sql::As<sql::JsonFieldExpr>(expr.rhs.get());
    if (key == nullptr) {
        return Failf("the right side of -> must be a name, found {}", scope_.Print(*expr.rhs));
    }
    HAUMEA_TRY(const Node* base, Compile(*expr.lhs));
    Node* node = program_.NewNode(eval::Member);
    node->a = base;
    node->text = program_.Keep(key->name);
    return node;
}

Result<const Node*> Compiler::Subset(const sql::BinaryExpr& expr) {
    HAUMEA_TRY(const Node* base, Compile(*expr.lhs));
    if (const auto* index = sql::As<sql::IndexExpr>(expr.rhs.get()); index != nullptr) {
        Node* node = program_.NewNode(eval::Index);
        node->a = base;
        HAUMEA_TRY(node->b, Compile(*index->index));
        return node;
    }
    const auto* slice = sql::As<sql::SliceExpr>(expr.rhs.get());
    if (slice == nullptr) {
        return Failf("{} is no index", scope_.Print(*expr.rhs));
    }
    Node* node = program_.NewNode(eval::SliceOf);
    node->a = base;
    if (slice->start != nullptr) {
        HAUMEA_TRY(node->b, Compile(*slice->start));
    }
    if (slice->end != nullptr) {
        HAUMEA_TRY(node->c, Compile(*slice->end));
    }
    const bool literals =
        node->b != nullptr && node->c != nullptr && IsLiteral(*node->b) && IsLiteral(*node->c);
    if (literals && node->b->number >= node->c->number && node->c->number >= 0) {
        return Failf("colon start value can't be greater than end value");
    }
    return node;
}

Result<const Node*> Compiler::In(const sql::BinaryExpr& expr) {
    HAUMEA_TRY(const Node* value, Compile(*expr.lhs));
    const auto* set = sql::As<sql::ValueSetExpr>(expr.rhs.get());
    Node* node = program_.NewNode(set != nullptr ? eval::InSet : eval::InArray);
    node->a = value;
    node->flag = expr.op == BinaryOp::kNotIn;
    if (set != nullptr) {
        HAUMEA_TRY(const std::vector<const Node*> items, CompileAll(set->items));
        node->children = program_.Keep(items);
    } else {
        HAUMEA_TRY(node->b, Compile(*expr.rhs));
    }
    return node;
}

Result<const Node*> Compiler::Between(const sql::BinaryExpr& expr) {
    const auto* bounds = sql::As<sql::BetweenExpr>(expr.rhs.get());
    if (bounds == nullptr) {
        return Failf("BETWEEN needs two bounds, found {}", scope_.Print(*expr.rhs));
    }
    Node* node = program_.NewNode(eval::Between);
    HAUMEA_TRY(node->a, Compile(*expr.lhs));
    HAUMEA_TRY(node->b, Compile(*bounds->low));
    HAUMEA_TRY(node->c, Compile(*bounds->high));
    node->flag = expr.op == BinaryOp::kNotBetween;
    return node;
}

Result<const Node*> Compiler::Like(const sql::BinaryExpr& expr) {
    const auto* like = sql::As<sql::LikeExpr>(expr.rhs.get());
    if (like == nullptr) {
        return Failf("LIKE needs a pattern, found {}", scope_.Print(*expr.rhs));
    }
    Node* node = program_.NewNode(eval::Like);
    HAUMEA_TRY(node->a, Compile(*expr.lhs));
    HAUMEA_TRY(node->b, Compile(*like->pattern));
    node->flag = expr.op == BinaryOp::kNotLike;
    return node;
}

Result<const Node*> Compiler::Case(const sql::CaseExpr& expr) {
    Node* node = program_.NewNode(expr.value == nullptr ? eval::CaseWhen : eval::CaseValue);
    std::vector<const Node*> children;
    for (const sql::WhenClause& clause : expr.whens) {
        HAUMEA_TRY(const Node* condition, Compile(*clause.condition));
        HAUMEA_TRY(const Node* result, Compile(*clause.result));
        children.push_back(condition);
        children.push_back(result);
    }
    node->children = program_.Keep(children);
    if (expr.value != nullptr) {
        HAUMEA_TRY(node->b, Compile(*expr.value));
    }
    if (expr.otherwise != nullptr) {
        HAUMEA_TRY(node->a, Compile(*expr.otherwise));
    }
    return node;
}

Result<const Node*> Compiler::CompileWildcard(const sql::WildcardExpr* wildcard) {
    auto state = std::make_unique<eval::WildcardState>();
    state->layout = &scope_.layout();
    if (wildcard != nullptr) {
        state->hidden = wildcard->except;
        for (const sql::Field& field : wildcard->replace) {
            HAUMEA_TRY(const Node* value, Compile(*field.expr));

            state->replacements.push_back({field.output_name(), value});
        }
        std::sort(state->hidden.begin(), state->hidden.end());
    }
    const std::vector<std::string>& keys = state->layout->keys();
    for (uint32_t slot = 0; slot < keys.size(); ++slot) {
        if (!std::binary_search(state->hidden.begin(), state->hidden.end(), keys[slot])) {
            state->slots.push_back(slot);
        }
    }
    Node* node = program_.NewNode(eval::WholeRow);
    node->state = program_.Keep(std::move(state));
    return node;
}

}  // namespace haumea::expr
