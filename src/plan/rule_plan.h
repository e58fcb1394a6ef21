#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/row.h"
#include "expr/evaluators.h"
#include "expr/node.h"
#include "sql/ast.h"
#include "sql/ddl.h"

namespace haumea::plan {

// What planning needs to know of the rule beside its SQL.
struct PlanOptions {
    bool is_event_time = false;
    bool send_meta_to_sink = false;
    bool send_nil_field = false;
    bool disable_alias_ref_cal = false;
};
// Null when there is no such stream or table.
using FindStream = std::function<std::shared_ptr<const sql::StreamDef>(const std::string& name)>;

// One column of the output.
struct OutputField {
    std::string name;
    const expr::Node* node = nullptr;
    // Errors of this field start with it: `run Select error: alias: r expr: ... meet error, err:`.
    std::string error_prefix;
    bool keep_null = false;     // a plain column shows null; any other null is left out
    bool keep_missing = false;  // rule option sendNilField
    // collect() of an empty window is a null that is shown.
    bool null_when_empty = false;
};

// The select list: fields in order of evaluation, and the order in which they are shown.
struct Projection {
    std::vector<OutputField> fields;                      // without INVISIBLE ones
    std::vector<uint32_t> sorted;                         // indexes into fields, by name
    const expr::eval::WildcardState* wildcard = nullptr;  // when the list has a *
};

struct WindowSpec {
    sql::WindowType type = sql::WindowType::kTumbling;
    sql::TimeUnit unit = sql::TimeUnit::kMillisecond;
    int64_t length = 0;    // in `unit`, or rows
    int64_t interval = 0;  // hopping and count windows
    const expr::Node* filter = nullptr;
    const expr::Node* when = nullptr;  // sliding windows: rows that cause a result
};

struct SortKey {
    const expr::Node* node = nullptr;
    bool ascending = true;
};

// One call of an analytic function, run once per row below WHERE and the window.
struct AnalyticCall {
    const expr::FunctionDescriptor* function = nullptr;
    std::vector<const expr::Node*> args;
    std::vector<const expr::Node*> partition;
    const expr::Node* when = nullptr;
    std::string error_prefix;  // of a failing function: "call func lag error: "
};

// A planned rule: bound, checked and compiled, nothing opened. Immutable after planning; belongs to the
// rule's pipeline.
struct RulePlan {
    std::unique_ptr<sql::SelectStmt> stmt;
    std::shared_ptr<const sql::StreamDef> stream;
    std::unique_ptr<RowLayout> layout;
    expr::Program program;

    uint32_t timestamp_slot = RowLayout::kNone;  // event time only
    // In order of running; the result of call i is in slot layout->size() + i.
    std::vector<AnalyticCall> analytic;
    const expr::Node* early_filter = nullptr;  // WHERE below the window, or without one
    std::optional<WindowSpec> window;
    const expr::Node* late_filter = nullptr;  // WHERE on the rows of a window
    bool aggregate = false;                   // one result per group instead of per row
    // A window gives one row, and no function in it that returns lists of rows.
    bool small_result = false;
    std::vector<const expr::Node*> group_by;
    const expr::Node* having = nullptr;
    uint32_t derived = 0;  // row_number() calls
    // ORDER BY sorts by row_number(), so the results are numbered as they come instead of as they are sorted.
    bool order_needs_derived = false;
    std::vector<SortKey> order_by;
    std::optional<int64_t> limit;
    Projection projection;

    std::string explain;
    std::vector<std::string> columns;  // names of the output without those of `*`
    std::vector<std::string> streams;
};

// Any thread. Errors have the text that REST shows.
Result<std::unique_ptr<RulePlan>> PlanSelect(const std::string& sql, const PlanOptions& options,
                                             const FindStream& find_stream);

}  // namespace haumea::plan
