#pragma once

#include <functional>
#include <string>

#include "sql/ast.h"

namespace haumea::sql {

// Writes a column reference its own way (a bound name, or `$$alias.x,aliasRef:...`). Returns false to leave
// it to the printer: `stream.name`, `$$default.name` without a stream.
using ColumnPrinter = std::function<bool(const ColumnExpr&, std::string& out)>;

// The printed form that error texts and EXPLAIN use: `binaryExpr:{ demo.a + 1 }`, `Call:{ name:abs,
// args:[demo.a] }`. Not SQL. Any thread.
std::string PrintExpr(const Expr& expr, const ColumnPrinter& columns = nullptr);
// `sortField:{ name:a, ascending:true, fieldExpr:{ demo.a } }`
std::string PrintSortItem(const SortItem& item, const ColumnPrinter& columns = nullptr);
// A float literal as eKuiper prints it: shortest digits, an exponent below 1e-4 and from 1e+06 on.
std::string PrintNumber(double value);

}  // namespace haumea::sql
