#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The syntax tree of one SELECT statement or one condition. Plain owning values: nodes own their children,
// nothing is shared, nothing refers to the SQL text. Built by sql::Parser, read by the binder; any thread,
// like a std::string.
//
// Bounds (kept by the parser, so that a walk over a tree may recurse): nesting at most kMaxNesting levels,
// height of one expression at most kMaxHeight nodes, text at most kMaxSqlBytes.
namespace haumea::sql {

inline constexpr size_t kMaxSqlBytes = size_t{4} << 20;
inline constexpr int kMaxNesting = 500;  // parentheses, calls, CASE, brackets, types inside each other
inline constexpr int kMaxHeight = 2000;  // also counts chains such as a + b + c + ...

// Where a node stands in the SQL text: bytes [offset, offset + length).
struct SourceSpan {
    uint32_t offset = 0;
    uint32_t length = 0;
};

enum class ExprKind : uint8_t {
    kColumn,
    kMeta,
    kInteger,
    kNumber,
    kString,
    kBoolean,
    kTimeUnit,
    kBinary,
    kParen,
    kCall,
    kWindow,
    kCase,
    kValueSet,
    kBetween,
    kLike,
    kIndex,
    kSlice,
    kJsonField,
    kWildcard,
};

enum class BinaryOp : uint8_t {
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kBitAnd,
    kBitOr,
    kBitXor,
    kAnd,
    kOr,
    kEq,
    kNe,
    kLt,
    kLe,
    kGt,
    kGe,
    kIn,  // rhs: ValueSetExpr, or any expression that yields an array
    kNotIn,
    kBetween,  // rhs: BetweenExpr
    kNotBetween,
    kLike,  // rhs: LikeExpr
    kNotLike,
    kSubset,  // a[1], a[1:2]; rhs: IndexExpr or SliceExpr
    kArrow,   // a->b, a.b; rhs: JsonFieldExpr, or (never useful, but it parses) another operand
};
// "+", "AND", "NOT BETWEEN", "[]", "->" ...: as eKuiper prints them.
std::string_view ToText(BinaryOp op);
// 5 binds tightest (* / % & [] ->), then + - | ^, then comparisons, then AND, 1 is OR. All are
// left-associative.
int Precedence(BinaryOp op);

enum class TimeUnit : uint8_t { kDay, kHour, kMinute, kSecond, kMillisecond };
std::string_view ToText(TimeUnit unit);  // "DD" "HH" "MI" "SS" "MS"
int64_t ToMillis(TimeUnit unit);         // 86'400'000 ... 1

struct Expr {
    const ExprKind kind;
    SourceSpan span;
    int height = 1;  // of the tree below and including this node; see kMaxHeight

    virtual ~Expr() = default;
    Expr(const Expr&) = delete;
    Expr& operator=(const Expr&) = delete;

  protected:
    explicit Expr(ExprKind k) : kind(k) {}
};
using ExprPtr = std::unique_ptr<Expr>;

// Binds a node type to its kind: As<ColumnExpr>(expr).
template <ExprKind K>
struct ExprOf : Expr {
    static constexpr ExprKind kKind = K;
    ExprOf() : Expr(K) {}
};
// The node as T, or nullptr when it is another kind (or null).
template <typename T>
const T* As(const Expr* expr) {
    return expr != nullptr && expr->kind == T::kKind ? static_cast<const T*>(expr) : nullptr;
}
template <typename T>
T* As(Expr* expr) {
    return expr != nullptr && expr->kind == T::kKind ? static_cast<T*>(expr) : nullptr;
}

// `a`, `demo.a`, or a reference to an alias (the binder tells which). `stream` is empty when not written.
// After parsing, a non-empty stream is always one of the names of FROM/JOIN (or its AS name): `x.y` where x
// is none of these has become a->y.
struct ColumnExpr final : ExprOf<ExprKind::kColumn> {
    std::string stream;
    std::string name;  // "*" for demo.*
};
// Argument of meta() and mqtt(): a key of the message's metadata; name "*" stands for all of them.
struct MetaExpr final : ExprOf<ExprKind::kMeta> {
    std::string stream;  // empty = the message's own stream
    std::string name;
};
struct IntegerExpr final : ExprOf<ExprKind::kInteger> {
    int64_t value = 0;
};
struct NumberExpr final : ExprOf<ExprKind::kNumber> {
    double value = 0;
};
struct StringExpr final : ExprOf<ExprKind::kString> {
    std::string value;  // unescaped; may hold any bytes (\xHH)
};
struct BooleanExpr final : ExprOf<ExprKind::kBoolean> {
    bool value = false;
};
struct TimeUnitExpr final : ExprOf<ExprKind::kTimeUnit> {
    TimeUnit unit = TimeUnit::kSecond;
};
struct BinaryExpr final : ExprOf<ExprKind::kBinary> {
    BinaryOp op = BinaryOp::kAdd;
    ExprPtr lhs;
    ExprPtr rhs;
};
// Kept since error texts and EXPLAIN show it.
struct ParenExpr final : ExprOf<ExprKind::kParen> {
    ExprPtr inner;
};

struct SortItem {
    ExprPtr expr;
    bool ascending = true;
    std::string
        name;  // the last part of the leading identifier: `size` in `demo.size + 1`; for printing only
    std::string stream;  // its first part when there are two
};

// A function call. Nothing of OVER for most functions; analytic functions have partition and/or when,
// row_number() partition and/or order.
struct CallExpr final : ExprOf<ExprKind::kCall> {
    std::string name;     // the registered name: lower case for built-ins
    std::string written;  // as in the SQL text
    int id = 0;           // serial number of the call in its statement: state of a call site, cache key
    // deduplicate() gets a WildcardExpr in front of what was written: it works on whole rows.
    std::vector<ExprPtr> args;
    // changed_cols() only: the column or function name of each argument, "" for other expressions.
    std::vector<std::string> arg_names;
    bool has_over = false;
    std::vector<ExprPtr> partition;
    std::vector<SortItem> order;
    ExprPtr when;  // null = none
};

enum class WindowType : uint8_t { kTumbling, kHopping, kSession, kSliding, kCount, kState };
std::string_view ToText(WindowType type);  // "TUMBLING_WINDOW" ...

// A window construct of GROUP BY. Lengths are in `unit`, above 0 (sliding: also 0) and small enough that the
// milliseconds fit an int64. The parser also accepts it elsewhere in an expression (as eKuiper does); there
// it evaluates to null.
struct WindowExpr final : ExprOf<ExprKind::kWindow> {
    WindowType type = WindowType::kTumbling;
    TimeUnit unit = TimeUnit::kMillisecond;  // not for count and state windows
    int64_t length = 0;  // tumbling, hopping, sliding: length; session: maximum duration; count: rows
    int64_t interval =
        0;  // hopping: hop; session: time-out; count: rows between results (= length when not given)
    int64_t delay = 0;               // sliding only; 0 = none
    ExprPtr begin;                   // state window: the begin condition, or the only one
    ExprPtr emit;                    // state window with two arguments
    ExprPtr filter;                  // FILTER(WHERE ...)
    ExprPtr when;                    // OVER(WHEN ...), sliding windows
    std::vector<ExprPtr> partition;  // OVER(PARTITION BY ...), state windows

    int64_t length_millis() const { return length * ToMillis(unit); }
    int64_t interval_millis() const { return interval * ToMillis(unit); }
    int64_t delay_millis() const { return delay * ToMillis(unit); }
};

struct WhenClause {
    ExprPtr condition;
    ExprPtr result;
};
struct CaseExpr final : ExprOf<ExprKind::kCase> {
    ExprPtr value;  // null: CASE WHEN <condition>
    std::vector<WhenClause> whens;
    ExprPtr otherwise;  // null = none
};
struct ValueSetExpr final : ExprOf<ExprKind::kValueSet> {
    std::vector<ExprPtr> items;
};
struct BetweenExpr final : ExprOf<ExprKind::kBetween> {
    ExprPtr low;
    ExprPtr high;
};
// The pattern of LIKE; whoever compiles it knows %, _ and the escapes \% and \_; all else is literal.
struct LikeExpr final : ExprOf<ExprKind::kLike> {
    ExprPtr pattern;
};
struct IndexExpr final : ExprOf<ExprKind::kIndex> {
    ExprPtr index;
};
struct SliceExpr final : ExprOf<ExprKind::kSlice> {
    ExprPtr start;  // null = from the first element
    ExprPtr end;    // null = to the last
};
struct JsonFieldExpr final : ExprOf<ExprKind::kJsonField> {
    std::string name;
};

struct Field;
// `*`, with `EXCEPT(a, b)` and `REPLACE(expr AS a)`. REPLACE wins over EXCEPT.
struct WildcardExpr final : ExprOf<ExprKind::kWildcard> {
    WildcardExpr();
    ~WildcardExpr() override;
    std::vector<std::string> except;
    std::vector<Field> replace;
};

// One item of the select list.
struct Field {
    ExprPtr expr;
    // Without an alias: the column, the function, "*", or kuiper_field_N (with an alias it may be empty).
    std::string name;
    std::string alias;  // empty = none
    bool invisible = false;

    const std::string& output_name() const { return alias.empty() ? name : alias; }
};

struct SourceRef {
    std::string name;   // may be empty (FROM without a name) or look like an MQTT topic: a/b/#
    std::string alias;  // AS name; empty = none
    SourceSpan span;
};

enum class JoinType : uint8_t { kInner, kLeft, kRight, kFull, kCross };
std::string_view ToText(JoinType type);  // "INNER_JOIN" ...

struct Join {
    JoinType type = JoinType::kInner;
    SourceRef source;
    ExprPtr on;  // null = none
};

struct SelectStmt {
    std::vector<Field> fields;
    SourceRef from;
    std::vector<Join> joins;
    ExprPtr where;
    std::vector<ExprPtr> group_by;  // without windows
    std::unique_ptr<WindowExpr>
        window;  // the first window of GROUP BY; later ones are ignored, as in eKuiper
    ExprPtr having;
    std::vector<SortItem> order_by;
    std::optional<int64_t> limit;  // never negative
    // The statement ended with ';' (text after it is ignored).
    bool terminated = false;

    // FROM first, then the joins in order.
    std::vector<const SourceRef*> sources() const;
};

// A deep copy, spans and ids included. Null gives null.
ExprPtr Clone(const Expr* expr);
std::vector<ExprPtr> Clone(const std::vector<ExprPtr>& exprs);
Field Clone(const Field& field);

// Calls `visit` with every direct child of `expr` (never null), in the order of the text.
template <typename F>
void ForEachChild(const Expr& expr, F&& visit);

// TRUE, FALSE, or a comparison or logical operator: what eKuiper takes for "syntactically boolean" in CASE
// WHEN and in argument checks.
bool IsBooleanSyntax(const Expr& expr);

}  // namespace haumea::sql

#include "sql/ast_visit.h"
