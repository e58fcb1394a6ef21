#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "expr/compile.h"
#include "plan/binder.h"
#include "plan/explain.h"
#include "plan/rule_plan.h"
#include "sql/parser.h"
#include "sql/printer.h"

namespace haumea::plan {
namespace {

// Plans one SELECT over one stream. Lives for one call of PlanSelect.
class Planner {
  public:
    Planner(const PlanOptions& options, const FindStream& find_stream)
        : options_(options), find_stream_(find_stream), plan_(std::make_unique<RulePlan>()) {}

    Result<std::unique_ptr<RulePlan>> Plan(const std::string& sql);

  private:
    const sql::SelectStmt& stmt() const { return *plan_->stmt; }
    Result<void> FindSources();
    Result<void> CheckStatement() const;
    Result<std::string> TimestampColumn() const;
    Result<void> CheckHaving() const;
    Result<void> PlanAnalytic();
    Result<void> PlanWindow();
    Result<void> PlanWhere();
    Result<void> PlanGroups();
    Result<void> PlanProjection();
    Result<void> AddField(uint32_t index);
    Result<const expr::Node*> Compile(const sql::Expr& expr) { return compiler_->Compile(expr); }
    void Explain();
    std::string ExplainFields() const;
    std::string ExplainOrder() const;
    std::string ExplainAnalytic() const;

    const PlanOptions& options_;
    const FindStream& find_stream_;
    std::unique_ptr<RulePlan> plan_;
    std::unique_ptr<Binder> binder_;
    std::unique_ptr<expr::Compiler> compiler_;
};

// Whether a WHERE must wait until the window is complete.
bool FiltersWindows(const sql::WindowExpr& window, bool event_time) {
    return event_time || window.type == sql::WindowType::kCount || window.type == sql::WindowType::kSliding;
}

Result<void> Planner::FindSources() {
    for (const sql::SourceRef* source : stmt().sources()) {
        auto stream = find_stream_(source->name);
        if (stream == nullptr) {
            return Failf("fail to get stream {}, please check if stream is created", source->name);
        }
        plan_->streams.push_back(source->name);
        if (plan_->stream == nullptr) {
            plan_->stream = std::move(stream);
        }
    }
    if (plan_->stream->kind == sql::StreamKind::kTable) {
        return Failf("table {} cannot be the source of a rule; use a stream", plan_->stream->name);
    }
    return {};
}

Result<void> Planner::CheckStatement() const {
    if (!stmt().group_by.empty() && stmt().window == nullptr) {
        return Failf("select stmt group by should be used with window");
    }
    if (options_.send_meta_to_sink && stmt().window != nullptr) {
        return Failf("Invalid option sendMetaToSink, it can not be applied to window");
    }
    return {};
}

Result<std::string> Planner::TimestampColumn() const {
    if (!options_.is_event_time) {
        return std::string();
    }
    const std::string& column = plan_->stream->options.timestamp;
    if (column.empty()) {
        return Failf("preprocessor is set to be event time but stream option TIMESTAMP not found");
    }
    const std::vector<sql::StreamField>& fields = plan_->stream->fields;
    const bool declared = std::any_of(fields.begin(), fields.end(), [&column](const sql::StreamField& field) {
        return field.name == column;
    });
    if (!plan_->stream->schemaless() && !declared) {
        return Failf("timestamp field {} not found", column);
    }
    return column;
}

// Columns may stand in HAVING only inside of aggregates.
Result<void> Planner::CheckHaving() const {
    if (stmt().having == nullptr) {
        return {};
    }
    const std::function<bool(const sql::Expr&)> bare = [&](const sql::Expr& expr) {
        if (const auto* column = sql::As<sql::ColumnExpr>(&expr); column != nullptr) {
            return !binder_->IsAliasReference(*column);
        }
        if (const sql::CallExpr* call = FindAggregate(expr); call == &expr) {
            return false;
        }
        bool found = false;
        ForEachChild(expr, [&](const sql::Expr& child) { found = found || bare(child); });
        return found;
    };
    if (binder_->Uses(*stmt().having, [](const sql::CallExpr& call) {
            return call.name == "last_agg_hit_count" || call.name == "last_agg_hit_time";
        })) {
        return Failf(
            "last_agg_hit_count() and last_agg_hit_time() are not supported in HAVING yet; "
            "use them in the select list");
    }
    if (bare(*stmt().having)) {
        return Failf("Not allowed to call non-aggregate functions in HAVING clause: {}.",
                     binder_->Print(*stmt().having));
    }
    return {};
}

Result<void> Planner::PlanAnalytic() {
    for (const sql::CallExpr* call : binder_->analytic()) {
        AnalyticCall planned;
        planned.function = expr::FunctionRegistry::Builtin().Find(call->name);
        planned.error_prefix = "call func " + call->name + " error: ";
        for (const sql::ExprPtr& arg : call->args) {
            // acc_count(*) counts rows; it needs none of their columns.
            const bool counts_rows = call->name == "acc_count" && arg->kind == sql::ExprKind::kWildcard;
            HAUMEA_TRY(const expr::Node* node, counts_rows ? compiler_->CompileTrue() : Compile(*arg));
            planned.args.push_back(node);
        }
        for (const sql::ExprPtr& key : call->partition) {
            HAUMEA_TRY(const expr::Node* node, Compile(*key));
            planned.partition.push_back(node);
        }
        if (call->when != nullptr) {
            HAUMEA_TRY(planned.when, Compile(*call->when));
        }
        plan_->analytic.push_back(std::move(planned));
    }
    return {};
}

Result<void> Planner::PlanWindow() {
    const sql::WindowExpr* window = stmt().window.get();
    if (window == nullptr) {
        return {};
    }
    switch (window->type) {
        case sql::WindowType::kTumbling:
        case sql::WindowType::kHopping:
            break;
        case sql::WindowType::kCount:
            if (options_.is_event_time) {
                return Failf("unsupported window type 5");  // as eKuiper answers
            }
            break;
        case sql::WindowType::kSliding:
            if (window->delay != 0) {
                return Failf("the delay of SLIDINGWINDOW is not supported yet; leave the third argument out");
            }
            break;
        case sql::WindowType::kSession:
        case sql::WindowType::kState:
            return Failf("{} is not supported yet", ToText(window->type));
    }
    if (window->length < (window->type == sql::WindowType::kSliding ? 0 : 1)) {
        return Failf("the length of {} must be above 0, found {}", ToText(window->type), window->length);
    }
    if (window->type == sql::WindowType::kHopping && window->interval <= 0) {
        return Failf("the interval of {} must be above 0, found {}", ToText(window->type), window->interval);
    }
    WindowSpec spec{.type = window->type,
                    .unit = window->unit,
                    .length = window->length,
                    .interval = window->interval == 0 ? window->length : window->interval,
                    .filter = nullptr,
                    .when = nullptr};
    if (window->when != nullptr && window->type == sql::WindowType::kSliding) {
        HAUMEA_TRY(spec.when, Compile(*window->when));
    }
    if (window->filter != nullptr) {
        HAUMEA_TRY(spec.filter, Compile(*window->filter));
    }
    plan_->window = spec;
    return {};
}

Result<void> Planner::PlanWhere() {
    if (stmt().where == nullptr) {
        return {};
    }
    HAUMEA_TRY(const expr::Node* condition, Compile(*stmt().where));
    const bool late =
        stmt().window != nullptr && (FiltersWindows(*stmt().window, options_.is_event_time) ||
                                     !plan_->analytic.empty() || binder_->HasAggregate(*stmt().where));
    (late ? plan_->late_filter : plan_->early_filter) = condition;
    return {};
}

Result<void> Planner::PlanGroups() {
    for (const sql::ExprPtr& dimension : stmt().group_by) {
        HAUMEA_TRY(const expr::Node* node, Compile(*dimension));
        plan_->group_by.push_back(node);
    }
    plan_->aggregate = !stmt().group_by.empty() || std::any_of(stmt().fields.begin(), stmt().fields.end(),
                                                               [this](const sql::Field& field) {
                                                                   return binder_->HasAggregate(*field.expr);
                                                               });
    const auto lists_rows = [](const sql::CallExpr& call) {
        return call.name == "collect" || call.name == "deduplicate" || call.name == "merge_agg";
    };
    plan_->small_result =
        plan_->aggregate && stmt().group_by.empty() &&
        std::none_of(stmt().fields.begin(), stmt().fields.end(),
                     [&](const sql::Field& field) { return binder_->Uses(*field.expr, lists_rows); });
    HAUMEA_TRY_VOID(CheckHaving());
    if (stmt().having != nullptr) {
        HAUMEA_TRY(plan_->having, Compile(*stmt().having));
    }
    for (const sql::SortItem& item : stmt().order_by) {
        HAUMEA_TRY(const expr::Node* node, Compile(*item.expr));
        plan_->order_by.push_back({node, item.ascending});
        plan_->order_needs_derived = plan_->order_needs_derived || binder_->UsesDerived(*item.expr);
    }
    return {};
}

Result<void> Planner::AddField(uint32_t index) {
    const sql::Field& field = stmt().fields[index];
    const auto* column = sql::As<sql::ColumnExpr>(field.expr.get());
    const bool wildcard =
        field.expr->kind == sql::ExprKind::kWildcard || (column != nullptr && column->name == "*");
    if (wildcard) {
        HAUMEA_TRY(const expr::Node* node,
                   compiler_->CompileWildcard(sql::As<sql::WildcardExpr>(field.expr.get())));
        plan_->projection.wildcard = static_cast<const expr::eval::WildcardState*>(node->state);
        return {};
    }
    plan_->columns.push_back(field.output_name());
    OutputField output;
    output.name = field.output_name();
    if (binder_->IsReferenced(index)) {
        HAUMEA_TRY(output.node, compiler_->CompileAlias(index));
    } else {
        HAUMEA_TRY(output.node, Compile(*field.expr));
    }
    output.error_prefix =
        field.alias.empty() ? "run Select error: " : "run Select error: alias: " + field.alias + " ";
    output.error_prefix += "expr: " + binder_->Print(*field.expr) + " meet error, err:";
    output.keep_null = field.alias.empty() && column != nullptr && !binder_->IsAliasReference(*column);
    output.keep_missing = options_.send_nil_field && (!field.alias.empty() || output.keep_null);
    const auto* call = sql::As<sql::CallExpr>(field.expr.get());
    // As eKuiper: array_concat() of nulls is a null array, which is shown.
    output.keep_null = output.keep_null || (call != nullptr && call->name == "array_concat");
    output.null_when_empty = call != nullptr && call->name == "collect";
    plan_->projection.fields.push_back(std::move(output));
    return {};
}

Result<void> Planner::PlanProjection() {
    for (uint32_t i = 0; i < stmt().fields.size(); ++i) {
        const sql::Field& field = stmt().fields[i];
        const bool wildcard = field.expr->kind == sql::ExprKind::kWildcard;
        if (field.invisible && !wildcard) {
            // Never shown, yet it has to be a sound expression.
            HAUMEA_TRY_VOID(Compile(*field.expr));
            continue;
        }
        HAUMEA_TRY_VOID(AddField(i));
    }
    Projection& projection = plan_->projection;
    projection.sorted.resize(projection.fields.size());
    std::iota(projection.sorted.begin(), projection.sorted.end(), 0U);
    std::sort(projection.sorted.begin(), projection.sorted.end(), [&projection](uint32_t a, uint32_t b) {
        return projection.fields[a].name < projection.fields[b].name;
    });
    return {};
}

std::string Planner::ExplainFields() const {
    std::string text = "Fields:[ ";
    for (size_t i = 0; i < stmt().fields.size(); ++i) {
        const sql::Field& field = stmt().fields[i];
        text += i == 0 ? "" : ", ";
        text += field.alias.empty() ? "" : "$$alias." + field.alias + ",aliasRef:";
        text += binder_->Print(*field.expr);
    }
    text += " ]";
    if (stmt().limit) {
        text += ", Limit:" + std::to_string(*stmt().limit);
    }
    return text;
}

std::string Planner::ExplainOrder() const {
    std::string text = "SortFields:[ ";
    for (size_t i = 0; i < stmt().order_by.size(); ++i) {
        const sql::SortItem& item = stmt().order_by[i];
        text += i == 0 ? "" : ", ";
        text += "sortField:{ name:" + item.name + ", ascending:" + (item.ascending ? "true" : "false") +
                ", fieldExpr:{ " + binder_->Print(*item.expr) + " } }";
    }
    return text + " ]";
}

// Calls of the select list apart from those of other clauses.
std::string Planner::ExplainAnalytic() const {
    std::string fields;
    std::string others;
    std::set<const sql::CallExpr*> in_fields;
    for (const sql::Field& field : stmt().fields) {
        VisitAll(*field.expr, [&in_fields](const sql::Expr& expr) {
            if (const auto* call = sql::As<sql::CallExpr>(&expr); call != nullptr) {
                in_fields.insert(call);
            }
        });
    }
    for (const sql::CallExpr* call : binder_->analytic()) {
        std::string& list = in_fields.contains(call) ? fields : others;
        list += (list.empty() ? "" : ", ") + binder_->Print(*call);
    }
    std::string text;
    if (!others.empty()) {
        text += "Funcs:[ " + others + " ]";
    }
    if (!fields.empty()) {
        text += (text.empty() ? "FieldFuncs:[ " : ", FieldFuncs:[ ") + fields + " ]";
    }
    return text;
}

void Planner::Explain() {
    const auto condition = [this](const sql::Expr& expr) {
        return "Condition:{ " + binder_->Print(expr) + " }, ";
    };
    const auto join = [](const std::vector<std::string>& parts) {
        return fmt::format("{}", fmt::join(parts, ", "));
    };
    ExplainText text;
    text.Add("ProjectPlan", ExplainFields());
    if (!stmt().order_by.empty()) {
        text.Add("OrderPlan", ExplainOrder());
    }
    if (stmt().having != nullptr) {
        text.Add("HavingPlan", condition(*stmt().having));
    }
    if (!stmt().group_by.empty()) {
        std::vector<std::string> dimensions;
        for (const sql::ExprPtr& dimension : stmt().group_by) {
            dimensions.push_back(binder_->Print(*dimension));
        }
        text.Add("AggregatePlan", "Dimension:{ " + join(dimensions) + " }");
    }
    if (plan_->late_filter != nullptr) {
        text.Add("FilterPlan", condition(*stmt().where));
    }
    if (plan_->window) {
        const std::string when =
            plan_->window->when == nullptr ? "" : ", condition:" + binder_->Print(*stmt().window->when);
        text.Add("WindowPlan", fmt::format("{{ length:{}, windowType:{}{}, limit: 0 }}",
                                           plan_->window->length, ToText(plan_->window->type), when));
    }
    if (plan_->early_filter != nullptr) {
        text.Add("FilterPlan", condition(*stmt().where));
    }
    if (!plan_->analytic.empty()) {
        text.Add("AnalyticFuncsPlan", ExplainAnalytic());
    }
    if (options_.is_event_time) {
        text.Add("WatermarkPlan", "Emitters:[ " + plan_->stream->name + " ], SendWatermark:true");
    }
    std::string source = "StreamName: " + plan_->stream->name;
    if (plan_->layout->size() > 0) {
        source += ", StreamFields:[ " + join(plan_->layout->keys()) + " ]";
    }
    text.Add("DataSourcePlan", source);
    plan_->explain = text.ToString();
}

Result<std::unique_ptr<RulePlan>> Planner::Plan(const std::string& sql) {
    const expr::FunctionRegistry& functions = expr::FunctionRegistry::Builtin();
    HAUMEA_TRY(sql::SelectStmt parsed, sql::ParseRuleSql(sql, &functions));
    plan_->stmt = std::make_unique<sql::SelectStmt>(std::move(parsed));
    HAUMEA_TRY_VOID(FindSources());
    HAUMEA_TRY_VOID(CheckStatement());
    if (!stmt().joins.empty()) {
        return Failf("JOIN is not supported yet; use one stream per rule");
    }
    binder_ = std::make_unique<Binder>(stmt(), *plan_->stream, !options_.disable_alias_ref_cal);
    // Clients expect an unknown column to be reported before a missing TIMESTAMP.
    const auto timestamp = TimestampColumn();
    HAUMEA_TRY_VOID(binder_->Bind(timestamp ? *timestamp : std::string()));
    if (!timestamp) {
        return Fail(timestamp.error());
    }
    plan_->layout = binder_->MakeLayout();
    plan_->layout->AddComputed(binder_->analytic().size());
    binder_->UseLayout(*plan_->layout);
    if (!timestamp->empty()) {
        plan_->timestamp_slot = plan_->layout->Find(*timestamp);
    }
    compiler_ = std::make_unique<expr::Compiler>(plan_->program, *binder_, functions);
    HAUMEA_TRY_VOID(PlanAnalytic());
    HAUMEA_TRY_VOID(PlanWindow());
    HAUMEA_TRY_VOID(PlanWhere());
    HAUMEA_TRY_VOID(PlanGroups());
    HAUMEA_TRY_VOID(PlanProjection());
    plan_->derived = binder_->derived();
    plan_->limit = stmt().limit;
    Explain();
    return std::move(plan_);
}

}  // namespace

Result<std::unique_ptr<RulePlan>> PlanSelect(const std::string& sql, const PlanOptions& options,
                                             const FindStream& find_stream) {
    return Planner(options, find_stream).Plan(sql);
}

}  // namespace haumea::plan
