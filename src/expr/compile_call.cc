#include <algorithm>

#include "expr/compile.h"
#include "expr/evaluators.h"
#include "sql/functions.h"

namespace haumea::expr {
namespace {

// Functions without arguments that only look at the context.
Node::Evaluate ContextFunction(std::string_view name) {
    if (name == "window_start") {
        return eval::WindowStart;
    }
    if (name == "window_end") {
        return eval::WindowEnd;
    }
    if (name == "window_trigger") {
        return eval::WindowTrigger;
    }
    if (name == "event_time") {
        return eval::EventTime;
    }
    return name == "rule_id" ? eval::RuleId : nullptr;
}

Result<const FunctionState*> Prepare(Program& program, const FunctionDescriptor& function,
                                     const std::vector<const Node*>& args) {
    if (function.prepare == nullptr) {
        return nullptr;
    }
    std::vector<Value> literals;
    for (const Node* arg : args) {
        literals.push_back(IsLiteral(*arg) ? arg->literal : Value::Missing());
    }
    HAUMEA_TRY(auto state, function.prepare(literals));
    return program.Keep(std::move(state));
}

}  // namespace

Result<const Node*> Compiler::Call(const sql::CallExpr& expr) {
    const FunctionDescriptor* function = functions_.Find(expr.name);
    if (function == nullptr) {
        return Failf("function {} not found", expr.written);
    }
    if (function->builtin_form || function->kind == sql::FunctionClass::kWindowFunction) {
        return BuiltinForm(expr, *function);
    }
    switch (function->kind) {
        case sql::FunctionClass::kScalar:
            break;
        case sql::FunctionClass::kAggregate:
            return Aggregate(expr, *function);
        case sql::FunctionClass::kAnalytic: {
            Node* node = program_.NewNode(eval::Slot);
            node->slot = scope_.AnalyticSlot(expr);
            return node;
        }
        case sql::FunctionClass::kMultiColumn:
        case sql::FunctionClass::kSetReturning:
        case sql::FunctionClass::kWindowFunction:
            return Failf("function {} is not supported yet", expr.name);
    }
    if (function->scalar == nullptr) {
        return Failf("function {} is not supported yet", expr.name);
    }
    HAUMEA_TRY(const std::vector<const Node*> args, CompileAll(expr.args));
    Node* node = program_.NewNode(eval::Call);
    node->function = function;
    node->text = program_.Keep(expr.name);
    node->children = program_.Keep(args);
    HAUMEA_TRY(node->state, Prepare(program_, *function, args));
    const bool constant =
        function->pure && !args.empty() &&
        std::all_of(args.begin(), args.end(), [](const Node* arg) { return IsLiteral(*arg); });
    return constant ? Fold(node) : node;
}

Result<const Node*> Compiler::Aggregate(const sql::CallExpr& expr, const FunctionDescriptor& function) {
    if (function.aggregate == nullptr) {
        return Failf("function {} is not supported yet", expr.name);
    }
    const std::string key = scope_.Print(expr);
    if (const auto known = aggregates_.find(key); known != aggregates_.end()) {
        return known->second;
    }
    std::vector<const Node*> args;
    for (const sql::ExprPtr& arg : expr.args) {
        // count(*) counts rows; it needs none of their columns.
        if (expr.name == "count" && arg->kind == sql::ExprKind::kWildcard) {
            args.push_back(Literal(Value::Bool(true)));
            continue;
        }
        HAUMEA_TRY(const Node* node, Compile(*arg));
        args.push_back(node);
    }
    Node* node = program_.NewNode(eval::Aggregate);
    node->function = &function;
    node->text = program_.Keep(expr.name);
    node->children = program_.Keep(args);
    HAUMEA_TRY(node->state, Prepare(program_, function, args));
    Node* memo = program_.NewNode(eval::MemoOfGroup);
    memo->a = node;
    memo->slot = program_.NewMemo();
    aggregates_.emplace(key, memo);
    return memo;
}

Result<const Node*> Compiler::BuiltinForm(const sql::CallExpr& expr, const FunctionDescriptor& function) {
    if (const Node::Evaluate evaluate = ContextFunction(expr.name); evaluate != nullptr) {
        return program_.NewNode(evaluate);
    }
    if (const uint32_t derived = scope_.DerivedIndex(expr); derived != RowLayout::kNone) {
        Node* node = program_.NewNode(eval::Derived);
        node->slot = derived;
        return node;
    }
    if (expr.name == "last_agg_hit_count" || expr.name == "last_agg_hit_time") {
        return AggregateHits(expr);
    }
    if (sql::TakesMetaReferences(expr.name) && expr.args.size() == 1) {
        // `meta(a->b)` reads inside the value of a key.
        return Meta(*expr.args.front());
    }
    return Failf("function {} is not supported yet", function.name);
}

// One state for all calls of a function, as for other aggregates of the same text.
const Node* Compiler::AggregateHits(const sql::CallExpr& expr) {
    const Node*& known = aggregates_[expr.name];
    if (known == nullptr) {
        const bool counts = expr.name == "last_agg_hit_count";
        Node* node = program_.NewNode(counts ? eval::AggregateHitCount : eval::AggregateHitTime);
        node->slot = program_.NewMemo();
        node->slot2 = counts ? 0 : program_.NewMemo();
        known = node;
    }
    return known;
}

Result<const Node*> Compiler::Meta(const sql::Expr& expr) {
    if (const auto* reference = sql::As<sql::MetaExpr>(&expr); reference != nullptr) {
        if (reference->name == "*") {
            return program_.NewNode(eval::MetaAll);
        }
        Node* node = program_.NewNode(eval::MetaKey);
        node->text = program_.Keep(reference->name);
        return node;
    }
    const auto* binary = sql::As<sql::BinaryExpr>(&expr);
    const auto* key = binary == nullptr ? nullptr : sql::As<sql::JsonFieldExpr>(binary->rhs.get());
    if (key == nullptr) {
        if (expr.kind == sql::ExprKind::kWildcard) {
            return program_.NewNode(eval::MetaAll);
        }
        return Failf("meta() expects a key of the metadata, found {}", scope_.Print(expr));
    }
    Node* node = program_.NewNode(eval::Member);
    HAUMEA_TRY(node->a, Meta(*binary->lhs));
    node->text = program_.Keep(key->name);
    return node;
}

}  // namespace haumea::expr
