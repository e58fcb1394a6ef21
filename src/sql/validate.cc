#include "sql/validate.h"

#include <algorithm>
#include <vector>

#include "sql/printer.h"

namespace haumea::sql {
namespace {

// The first call of the class in the tree, in the order of the text; nullptr when there is none.
const CallExpr* FindCall(const Expr& expr, FunctionClass wanted, const Classifier& classify) {
    if (const auto* call = As<CallExpr>(&expr); call != nullptr && classify(call->name) == wanted) {
        return call;
    }
    const CallExpr* found = nullptr;
    ForEachChild(expr, [&](const Expr& child) {
        if (found == nullptr) {
            found = FindCall(child, wanted, classify);
        }
    });
    return found;
}

void CountCalls(const Expr& expr, FunctionClass wanted, const Classifier& classify,
                std::vector<const CallExpr*>& found) {
    if (const auto* call = As<CallExpr>(&expr); call != nullptr && classify(call->name) == wanted) {
        found.push_back(call);
    }
    ForEachChild(expr, [&](const Expr& child) { CountCalls(child, wanted, classify, found); });
}

// A set-returning call below another call.
const CallExpr* FindNested(const Expr& expr, bool below_call, const Classifier& classify) {
    const auto* call = As<CallExpr>(&expr);
    if (call != nullptr && below_call && classify(call->name) == FunctionClass::kSetReturning) {
        return call;
    }
    const CallExpr* found = nullptr;
    ForEachChild(expr, [&](const Expr& child) {
        if (found == nullptr) {
            found = FindNested(child, below_call || call != nullptr, classify);
        }
    });
    return found;
}

// Every expression outside of the select list.
std::vector<const Expr*> OtherClauses(const SelectStmt& stmt) {
    std::vector<const Expr*> all;
    const auto add = [&all](const Expr* expr) {
        if (expr != nullptr) {
            all.push_back(expr);
        }
    };
    for (const Join& join : stmt.joins) {
        add(join.on.get());
    }
    add(stmt.where.get());
    for (const ExprPtr& expr : stmt.group_by) {
        add(expr.get());
    }
    add(stmt.window.get());
    add(stmt.having.get());
    for (const SortItem& item : stmt.order_by) {
        add(item.expr.get());
    }
    return all;
}

tl::unexpected<ParseError> Refuse(const Expr& at, std::string message) {
    ParseError error;
    error.message = std::move(message);
    error.span = at.span;
    return tl::unexpected<ParseError>(std::move(error));
}

ParseResult<void> CheckGroupBy(const SelectStmt& stmt, const Classifier& classify) {
    const auto check = [&classify](const Expr& expr) -> ParseResult<void> {
        if (const CallExpr* call = FindCall(expr, FunctionClass::kAggregate, classify)) {
            return Refuse(*call, "Not allowed to call aggregate functions in GROUP BY clause: " +
                                     PrintExpr(expr) + ".");
        }
        return {};
    };
    for (const ExprPtr& expr : stmt.group_by) {
        if (auto ok = check(*expr); !ok) {
            return ok;
        }
    }
    return stmt.window != nullptr ? check(*stmt.window) : ParseResult<void>{};
}

ParseResult<void> CheckSetReturning(const SelectStmt& stmt, const Classifier& classify) {
    std::vector<const CallExpr*> found;
    for (const Field& field : stmt.fields) {
        if (const CallExpr* nested = FindNested(*field.expr, false, classify)) {
            return Refuse(*nested, "select clause shouldn't has nested set-returning-functions");
        }
        CountCalls(*field.expr, FunctionClass::kSetReturning, classify, found);
    }
    if (found.size() > 1 && !stmt.terminated) {
        return Refuse(*found[1], "select clause shouldn't has multi set-returning-functions");
    }
    return {};
}

class NameResolver {
  public:
    explicit NameResolver(const SelectStmt& stmt) {
        for (const SourceRef* source : stmt.sources()) {
            names_.push_back(source->name);
            if (!source->alias.empty()) {
                names_.push_back(source->alias);
            }
        }
    }

    void Resolve(ExprPtr& expr) const {
        if (expr == nullptr) {
            return;
        }
        if (auto* column = As<ColumnExpr>(expr.get())) {
            if (IsForeign(column->stream)) {
                expr = ToArrow(*column);
            }
        } else if (auto* meta = As<MetaExpr>(expr.get())) {
            if (IsForeign(meta->stream)) {
                expr = ToArrow(*meta);
            }
        } else {
            ResolveChildren(*expr);
        }
    }
    void Resolve(std::vector<ExprPtr>& exprs) const {
        for (ExprPtr& expr : exprs) {
            Resolve(expr);
        }
    }
    void Resolve(std::vector<SortItem>& items) const {
        for (SortItem& item : items) {
            Resolve(item.expr);
        }
    }
    void Resolve(WindowExpr& window) const {
        Resolve(window.begin);
        Resolve(window.emit);
        Resolve(window.filter);
        Resolve(window.when);
        Resolve(window.partition);
    }

  private:
    bool IsForeign(const std::string& stream) const {
        return !stream.empty() && std::find(names_.begin(), names_.end(), stream) == names_.end();
    }

    template <typename T>
    static ExprPtr ToArrow(T& reference) {
        auto base = std::make_unique<T>();
        base->name = std::move(reference.stream);
        base->span = reference.span;
        auto key = std::make_unique<JsonFieldExpr>();
        key->name = std::move(reference.name);
        key->span = reference.span;
        auto arrow = std::make_unique<BinaryExpr>();
        arrow->op = BinaryOp::kArrow;
        arrow->span = reference.span;
        arrow->height = reference.height;
        arrow->lhs = std::move(base);
        arrow->rhs = std::move(key);
        return arrow;
    }

    void ResolveChildren(Expr& expr) const;

    std::vector<std::string> names_;
};

void NameResolver::ResolveChildren(Expr& expr) const {
    if (auto* binary = As<BinaryExpr>(&expr)) {
        Resolve(binary->lhs);
        Resolve(binary->rhs);
    } else if (auto* paren = As<ParenExpr>(&expr)) {
        Resolve(paren->inner);
    } else if (auto* call = As<CallExpr>(&expr)) {
        Resolve(call->args);
        Resolve(call->partition);
        Resolve(call->order);
        Resolve(call->when);
    } else if (auto* window = As<WindowExpr>(&expr)) {
        Resolve(*window);
    } else if (auto* choice = As<CaseExpr>(&expr)) {
        Resolve(choice->value);
        for (WhenClause& clause : choice->whens) {
            Resolve(clause.condition);
            Resolve(clause.result);
        }
        Resolve(choice->otherwise);
    } else if (auto* set = As<ValueSetExpr>(&expr)) {
        Resolve(set->items);
    } else if (auto* between = As<BetweenExpr>(&expr)) {
        Resolve(between->low);
        Resolve(between->high);
    } else if (auto* like = As<LikeExpr>(&expr)) {
        Resolve(like->pattern);
    } else if (auto* index = As<IndexExpr>(&expr)) {
        Resolve(index->index);
    } else if (auto* slice = As<SliceExpr>(&expr)) {
        Resolve(slice->start);
        Resolve(slice->end);
    } else if (auto* wildcard = As<WildcardExpr>(&expr)) {
        for (Field& field : wildcard->replace) {
            Resolve(field.expr);
        }
    }
}

}  // namespace

ParseResult<void> ValidateSelect(const SelectStmt& stmt, const Classifier& classify) {
    if (auto ok = CheckGroupBy(stmt, classify); !ok) {
        return ok;
    }
    if (auto ok = CheckSetReturning(stmt, classify); !ok) {
        return ok;
    }
    const std::vector<const Expr*> others = OtherClauses(stmt);
    for (const Expr* expr : others) {
        if (const CallExpr* call = FindCall(*expr, FunctionClass::kWindowFunction, classify)) {
            return Refuse(*call, "window functions can only be in select fields");
        }
    }
    for (const Expr* expr : others) {
        if (const CallExpr* call = FindCall(*expr, FunctionClass::kSetReturning, classify)) {
            return Refuse(*call, "select statement shouldn't has srf except fields");
        }
    }
    return {};
}

void ResolveQualifiedNames(SelectStmt& stmt) {
    const NameResolver resolver(stmt);
    for (Field& field : stmt.fields) {
        resolver.Resolve(field.expr);
    }
    for (Join& join : stmt.joins) {
        resolver.Resolve(join.on);
    }
    resolver.Resolve(stmt.where);
    resolver.Resolve(stmt.group_by);
    if (stmt.window != nullptr) {
        resolver.Resolve(*stmt.window);
    }
    resolver.Resolve(stmt.having);
    resolver.Resolve(stmt.order_by);
}

}  // namespace haumea::sql
