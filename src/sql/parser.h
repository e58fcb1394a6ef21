#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sql/ast.h"
#include "sql/ddl.h"

namespace haumea::sql {

enum class FunctionClass : uint8_t {
    kScalar,
    kAggregate,
    kAnalytic,      // OVER (PARTITION BY ... WHEN ...) allowed: lag, latest, changed_col, had_changed, acc_*
    kMultiColumn,   // changed_cols: only in the select list
    kSetReturning,  // unnest, extract
    kWindowFunction,  // row_number: OVER (PARTITION BY ... ORDER BY ...) allowed, only in the select list
};

// What the parser asks about functions. Implemented by the function registry; the parser only borrows it.
class FunctionChecker {
  public:
    virtual ~FunctionChecker() = default;
    // The registered name of a function as written in the SQL ("ABS" -> "abs"; names of extensions are
    // case-sensitive), or the error `function X not found`. Not asked about windows and dedup_trigger, which
    // are syntax.
    virtual Result<std::string> ResolveName(std::string_view written) const = 0;
    // Called when the arguments are complete, before OVER is read (so `over` parts are still empty). The
    // error is the whole text: `validate function abs error: Expect 1 arguments but found 2.`
    virtual Result<void> CheckCall(const CallExpr& call) const = 0;
    virtual FunctionClass Classify(std::string_view registered_name) const = 0;
};
// Classes of the built-in functions, for checkers to use and as the default without a checker. Name in lower
// case.
FunctionClass BuiltinFunctionClass(std::string_view name);

// Why a text does not parse. `message` is what eKuiper answers (clients match it), the place is kept apart.
struct ParseError {
    std::string message;
    SourceSpan span;
    int line = 1;    // from 1
    int column = 1;  // from 1, in bytes
    // Code 2001 and the message alone.
    Error ToError() const { return Error(ErrorCode::kParser, message); }
};
template <typename T>
using ParseResult = tl::expected<T, ParseError>;

// Limits of all entry points: kMaxSqlBytes of text, kMaxNesting, kMaxHeight; time and memory are linear in
// the text. The text must be UTF-8 (\xHH in a string literal may still make other bytes). No state is kept.

// One SELECT, up to the end or ';'. `functions` may be null (nothing is checked, names are lower-cased); not
// kept. Message only, no wrapper: see RuleSqlError for what REST shows.
ParseResult<SelectStmt> ParseSelect(std::string_view sql, const FunctionChecker* functions);
// ParseSelect with the wrappers of rules: `Parse SQL <sql> error: <message>.` and `SQL <sql> is not a select
// statement.`
Result<SelectStmt> ParseRuleSql(std::string_view sql, const FunctionChecker* functions);
// One expression alone, for filters and conditions given outside of a query.
ParseResult<ExprPtr> ParseExpression(std::string_view text, const FunctionChecker* functions);

// CREATE, SHOW, DESCRIBE, DROP, EXPLAIN of streams and tables. `Invalid stream statement: <sql>` for anything
// else.
ParseResult<StreamStmt> ParseStreamStatement(std::string_view sql);
// The same as Result, code kStream (what REST answers).
Result<StreamStmt> ParseStreamSql(std::string_view sql);

// Letters, digits, - and _: names of streams, tables and rules. The error says which rule is broken.
Result<void> CheckIdentifier(std::string_view id);

}  // namespace haumea::sql
