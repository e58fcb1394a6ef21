#include "sql/parser.h"

#include <fmt/format.h>

#include "sql/cursor.h"
#include "sql/expr_parser.h"
#include "sql/functions.h"
#include "sql/validate.h"

namespace haumea::sql {
namespace {

// The clauses of SELECT in their fixed order.
class SelectParser {
  public:
    SelectParser(Cursor& cursor, const FunctionChecker* functions) : in_(cursor), exprs_(cursor, functions) {}

    // False after an error.
    bool Parse(SelectStmt& stmt) {
        if (!in_.Is(TokenKind::kSelect)) {
            in_.Fail(fmt::format("Found {}, Expected SELECT.\n", Quote(in_.token().text)));
            return false;
        }
        in_.Take();
        return ParseFields(stmt) && ParseFrom(stmt) && ParseJoins(stmt) &&
               ParseCondition(TokenKind::kWhere, stmt.where) && ParseGroupBy(stmt) &&
               ParseCondition(TokenKind::kHaving, stmt.having) && exprs_.ParseOrderBy(stmt.order_by) &&
               ParseLimit(stmt) && ParseEnd(stmt);
    }
    FunctionClass Classify(std::string_view name) const { return exprs_.Classify(name); }

  private:
    bool ParseFields(SelectStmt& stmt);
    bool ParseFrom(SelectStmt& stmt);
    bool ParseSource(SourceRef& source);
    bool ParseJoins(SelectStmt& stmt);
    bool ParseJoin(SelectStmt& stmt, JoinType type);
    bool ParseCondition(TokenKind keyword, ExprPtr& condition);
    bool ParseGroupBy(SelectStmt& stmt);
    bool ParseLimit(SelectStmt& stmt);
    bool ParseEnd(SelectStmt& stmt);

    Cursor& in_;
    ExprParser exprs_;
};

bool SelectParser::ParseFields(SelectStmt& stmt) {
    exprs_.set_in_select_list(true);
    do {
        Field field;
        if (!exprs_.ParseField(field)) {
            return false;
        }
        stmt.fields.push_back(std::move(field));
    } while (in_.Accept(TokenKind::kComma));
    exprs_.set_in_select_list(false);
    return true;
}

bool SelectParser::ParseFrom(SelectStmt& stmt) {
    if (!in_.Is(TokenKind::kFrom)) {
        in_.FailFound("expected FROM.");
        return false;
    }
    in_.Take();
    return ParseSource(stmt.from);
}

// A name in pieces, so that topics such as a/b/# work; `a b` is `ab`. May be empty: the planner then misses
// the stream.
bool SelectParser::ParseSource(SourceRef& source) {
    const uint32_t start = in_.start();
    Token last;
    for (;;) {
        if (in_.Is(TokenKind::kIdent) || in_.Is(TokenKind::kSlash) || in_.Is(TokenKind::kHash) ||
            in_.Is(TokenKind::kPlus)) {
            last = in_.Take();
            source.name += last.text;
        } else if (in_.Is(TokenKind::kAs) && !last.text.empty()) {
            in_.Take();
            if (!in_.Is(TokenKind::kIdent)) {
                in_.FailFound(last, "expected JOIN key word.");  // eKuiper's words
                return false;
            }
            source.alias = in_.Take().text;
            last = Token{};
        } else {
            source.span = in_.SpanFrom(start);
            return true;
        }
    }
}

bool SelectParser::ParseJoins(SelectStmt& stmt) {
    for (;;) {
        JoinType type = JoinType::kInner;
        switch (in_.kind()) {
            case TokenKind::kInner:
                break;
            case TokenKind::kLeft:
                type = JoinType::kLeft;
                break;
            case TokenKind::kRight:
                type = JoinType::kRight;
                break;
            case TokenKind::kFull:
                type = JoinType::kFull;
                break;
            case TokenKind::kCross:
                type = JoinType::kCross;
                break;
            default:
                return true;
        }
        if (!ParseJoin(stmt, type)) {
            return false;
        }
    }
}

bool SelectParser::ParseJoin(SelectStmt& stmt, JoinType type) {
    const Token word = in_.Take();
    if (!in_.Accept(TokenKind::kJoin)) {
        in_.FailFound(word, "expected JOIN key word.");
        return false;
    }
    Join join;
    join.type = type;
    if (!ParseSource(join.source)) {
        return false;
    }
    if (in_.Is(TokenKind::kOn)) {
        if (type == JoinType::kCross) {
            in_.Fail("On expression is not required for cross join type.\n");
            return false;
        }
        in_.Take();
        join.on = exprs_.ParseExpr();
        if (join.on == nullptr) {
            return false;
        }
    }
    stmt.joins.push_back(std::move(join));
    return true;
}

bool SelectParser::ParseCondition(TokenKind keyword, ExprPtr& condition) {
    if (!in_.Accept(keyword)) {
        return true;
    }
    condition = exprs_.ParseExpr();
    return condition != nullptr;
}

bool SelectParser::ParseGroupBy(SelectStmt& stmt) {
    if (!in_.Accept(TokenKind::kGroup)) {
        return true;
    }
    if (!in_.Accept(TokenKind::kBy)) {
        in_.FailFound("expected BY statement.");
        return false;
    }
    do {
        ExprPtr expr = exprs_.ParseExpr();
        if (expr == nullptr) {
            return false;
        }
        if (expr->kind != ExprKind::kWindow) {
            stmt.group_by.push_back(std::move(expr));
        } else if (stmt.window == nullptr) {
            stmt.window.reset(static_cast<WindowExpr*>(expr.release()));
        }
    } while (in_.Accept(TokenKind::kComma));
    return true;
}

bool SelectParser::ParseLimit(SelectStmt& stmt) {
    if (!in_.Accept(TokenKind::kLimit)) {
        return true;
    }
    const ExprPtr expr = exprs_.ParseExpr();
    if (expr == nullptr) {
        return false;
    }
    const auto* limit = As<IntegerExpr>(expr.get());
    if (limit == nullptr) {
        in_.FailAt(expr->span, "limit should be integer");
        return false;
    }
    if (limit->value < 0) {
        in_.FailAt(expr->span, fmt::format("limit should be at least 0, but is {}", limit->value));
        return false;
    }
    stmt.limit = limit->value;
    return true;
}

bool SelectParser::ParseEnd(SelectStmt& stmt) {
    if (in_.Is(TokenKind::kSemicolon)) {
        stmt.terminated = true;
        return true;
    }
    if (!in_.Is(TokenKind::kEnd)) {
        in_.FailFound("expected EOF.");
        return false;
    }
    return true;
}

}  // namespace

ParseResult<SelectStmt> ParseSelect(std::string_view sql, const FunctionChecker* functions) {
    if (std::optional<ParseError> error = CheckText(sql)) {
        return tl::unexpected<ParseError>(std::move(*error));
    }
    Cursor cursor(sql);
    SelectParser parser(cursor, functions);
    SelectStmt stmt;
    if (!parser.Parse(stmt)) {
        return tl::unexpected<ParseError>(cursor.TakeError());
    }
    auto valid = ValidateSelect(stmt, [&parser](std::string_view name) { return parser.Classify(name); });
    if (!valid) {
        ParseError error = std::move(valid.error());
        Locate(sql, error.span.offset, error.line, error.column);
        return tl::unexpected<ParseError>(std::move(error));
    }
    ResolveQualifiedNames(stmt);
    return stmt;
}

ParseResult<ExprPtr> ParseExpression(std::string_view text, const FunctionChecker* functions) {
    if (std::optional<ParseError> error = CheckText(text)) {
        return tl::unexpected<ParseError>(std::move(*error));
    }
    Cursor cursor(text);
    ExprParser parser(cursor, functions);
    ExprPtr expr = parser.ParseExpr();
    if (expr != nullptr && !cursor.Is(TokenKind::kEnd)) {
        expr = cursor.FailFound("expected EOF.");
    }
    if (expr == nullptr) {
        return tl::unexpected<ParseError>(cursor.TakeError());
    }
    return expr;
}

Result<SelectStmt> ParseRuleSql(std::string_view sql, const FunctionChecker* functions) {
    const auto failed = [sql](const std::string& message) {
        return Fail(Errorf(ErrorCode::kParser, "Parse SQL {} error: {}.", EchoSql(sql), message));
    };
    if (std::optional<ParseError> error = CheckText(sql)) {
        return failed(error->message);
    }
    if (Cursor cursor(sql); !cursor.Is(TokenKind::kSelect)) {
        // A broken statement about a stream shows its own error, a sound one is none for a rule.
        const ParseResult<StreamStmt> other = ParseStreamStatement(sql);
        if (!other && !other.error().message.starts_with("Invalid stream statement: ")) {
            return failed(other.error().message);
        }
        return Fail(Errorf(ErrorCode::kParser, "SQL {} is not a select statement.", EchoSql(sql)));
    }
    ParseResult<SelectStmt> stmt = ParseSelect(sql, functions);
    if (!stmt) {
        return failed(stmt.error().message);
    }
    return std::move(*stmt);
}

}  // namespace haumea::sql
