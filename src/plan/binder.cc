#include "plan/binder.h"

#include <algorithm>

#include "base/assert.h"
#include "sql/functions.h"
#include "sql/printer.h"

namespace haumea::plan {
namespace {

using expr::ColumnBinding;

bool IsAggregate(const sql::Expr& node) {
    const auto* call = sql::As<sql::CallExpr>(&node);
    return call != nullptr &&
           expr::FunctionRegistry::Builtin().Classify(call->name) == sql::FunctionClass::kAggregate;
}

bool IsAnalytic(const sql::CallExpr& call) {
    return expr::FunctionRegistry::Builtin().Classify(call.name) == sql::FunctionClass::kAnalytic;
}

// `a AS b`: the field is nothing but another name.
const sql::ColumnExpr* PlainColumn(const sql::Field& field) {
    const sql::Expr* inner = field.expr.get();
    while (const auto* paren = sql::As<sql::ParenExpr>(inner)) {
        inner = paren->inner.get();
    }
    return sql::As<sql::ColumnExpr>(inner);
}

}  // namespace

void VisitAll(const sql::Expr& expr, const std::function<void(const sql::Expr&)>& visit) {
    visit(expr);
    ForEachChild(expr, [&visit](const sql::Expr& child) { VisitAll(child, visit); });
}

const sql::CallExpr* FindAggregate(const sql::Expr& expr) {
    if (IsAggregate(expr)) {
        return sql::As<sql::CallExpr>(&expr);
    }
    const sql::CallExpr* found = nullptr;
    ForEachChild(
        expr, [&found](const sql::Expr& child) { found = found == nullptr ? FindAggregate(child) : found; });
    return found;
}

Result<void> Binder::Bind(const std::string& timestamp) {
    constexpr size_t kMaxFields = 4096;
    if (stmt_.fields.size() > kMaxFields) {
        return Failf("the select list has {} fields, at most {} are possible", stmt_.fields.size(),
                     kMaxFields);
    }
    for (uint32_t i = 0; i < stmt_.fields.size(); ++i) {
        const std::string& alias = stmt_.fields[i].alias;
        if (!alias.empty() && !aliases_.emplace(alias, i).second) {
            return Failf("duplicate alias {}", alias);
        }
    }
    HAUMEA_TRY_VOID(CheckNames());
    HAUMEA_TRY_VOID(CheckCycles());
    for (uint32_t i = 0; i < stmt_.fields.size(); ++i) {
        HAUMEA_TRY_VOID(BindExpr(*stmt_.fields[i].expr, i, false));
    }
    const auto bind = [this](const sql::ExprPtr& clause) {
        return clause == nullptr ? Result<void>() : BindExpr(*clause, kNoField, false);
    };
    HAUMEA_TRY_VOID(bind(stmt_.where));
    for (const sql::ExprPtr& dimension : stmt_.group_by) {
        HAUMEA_TRY_VOID(bind(dimension));
    }
    if (stmt_.window != nullptr) {
        HAUMEA_TRY_VOID(BindExpr(*stmt_.window, kNoField, false));
    }
    HAUMEA_TRY_VOID(bind(stmt_.having));
    for (const sql::SortItem& item : stmt_.order_by) {
        HAUMEA_TRY_VOID(bind(item.expr));
    }
    if (!timestamp.empty()) {
        columns_[timestamp] = true;
    }
    HAUMEA_TRY_VOID(CheckNestedAggregates());
    return OrderAnalytic();
}

// An aggregate takes rows, so nothing that is itself an aggregate may be its argument, not even by the name
// of an alias. Needs every column bound.
Result<void> Binder::CheckNestedAggregates() const {
    Result<void> result;
    const auto check = [&](const sql::Expr& expr) {
        const auto* call = sql::As<sql::CallExpr>(&expr);
        if (!result || call == nullptr || !IsAggregate(expr)) {
            return;
        }
        for (const sql::ExprPtr& arg : call->args) {
            if (HasAggregate(*arg)) {
                result = Failf("invalid argument for func {}: aggregate argument is not allowed", call->name);
            }
        }
    };
    for (const sql::Field& field : stmt_.fields) {
        VisitAll(*field.expr, check);
    }
    if (stmt_.having != nullptr) {
        VisitAll(*stmt_.having, check);
    }
    for (const sql::SortItem& item : stmt_.order_by) {
        VisitAll(*item.expr, check);
    }
    return result;
}

Result<void> Binder::CheckNames() const {
    std::map<std::string_view, int> names;
    for (const sql::Field& field : stmt_.fields) {
        const std::string& name = field.output_name();
        const auto* column = sql::As<sql::ColumnExpr>(field.expr.get());
        const bool wildcard =
            field.expr->kind == sql::ExprKind::kWildcard || (column != nullptr && column->name == "*");
        if (!wildcard && ++names[name] > 1) {
            return Failf("duplicate field definition {}", name);
        }
    }
    return {};
}

// The select fields whose aliases the expression of `field` names. Renames in a circle mean the columns.
std::vector<uint32_t> Binder::AliasesIn(uint32_t field) const {
    std::vector<uint32_t> fields;
    if (InRenameCycle(field)) {
        return fields;
    }
    VisitAll(*stmt_.fields[field].expr, [&](const sql::Expr& expr) {
        const auto* column = sql::As<sql::ColumnExpr>(&expr);
        const auto alias =
            column == nullptr || !column->stream.empty() ? aliases_.end() : aliases_.find(column->name);
        if (alias != aliases_.end() && alias->second != field) {
            fields.push_back(alias->second);
        }
    });
    return fields;
}

// Aliases that need each other cannot be computed, and long chains of them would exhaust the stack. Without
// recursion, since the chain may be as long as the statement.
Result<void> Binder::CheckCycles() const {
    constexpr int kMaxChainHeight = 2000;
    enum class State : uint8_t { kNew, kOpen, kDone };
    struct Visit {
        uint32_t field;
        std::vector<uint32_t> needs;
    };
    std::vector<State> states(stmt_.fields.size(), State::kNew);
    std::vector<int> heights(stmt_.fields.size(), 0);  // of the expression with its aliases put in
    for (const auto& [name, first] : aliases_) {
        std::vector<Visit> stack;
        const auto open = [&](uint32_t field) {
            states[field] = State::kOpen;
            stack.push_back({field, AliasesIn(field)});
        };
        if (states[first] == State::kNew) {
            open(first);
        }
        while (!stack.empty()) {
            Visit& visit = stack.back();
            if (visit.needs.empty()) {
                heights[visit.field] += stmt_.fields[visit.field].expr->height;
                if (heights[visit.field] > kMaxChainHeight) {
                    return Failf("aliases refer to each other too deeply at {}",
                                 stmt_.fields[visit.field].alias);
                }
                states[visit.field] = State::kDone;
                const int height = heights[visit.field];
                stack.pop_back();
                if (!stack.empty()) {
                    heights[stack.back().field] = std::max(heights[stack.back().field], height);
                }
                continue;
            }
            const uint32_t need = visit.needs.back();
            visit.needs.pop_back();
            if (states[need] == State::kOpen) {
                return Failf("select fields have cycled alias");
            }
            if (states[need] == State::kDone) {
                heights[visit.field] = std::max(heights[visit.field], heights[need]);
            } else {
                open(need);
            }
        }
    }
    return {};
}

// `a AS b, b AS a`: both mean the columns.
bool Binder::InRenameCycle(uint32_t field) const {
    uint32_t at = field;
    for (size_t steps = 0; steps <= stmt_.fields.size(); ++steps) {
        const sql::ColumnExpr* column = PlainColumn(stmt_.fields[at]);
        const auto next = column == nullptr ? aliases_.end() : aliases_.find(column->name);
        if (next == aliases_.end() || next->second == at) {
            return false;
        }
        at = next->second;
        if (at == field) {
            return true;
        }
    }
    return false;
}

uint32_t Binder::FindAlias(const sql::ColumnExpr& column, uint32_t field) const {
    if (!column.stream.empty()) {
        return kNoField;
    }
    auto found = aliases_.find(column.name);
    if (field == kNoField) {
        if (found == aliases_.end()) {
            found = std::find_if(aliases_.begin(), aliases_.end(), [&column](const auto& alias) {
                return sql::ToLower(alias.first) == sql::ToLower(column.name);
            });
        }
        return found == aliases_.end() ? kNoField : found->second;
    }
    if (found == aliases_.end() || !alias_in_select_ || found->second == field) {
        return kNoField;
    }
    // Without a schema a later field is visible only as a rename; with one, order does not matter.
    const bool visible =
        !stream_.schemaless() || found->second < field || PlainColumn(stmt_.fields[found->second]) != nullptr;
    return visible && !InRenameCycle(field) ? found->second : kNoField;
}

Result<void> Binder::CheckColumn(const sql::ColumnExpr& column) const {
    if (stream_.schemaless()) {
        return {};
    }
    bool folded = false;
    for (const sql::StreamField& field : stream_.fields) {
        if (field.name == column.name) {
            return {};
        }
        folded = folded || sql::ToLower(field.name) == sql::ToLower(column.name);
    }
    if (folded) {
        return Failf("field {} not found in stream {}", column.name, stream_.name);
    }
    return Failf("unknown field {}", column.name);
}

Result<void> Binder::BindColumn(const sql::ColumnExpr& column, uint32_t field) {
    if (column.name == "*") {
        wildcard_ = true;
        bound_[&column] = {.kind = Bound::Kind::kWildcard, .column = {}};
        return {};
    }
    if (const uint32_t alias = FindAlias(column, field); alias != kNoField) {
        bound_[&column] = {.kind = Bound::Kind::kAlias, .column = {}, .field = alias};
        referenced_.insert(alias);
        return {};
    }
    HAUMEA_TRY_VOID(CheckColumn(column));
    columns_[column.name] = true;
    bound_[&column] = {.kind = Bound::Kind::kColumn, .column = column.name};
    return {};
}

Result<void> Binder::BindCall(const sql::CallExpr& call, uint32_t field, bool inside_aggregate) {
    const sql::FunctionClass kind = expr::FunctionRegistry::Builtin().Classify(call.name);
    const bool aggregate = kind == sql::FunctionClass::kAggregate;
    if (aggregate) {
        for (const sql::ExprPtr& arg : call.args) {
            if (FindAggregate(*arg) != nullptr) {
                return Failf("invalid argument for func {}: aggregate argument is not allowed", call.name);
            }
        }
    }
    if ((call.name == "last_hit_count" || call.name == "last_hit_time") && stmt_.window != nullptr) {
        return Failf("function {} is not allowed in an aggregate query", call.name);
    }
    if (kind == sql::FunctionClass::kWindowFunction) {
        if (!call.partition.empty() || !call.order.empty()) {
            return Failf("OVER of function {} is not supported yet", call.name);
        }
        derived_.emplace(&call, static_cast<uint32_t>(derived_.size()));
    }
    if (kind == sql::FunctionClass::kAnalytic) {
        analytic_.push_back(&call);
    }
    const bool counts_rows = (call.name == "count" || call.name == "acc_count") && call.args.size() == 1 &&
                             call.args.front()->kind == sql::ExprKind::kWildcard;
    if (counts_rows) {
        return {};
    }
    Result<void> result;
    ForEachChild(call, [&](const sql::Expr& child) {
        if (result) {
            result = BindExpr(child, field, inside_aggregate || aggregate);
        }
    });
    return result;
}

Result<void> Binder::BindExpr(const sql::Expr& expr, uint32_t field, bool inside_aggregate) {
    if (const auto* column = sql::As<sql::ColumnExpr>(&expr); column != nullptr) {
        return BindColumn(*column, field);
    }
    if (const auto* call = sql::As<sql::CallExpr>(&expr); call != nullptr) {
        return BindCall(*call, field, inside_aggregate);
    }
    wildcard_ = wildcard_ || expr.kind == sql::ExprKind::kWildcard;
    Result<void> result;
    ForEachChild(expr, [&](const sql::Expr& child) {
        if (result) {
            result = BindExpr(child, field, inside_aggregate);
        }
    });
    return result;
}

std::unique_ptr<RowLayout> Binder::MakeLayout() const {
    std::vector<std::string> keys;
    for (const auto& [name, used] : columns_) {
        keys.push_back(name);
    }
    if (wildcard_ && !stream_.schemaless()) {
        for (const sql::StreamField& field : stream_.fields) {
            if (!columns_.contains(field.name)) {
                keys.push_back(field.name);
            }
        }
        std::sort(keys.begin(), keys.end());
    }
    return std::make_unique<RowLayout>(std::move(keys), wildcard_ && stream_.schemaless());
}

expr::ColumnBinding Binder::Binding(const sql::ColumnExpr& column) const {
    const auto found = bound_.find(&column);
    HAUMEA_CHECK(found != bound_.end());
    switch (found->second.kind) {
        case Bound::Kind::kAlias:
            return {.kind = ColumnBinding::Kind::kAlias, .alias = found->second.field};
        case Bound::Kind::kWildcard:
            return {.kind = ColumnBinding::Kind::kWildcard};
        case Bound::Kind::kColumn:
            break;
    }
    return {.kind = ColumnBinding::Kind::kSlot, .slot = layout_->Find(found->second.column)};
}

const sql::Expr& Binder::AliasExpr(uint32_t alias) const { return *stmt_.fields[alias].expr; }

uint32_t Binder::DerivedIndex(const sql::CallExpr& call) const {
    const auto found = derived_.find(&call);
    return found == derived_.end() ? RowLayout::kNone : found->second;
}

uint32_t Binder::AnalyticSlot(const sql::CallExpr& call) const {
    const auto found = analytic_index_.find(&call);
    HAUMEA_CHECK(found != analytic_index_.end());
    return static_cast<uint32_t>(layout_->size()) + found->second;
}

// Analytic calls run on single rows, before there are groups; one may be the argument of another.
Result<void> Binder::OrderAnalytic() {
    std::vector<const sql::CallExpr*> ordered;
    Result<void> result;
    const std::function<void(const sql::CallExpr&)> add = [&](const sql::CallExpr& call) {
        if (analytic_index_.contains(&call) || !result) {
            return;
        }
        analytic_index_[&call] = 0;  // seen; its place is known behind those that it needs
        ForEachChild(call, [&](const sql::Expr& child) {
            if (HasAggregate(child)) {
                result = Failf("invalid argument for func {}: aggregate argument is not allowed", call.name);
            }
            Uses(child, [&](const sql::CallExpr& inner) {
                if (IsAnalytic(inner)) {
                    add(inner);
                }
                return false;
            });
        });
        analytic_index_[&call] = static_cast<uint32_t>(ordered.size());
        ordered.push_back(&call);
    };
    for (const sql::CallExpr* call : analytic_) {
        add(*call);
    }
    analytic_ = std::move(ordered);
    return result;
}

bool Binder::IsAliasReference(const sql::ColumnExpr& column) const {
    const auto found = bound_.find(&column);
    return found != bound_.end() && found->second.kind == Bound::Kind::kAlias;
}

bool Binder::HasAggregate(const sql::Expr& expr) const {
    bool found = false;
    VisitAll(expr, [&](const sql::Expr& node) {
        const auto* column = sql::As<sql::ColumnExpr>(&node);
        if (column != nullptr && IsAliasReference(*column)) {
            const uint32_t field = bound_.at(column).field;
            // Each alias is looked into once: chains of aliases may fan out.
            if (!alias_aggregates_.contains(field)) {
                alias_aggregates_[field] = false;
                alias_aggregates_[field] = HasAggregate(AliasExpr(field));
            }
            found = found || alias_aggregates_[field];
        }
        found = found || IsAggregate(node);
    });
    return found;
}

bool Binder::Uses(const sql::Expr& expr, const std::function<bool(const sql::CallExpr&)>& fits) const {
    std::set<uint32_t> seen;  // chains of aliases may fan out
    bool found = false;
    const std::function<void(const sql::Expr&)> look = [&](const sql::Expr& node) {
        if (const auto* call = sql::As<sql::CallExpr>(&node); call != nullptr) {
            found = found || fits(*call);
        }
        const auto* column = sql::As<sql::ColumnExpr>(&node);
        if (column != nullptr && IsAliasReference(*column) && seen.insert(bound_.at(column).field).second) {
            VisitAll(AliasExpr(bound_.at(column).field), look);
        }
    };
    VisitAll(expr, look);
    return found;
}

std::string Binder::Print(const sql::Expr& expr) const {
    constexpr int kMaxDepth = 16;
    int depth = 0;
    const sql::ColumnPrinter columns = [this, &columns, &depth](const sql::ColumnExpr& column,
                                                                std::string& out) {
        const auto found = bound_.find(&column);
        if (found == bound_.end()) {
            return false;
        }
        switch (found->second.kind) {
            case Bound::Kind::kWildcard:
                out += "*";
                return true;
            case Bound::Kind::kColumn:
                out += stream_.name + "." + column.name;
                return true;
            case Bound::Kind::kAlias:
                break;
        }
        const sql::Field& field = stmt_.fields[found->second.field];
        out += "$$alias." + field.alias;
        // Aliases of aliases may multiply the text.
        constexpr size_t kMaxText = 8192;
        if (out.size() < kMaxText && ++depth < kMaxDepth) {
            out += ",aliasRef:" + sql::PrintExpr(*field.expr, columns);
            --depth;
        }
        return true;
    };
    return sql::PrintExpr(expr, columns);
}

}  // namespace haumea::plan
