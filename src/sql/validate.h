#pragma once

#include <functional>
#include <string_view>

#include "sql/parser.h"

// Checks and rewrites of a complete SELECT that need no catalog. Run by ParseSelect; free functions without
// state.
namespace haumea::sql {

using Classifier = std::function<FunctionClass(std::string_view)>;

// Aggregates in GROUP BY, set-returning functions nested, repeated or outside of the select list, row_number
// outside of it. The error has the span of the offending call. A statement that ends with ';' is checked too
// (eKuiper skips that); only repeated set-returning functions are then left to the planner, whose text
// differs.
ParseResult<void> ValidateSelect(const SelectStmt& stmt, const Classifier& classify);

// Turns x.y into x->y wherever x is no name of FROM or JOIN (in columns and in arguments of meta()).
void ResolveQualifiedNames(SelectStmt& stmt);

}  // namespace haumea::sql
