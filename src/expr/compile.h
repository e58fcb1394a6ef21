#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/row.h"
#include "expr/function.h"
#include "expr/node.h"
#include "sql/ast.h"

namespace haumea::expr {

// What a name in an expression stands for. Decided by the binder before anything is compiled.
struct ColumnBinding {
    enum class Kind : uint8_t {
        kSlot,     // a column of the row, by slot of the layout
        kAlias,    // the expression of another select field
        kWildcard  // demo.*: the whole row
    };
    Kind kind = Kind::kSlot;
    uint32_t slot = 0;
    uint32_t alias = 0;  // index for Scope::AliasExpr
};

// The names that expressions of one rule may use. Lives while the rule is planned.
class Scope {
  public:
    virtual ~Scope() = default;
    // Every column of an expression that is compiled has been bound before.
    virtual ColumnBinding Binding(const sql::ColumnExpr& column) const = 0;
    virtual const sql::Expr& AliasExpr(uint32_t alias) const = 0;
    virtual const RowLayout& layout() const = 0;
    // Index into Tuple::derived of a call that an operator computes (row_number); RowLayout::kNone for
    // others.
    virtual uint32_t DerivedIndex(const sql::CallExpr& call) const = 0;
    // Slot of the row that has the result of an analytic call.
    virtual uint32_t AnalyticSlot(const sql::CallExpr& call) const = 0;
    // The printed form with bound names: identity of aggregate calls.
    virtual std::string Print(const sql::Expr& expr) const = 0;
};

// Turns bound syntax trees into nodes of one Program. Used while the rule is planned, on one thread.
class Compiler {
  public:
    Compiler(Program& program, const Scope& scope, const FunctionRegistry& functions)
        : program_(program), scope_(scope), functions_(functions) {}

    // Never null on success. Fails for constructs that cannot run.
    Result<const Node*> Compile(const sql::Expr& expr);
    // The select field `alias`, computed once per row for all that refer to it.
    Result<const Node*> CompileAlias(uint32_t alias) { return Alias(alias); }
    // Stands for `*` where only rows are counted.
    Result<const Node*> CompileTrue() { return Literal(Value::Bool(true)); }
    // The whole row as an object, as `*` shows it.
    Result<const Node*> CompileWildcard(const sql::WildcardExpr* wildcard);

  private:
    Result<const Node*> Binary(const sql::BinaryExpr& expr);
    Result<const Node*> Arrow(const sql::BinaryExpr& expr);
    Result<const Node*> Subset(const sql::BinaryExpr& expr);
    Result<const Node*> In(const sql::BinaryExpr& expr);
    Result<const Node*> Between(const sql::BinaryExpr& expr);
    Result<const Node*> Like(const sql::BinaryExpr& expr);
    Result<const Node*> Case(const sql::CaseExpr& expr);
    Result<const Node*> Column(const sql::ColumnExpr& expr);
    Result<const Node*> Call(const sql::CallExpr& expr);
    Result<const Node*> Aggregate(const sql::CallExpr& expr, const FunctionDescriptor& function);
    Result<const Node*> BuiltinForm(const sql::CallExpr& expr, const FunctionDescriptor& function);
    const Node* AggregateHits(const sql::CallExpr& expr);
    Result<const Node*> Meta(const sql::Expr& expr);
    Result<const Node*> Alias(uint32_t alias);
    Result<std::vector<const Node*>> CompileAll(const std::vector<sql::ExprPtr>& exprs);
    // Evaluates a node over literals alone at plan time; errors stay for run time.
    const Node* Fold(const Node* node);

    const Node* Literal(const Value& value);

    Program& program_;
    const Scope& scope_;
    const FunctionRegistry& functions_;
    std::map<uint32_t, const Node*> aliases_;
    std::map<std::string, const Node*> aggregates_;  // by printed form
};

// Whether evaluation gives the same value for every row.
bool IsLiteral(const Node& node) noexcept;

}  // namespace haumea::expr
