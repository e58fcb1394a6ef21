#include <gtest/gtest.h>

#include "sql/sql_test_support.h"

namespace haumea::sql {
namespace {

using testing::Printed;

SelectStmt Parse(std::string_view sql) {
    const testing::FewFunctions functions;
    auto stmt = ParseSelect(sql, &functions);
    EXPECT_TRUE(stmt) << sql << ": " << (stmt ? "" : stmt.error().message);
    return stmt ? std::move(*stmt) : SelectStmt{};
}

// Fully parenthesised, to show how operators bind.
std::string Shape(const Expr& expr) {
    if (const auto* binary = As<BinaryExpr>(&expr)) {
        return "(" + Shape(*binary->lhs) + " " + std::string(ToText(binary->op)) + " " + Shape(*binary->rhs) +
               ")";
    }
    if (const auto* column = As<ColumnExpr>(&expr)) {
        return column->name;
    }
    if (const auto* paren = As<ParenExpr>(&expr)) {
        return Shape(*paren->inner);
    }
    if (const auto* between = As<BetweenExpr>(&expr)) {
        return Shape(*between->low) + ".." + Shape(*between->high);
    }
    if (const auto* index = As<IndexExpr>(&expr)) {
        return Shape(*index->index);
    }
    return PrintExpr(expr);
}

TEST(Precedence, FollowsTheFiveLevels) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"10-4-3", "((10 - 4) - 3)"},
        {"2*3%4", "((2 * 3) % 4)"},
        {"1 | 2*2", "(1 | (2 * 2))"},
        {"a & b + c ^ d", "(((a & b) + c) ^ d)"},
        {"a = b = c", "((a = b) = c)"},
        {"a + 1 > b * 2 AND c OR d AND e", "((((a + 1) > (b * 2)) AND c) OR (d AND e))"},
        {"a OR b AND c = d + e * f", "(a OR (b AND (c = (d + (e * f)))))"},
        {"a AND b BETWEEN 1 AND 2 AND c", "((a AND (b BETWEEN 1..2)) AND c)"},
        {"a AND b + 1 NOT BETWEEN 1 AND 2 OR c", "((a AND ((b + 1) NOT BETWEEN 1..2)) OR c)"},
        {"a OR b IN c", "(a OR (b IN c))"},
        {"a + b LIKE c", "((a + b) LIKE likePattern:$$default.c)"},
        {"x / y[2]", "((x / y) [] 2)"},  // brackets bind like * and /, as in eKuiper
        {"x + y->k", "(x + (y -> jsonFieldName:k))"},
        {"a - 5", "(a - 5)"},
        {"a * -5", "(a * -5)"},
        {"a - (1 - 2)", "(a - (1 - 2))"},
    };
    for (const auto& [sql, shape] : cases) {
        const auto expr = ParseExpression(sql, nullptr);
        ASSERT_TRUE(expr) << sql << ": " << expr.error().message;
        EXPECT_EQ(Shape(**expr), shape) << sql;
    }
}

TEST(Select, ReadsAllClauses) {
    const SelectStmt stmt = Parse(
        "select a, demo.b as x, count(*) INVISIBLE from demo left join t on demo.a = t.a where a > 1 "
        "group by a, tumblingwindow(ss, 10), b having count(*) > 1 order by a desc, b limit 3");
    ASSERT_EQ(stmt.fields.size(), 3u);
    EXPECT_EQ(stmt.fields[0].output_name(), "a");
    EXPECT_EQ(stmt.fields[1].output_name(), "x");
    EXPECT_EQ(stmt.fields[1].name, "b");
    EXPECT_EQ(stmt.fields[2].output_name(), "count");
    EXPECT_TRUE(stmt.fields[2].invisible);
    EXPECT_EQ(stmt.from.name, "demo");
    ASSERT_EQ(stmt.joins.size(), 1u);
    EXPECT_EQ(stmt.joins[0].type, JoinType::kLeft);
    EXPECT_EQ(stmt.joins[0].source.name, "t");
    EXPECT_NE(stmt.joins[0].on, nullptr);
    EXPECT_NE(stmt.where, nullptr);
    EXPECT_EQ(stmt.group_by.size(), 2u);
    ASSERT_NE(stmt.window, nullptr);
    EXPECT_EQ(stmt.window->length_millis(), 10'000);
    EXPECT_NE(stmt.having, nullptr);
    ASSERT_EQ(stmt.order_by.size(), 2u);
    EXPECT_FALSE(stmt.order_by[0].ascending);
    EXPECT_TRUE(stmt.order_by[1].ascending);
    EXPECT_EQ(stmt.limit, 3);
    EXPECT_FALSE(stmt.terminated);
    EXPECT_EQ(stmt.sources().size(), 2u);
}

TEST(Select, NamesFieldsWithoutAlias) {
    const SelectStmt stmt =
        Parse("SELECT a, o.x, o->x, UPPER(s), a+1, a+2 AS s, 5, *, arr[0], o.x.y FROM demo");
    std::string names;
    for (const Field& field : stmt.fields) {
        names += field.output_name() + " ";
    }
    EXPECT_EQ(names,
              "a x kuiper_field_0 upper kuiper_field_1 s kuiper_field_2 * kuiper_field_3 kuiper_field_4 ");
}

TEST(Select, JoinsSourceSegmentsToOneName) {
    EXPECT_EQ(Parse("SELECT a FROM a b").from.name, "ab");
    EXPECT_EQ(Parse("SELECT a FROM topic/sensor1").from.name, "topic/sensor1");
    EXPECT_EQ(Parse("SELECT a FROM a/+/#").from.name, "a/+/#");
    EXPECT_EQ(Parse("SELECT a FROM").from.name, "");
    const SelectStmt alias = Parse("SELECT a FROM `demo` AS d WHERE d.a = 1");
    EXPECT_EQ(alias.from.name, "demo");
    EXPECT_EQ(alias.from.alias, "d");
}

TEST(Select, IgnoresTextAfterTheSemicolon) {
    const SelectStmt stmt = Parse("SELECT a FROM demo; garbage '");
    EXPECT_TRUE(stmt.terminated);
}

TEST(Select, TakesADotForAStreamOnlyIfItIsOne) {
    const SelectStmt stmt = Parse(
        "SELECT demo.a, o.x, t.b, meta(o.x), meta(demo.x) FROM demo INNER JOIN tab AS t ON o.y = t.y "
        "WHERE o.k.z > 1 GROUP BY COUNTWINDOW(2), o.g ORDER BY o.s");
    EXPECT_EQ(PrintExpr(*stmt.fields[0].expr), "demo.a");
    EXPECT_EQ(PrintExpr(*stmt.fields[1].expr), "binaryExpr:{ $$default.o -> jsonFieldName:x }");
    EXPECT_EQ(PrintExpr(*stmt.fields[2].expr), "t.b");
    EXPECT_EQ(PrintExpr(*stmt.fields[3].expr),
              "Call:{ name:meta, args:[binaryExpr:{ metaRef:{ streamName:$$default, fieldName:o } -> "
              "jsonFieldName:x }] }");
    EXPECT_EQ(PrintExpr(*stmt.fields[4].expr),
              "Call:{ name:meta, args:[metaRef:{ streamName:demo, fieldName:x }] }");
    EXPECT_EQ(PrintExpr(*stmt.joins[0].on),
              "binaryExpr:{ binaryExpr:{ $$default.o -> jsonFieldName:y } = t.y }");
    EXPECT_EQ(
        PrintExpr(*stmt.where),
        "binaryExpr:{ binaryExpr:{ binaryExpr:{ $$default.o -> jsonFieldName:k } -> jsonFieldName:z } > 1 }");
    EXPECT_EQ(PrintExpr(*stmt.group_by[0]), "binaryExpr:{ $$default.o -> jsonFieldName:g }");
    EXPECT_EQ(PrintExpr(*stmt.order_by[0].expr), "binaryExpr:{ $$default.o -> jsonFieldName:s }");
    EXPECT_EQ(stmt.order_by[0].name, "s");
}

TEST(Select, SkipsADotWithoutName) {
    EXPECT_EQ(PrintExpr(*Parse("SELECT a..b FROM demo").fields[0].expr),
              "binaryExpr:{ $$default.a -> jsonFieldName:b }");
    EXPECT_EQ(PrintExpr(*Parse("SELECT a. FROM demo").fields[0].expr), "$$default.a");
}

TEST(Select, ReadsWildcardOptions) {
    const SelectStmt stmt = Parse("SELECT * EXCEPT(a, b) REPLACE(c * 2 AS c) FROM demo");
    const auto* wildcard = As<WildcardExpr>(stmt.fields[0].expr.get());
    ASSERT_NE(wildcard, nullptr);
    EXPECT_EQ(wildcard->except, (std::vector<std::string>{"a", "b"}));
    ASSERT_EQ(wildcard->replace.size(), 1u);
    EXPECT_EQ(wildcard->replace[0].alias, "c");
}

TEST(Select, NumbersCalls) {
    const SelectStmt stmt = Parse("SELECT lag(abs(a)), lag(b) FROM demo");
    EXPECT_EQ(As<CallExpr>(stmt.fields[0].expr.get())->id, 1);  // inner calls come first
    EXPECT_EQ(As<CallExpr>(stmt.fields[1].expr.get())->id, 2);
}

TEST(Window, ReadsEveryType) {
    const auto window = [](std::string_view text) {
        SelectStmt stmt = Parse("SELECT a FROM demo GROUP BY " + std::string(text));
        EXPECT_NE(stmt.window, nullptr) << text;
        return std::move(stmt.window);
    };
    auto w = window("HOPPINGWINDOW(mi, 2, 1)");
    EXPECT_EQ(w->type, WindowType::kHopping);
    EXPECT_EQ(w->length_millis(), 120'000);
    EXPECT_EQ(w->interval_millis(), 60'000);
    w = window("SessionWindow(hh, 2, 1)");
    EXPECT_EQ(w->type, WindowType::kSession);
    EXPECT_EQ(w->interval_millis(), 3'600'000);
    w = window("SLIDINGWINDOW(ms, 200) OVER (WHEN a > 1)");
    EXPECT_EQ(w->type, WindowType::kSliding);
    EXPECT_EQ(w->delay, 0);
    EXPECT_NE(w->when, nullptr);
    w = window("SLIDINGWINDOW(ss, 0, 3)");
    EXPECT_EQ(w->length, 0);
    EXPECT_EQ(w->delay_millis(), 3'000);
    w = window("SLIDINGWINDOW(ss, 1) OVER ()");
    EXPECT_EQ(w->when, nullptr);
    w = window("COUNTWINDOW(5)");
    EXPECT_EQ(w->length, 5);
    EXPECT_EQ(w->interval, 5);
    w = window("COUNTWINDOW(5, 0)");
    EXPECT_EQ(w->interval, 5);
    w = window("COUNTWINDOW(5, 2) FILTER(WHERE a > 1)");
    EXPECT_EQ(w->interval, 2);
    EXPECT_NE(w->filter, nullptr);
    w = window("STATEWINDOW(a > 1, b < 2) OVER (PARTITION BY c, d)");
    EXPECT_NE(w->begin, nullptr);
    EXPECT_NE(w->emit, nullptr);
    EXPECT_EQ(w->partition.size(), 2u);
    w = window("a, COUNTWINDOW(2), DD, TUMBLINGWINDOW(dd, 1)");  // the first one counts
    EXPECT_EQ(w->type, WindowType::kCount);
}

TEST(Meta, NamesInsideOtherCallsAreColumns) {
    EXPECT_EQ(
        Printed("meta(abs(a)->b)"),
        "Call:{ name:meta, args:[binaryExpr:{ Call:{ name:abs, args:[$$default.a] } -> jsonFieldName:b }] }");
    EXPECT_EQ(Printed("abs(meta(a) + b)"),
              "Call:{ name:abs, args:[binaryExpr:{ Call:{ name:meta, args:[metaRef:{ streamName:$$default, "
              "fieldName:a }] } + $$default.b }] }");
    EXPECT_EQ(Printed("meta(*)"), "Call:{ name:meta, args:[metaRef:{ streamName:$$default, fieldName:* }] }");
}

TEST(Span, CoversTheTextOfTheNode) {
    const std::string_view sql = "SELECT a, abs( b ) + c[1] FROM demo";
    const SelectStmt stmt = Parse(sql);
    const auto text = [sql](const Expr& e) { return sql.substr(e.span.offset, e.span.length); };
    EXPECT_EQ(text(*stmt.fields[0].expr), "a");
    const auto* sum = As<BinaryExpr>(stmt.fields[1].expr.get());
    ASSERT_NE(sum, nullptr);
    EXPECT_EQ(text(*sum), "abs( b ) + c[1]");
    EXPECT_EQ(text(*sum->lhs), "abs( b )");
    EXPECT_EQ(text(*sum->rhs), "c[1]");
    EXPECT_EQ(sql.substr(stmt.from.span.offset, stmt.from.span.length), "demo");
}

TEST(BuiltinFunctionClass, KnowsTheSpecialOnes) {
    EXPECT_EQ(BuiltinFunctionClass("count"), FunctionClass::kAggregate);
    EXPECT_EQ(BuiltinFunctionClass("lag"), FunctionClass::kAnalytic);
    EXPECT_EQ(BuiltinFunctionClass("unnest"), FunctionClass::kSetReturning);
    EXPECT_EQ(BuiltinFunctionClass("row_number"), FunctionClass::kWindowFunction);
    EXPECT_EQ(BuiltinFunctionClass("changed_cols"), FunctionClass::kMultiColumn);
    EXPECT_EQ(BuiltinFunctionClass("abs"), FunctionClass::kScalar);
}

}  // namespace
}  // namespace haumea::sql
