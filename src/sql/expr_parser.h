#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sql/cursor.h"

namespace haumea::sql {

// Expressions, and with them calls, windows, CASE and the items of a select list. Every function returns null
// (or false) after an error, which the cursor keeps. Borrows the cursor and the checker.
class ExprParser {
  public:
    ExprParser(Cursor& cursor, const FunctionChecker* functions) : in_(cursor), functions_(functions) {}

    ExprPtr ParseExpr();
    bool ParseField(Field& field);
    // [ORDER BY ...]
    bool ParseOrderBy(std::vector<SortItem>& items);

    // Between the select list and the rest: changed_cols is allowed only in the former.
    void set_in_select_list(bool in) { in_select_list_ = in; }
    FunctionClass Classify(std::string_view name) const;

  private:
    enum class Position : uint8_t { kOperand, kSubField };  // kSubField: after . or ->

    ExprPtr ParseUnary(Position position);
    ExprPtr ParseParen();
    ExprPtr ParseLiteral();
    ExprPtr ParseNumber(const Token& token);
    ExprPtr ParseIdentifier(Position position);
    ExprPtr ParseReference(Token first, uint32_t start, Position position);
    ExprPtr ParseWildcard();
    bool ParseExceptList(WildcardExpr& wildcard);
    bool ParseReplaceList(WildcardExpr& wildcard);
    ExprPtr ParseCase();
    bool ParseWhen(CaseExpr& expr);

    bool ParseOperator(ExprPtr& root);
    bool ParseNegated(ExprPtr& root);
    bool ParseSubField(ExprPtr& root);
    bool AttachSet(ExprPtr& root, BinaryOp op);
    bool AttachBetween(ExprPtr& root, BinaryOp op);
    bool AttachLike(ExprPtr& root, BinaryOp op);
    bool AttachBracket(ExprPtr& root);
    // Puts `op rhs` behind `root` where the precedence says.
    bool Attach(ExprPtr& root, BinaryOp op, ExprPtr rhs);
    ExprPtr ParseValueSet();
    ExprPtr ParseBracket();
    ExprPtr ParseSliceEnd(ExprPtr start, uint32_t offset);

    // call_parser.cc
    ExprPtr ParseCall(const Token& name, uint32_t start);
    bool ParseArguments(CallExpr& call, FunctionClass cls);
    bool CheckDedupTrigger(const CallExpr& call);
    bool ParseOver(CallExpr& call, FunctionClass cls);
    bool ParsePartition(std::vector<ExprPtr>& exprs);
    ExprPtr FinishWindow(WindowType type, CallExpr& call, uint32_t start);
    bool ReadTimeWindow(WindowExpr& window, const CallExpr& call);
    bool ReadCountWindow(WindowExpr& window, const CallExpr& call);
    bool CheckWindowLengths(const WindowExpr& window, const CallExpr& call);
    bool ParseFilter(WindowExpr& window);
    bool ParseWindowOver(WindowExpr& window);

    template <typename T>
    std::unique_ptr<T> Finish(std::unique_ptr<T> node, uint32_t start);

    Cursor& in_;
    const FunctionChecker* functions_;
    bool in_select_list_ = false;
    bool in_meta_ = false;
    int next_call_id_ = 0;
    int next_unnamed_ = 0;
};

// Sets span and height; null after an error when the tree gets too high.
template <typename T>
std::unique_ptr<T> ExprParser::Finish(std::unique_ptr<T> node, uint32_t start) {
    node->span = in_.SpanFrom(start);
    int height = node->height - 1;
    ForEachChild(*node, [&height](const Expr& child) { height = std::max(height, child.height); });
    node->height = height + 1;
    if (node->height > kMaxHeight) {
        in_.FailLimit("expression has more than " + std::to_string(kMaxHeight) +
                      " operators in a row; use IN (...) or parentheses");
        return nullptr;
    }
    return node;
}

// The part of a name that the result column gets: the column, the function, "*", "" for other expressions.
std::string FieldNameOf(const Expr& expr);

}  // namespace haumea::sql
