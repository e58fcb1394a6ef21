#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "data/row.h"
#include "expr/compile.h"
#include "sql/ast.h"
#include "sql/ddl.h"

namespace haumea::plan {

// Finds out what every name of one SELECT over one stream stands for: a column, or the alias of a select
// field. Used while the rule is planned, on one thread; refers to the statement.
class Binder final : public expr::Scope {
  public:
    Binder(const sql::SelectStmt& stmt, const sql::StreamDef& stream, bool alias_in_select)
        : stmt_(stmt), stream_(stream), alias_in_select_(alias_in_select) {}

    // Binds the whole statement. `timestamp`: a column that is needed beside those of the statement, or
    // empty.
    Result<void> Bind(const std::string& timestamp);
    // The columns that the rule reads; after Bind.
    std::unique_ptr<RowLayout> MakeLayout() const;
    // Where the compiler finds the slots; before anything is compiled.
    void UseLayout(const RowLayout& layout) { layout_ = &layout; }

    expr::ColumnBinding Binding(const sql::ColumnExpr& column) const override;
    const sql::Expr& AliasExpr(uint32_t alias) const override;
    const RowLayout& layout() const override { return *layout_; }
    uint32_t DerivedIndex(const sql::CallExpr& call) const override;
    uint32_t AnalyticSlot(const sql::CallExpr& call) const override;
    std::string Print(const sql::Expr& expr) const override;

    // Something refers to the alias of this select field.
    bool IsReferenced(uint32_t field) const { return referenced_.contains(field); }
    bool IsAliasReference(const sql::ColumnExpr& column) const;
    // Analytic calls in the order in which they run: as they stand in the statement, each behind those that
    // its arguments need.
    const std::vector<const sql::CallExpr*>& analytic() const { return analytic_; }
    uint32_t derived() const { return static_cast<uint32_t>(derived_.size()); }
    // A field without aggregate may still refer to one by its alias.
    bool HasAggregate(const sql::Expr& expr) const;
    // A call that fits is in the expression or behind its aliases.
    bool Uses(const sql::Expr& expr, const std::function<bool(const sql::CallExpr&)>& fits) const;
    bool UsesDerived(const sql::Expr& expr) const {  // row_number()
        return Uses(expr, [this](const sql::CallExpr& call) { return derived_.contains(&call); });
    }

  private:
    struct Bound {
        enum class Kind : uint8_t { kColumn, kAlias, kWildcard } kind = Kind::kColumn;
        std::string column;
        uint32_t field = 0;  // of an alias: index of the select field
    };
    static constexpr uint32_t kNoField = UINT32_MAX;

    Result<void> CheckNames() const;
    Result<void> CheckCycles() const;
    Result<void> CheckNestedAggregates() const;
    std::vector<uint32_t> AliasesIn(uint32_t field) const;
    Result<void> BindExpr(const sql::Expr& expr, uint32_t field, bool inside_aggregate);
    Result<void> BindColumn(const sql::ColumnExpr& column, uint32_t field);
    Result<void> BindCall(const sql::CallExpr& call, uint32_t field, bool inside_aggregate);
    Result<void> OrderAnalytic();
    Result<void> CheckColumn(const sql::ColumnExpr& column) const;
    // The select field whose alias `column` means when it stands in `field`; kNoField for none.
    uint32_t FindAlias(const sql::ColumnExpr& column, uint32_t field) const;
    bool InRenameCycle(uint32_t field) const;

    const sql::SelectStmt& stmt_;
    const sql::StreamDef& stream_;
    bool alias_in_select_;
    const RowLayout* layout_ = nullptr;
    std::unordered_map<const sql::ColumnExpr*, Bound> bound_;
    std::unordered_map<const sql::CallExpr*, uint32_t> derived_;
    std::vector<const sql::CallExpr*> analytic_;
    std::unordered_map<const sql::CallExpr*, uint32_t> analytic_index_;
    std::map<std::string, uint32_t, std::less<>> aliases_;
    std::map<std::string, bool, std::less<>> columns_;   // used names
    mutable std::map<uint32_t, bool> alias_aggregates_;  // by field
    std::set<uint32_t> referenced_;                      // select fields
    bool wildcard_ = false;
};

// Calls `visit` for `expr` and everything below it.
void VisitAll(const sql::Expr& expr, const std::function<void(const sql::Expr&)>& visit);
// The first aggregate call in `expr`, not looking behind aliases; null when there is none.
const sql::CallExpr* FindAggregate(const sql::Expr& expr);

}  // namespace haumea::plan
