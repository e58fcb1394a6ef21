#include "sql/printer.h"

#include <gtest/gtest.h>

#include "sql/sql_test_support.h"

namespace haumea::sql {
namespace {

using testing::Printed;

struct Case {
    std::string_view sql;
    std::string_view printed;
};

TEST(Printer, PrintsEveryKindOfExpression) {
    const Case cases[] = {
        {"a", "$$default.a"},
        {"demo.a", "demo.a"},
        {"demo.*", "demo.*"},
        {"'x y'", "x y"},
        {"TRUE", "true"},
        {"ss", "SS"},
        {"1.50", "1.5"},
        {"1000000.0", "1e+06"},
        {"123456.0", "123456"},
        {"0.00001", "1e-05"},
        {"-7", "-7"},
        {"9223372036854775808", "9223372036854775807"},
        {"a + 1", "binaryExpr:{ $$default.a + 1 }"},
        {"(a)", "parenExpr:{ $$default.a }"},
        {"ABS(a)", "Call:{ name:abs, args:[$$default.a] }"},
        {"now()", "Call:{ name:now }"},
        {"lag(a) OVER (PARTITION BY b WHEN c > 1)",
         "Call:{ name:lag, args:[$$default.a], when:{ binaryExpr:{ $$default.c > 1 } } }"},
        {"a[1]", "binaryExpr:{ $$default.a[1] }"},
        {"a[-1:]", "binaryExpr:{ $$default.a[ColonExpr:{ start:{ -1 }, end:{ -2147483648 } }] }"},
        {"a[]", "binaryExpr:{ $$default.a[ColonExpr:{ start:{ 0 }, end:{ -2147483648 } }] }"},
        {"a->b.c", "binaryExpr:{ binaryExpr:{ $$default.a -> jsonFieldName:b } -> jsonFieldName:c }"},
        {"a IN (1, 'x')", "binaryExpr:{ $$default.a IN valueSetExpr:{ literalExprs:[1, x] } }"},
        {"a NOT IN b", "binaryExpr:{ $$default.a NOT IN $$default.b }"},
        {"a BETWEEN 1 AND 2", "binaryExpr:{ $$default.a BETWEEN betweenExpr:{ 1, 2 } }"},
        {"a NOT LIKE 'a%b_'", "binaryExpr:{ $$default.a NOT LIKE likePattern:^a.*b.$ }"},
        {"CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 END",
         "caseExprValue:{ value:{ $$default.a }, whenClauses:[{ whenClause:{ 1 } }, { whenClause:{ 3 } }] }"},
        {"CASE WHEN a > 1 THEN 2 ELSE 5 END",
         "caseExprValue:{ whenClauses:[{ whenClause:{ binaryExpr:{ $$default.a > 1 } } }] }"},
        {"meta(topic)", "Call:{ name:meta, args:[metaRef:{ streamName:$$default, fieldName:topic }] }"},
        {"meta(demo.topic)", "Call:{ name:meta, args:[metaRef:{ streamName:demo, fieldName:topic }] }"},
        {"count(* EXCEPT(a))", "Call:{ name:count, args:[*] }"},
        {"deduplicate(a, true)", "Call:{ name:deduplicate, args:[*, $$default.a, true] }"},
        {"TUMBLINGWINDOW(ss, 10) FILTER(WHERE a > 1)",
         "window:{ windowType:TUMBLING_WINDOW, timeUnit: SS , binaryExpr:{ $$default.a > 1 } }"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(Printed(c.sql), c.printed) << c.sql;
    }
}

TEST(Printer, PrintsArgumentsOfMultiColumnFunctionsWithTheirNames) {
    const auto stmt = ParseSelect("SELECT changed_cols('p', true, a, b + 1) FROM demo", nullptr);
    ASSERT_TRUE(stmt);
    EXPECT_EQ(PrintExpr(*stmt->fields[0].expr),
              "Call:{ name:changed_cols, args:[colFuncField:{ expr:{ p } }, colFuncField:{ expr:{ true } }, "
              "colFuncField:{ name: a, expr:{ $$default.a } }, "
              "colFuncField:{ expr:{ binaryExpr:{ $$default.b + 1 } } }] }");
}

TEST(Printer, AsksTheColumnPrinterFirst) {
    const auto expr = ParseExpression("a + b", nullptr);
    ASSERT_TRUE(expr);
    const auto columns = [](const ColumnExpr& column, std::string& out) {
        out += column.name == "a" ? "$$alias.a,aliasRef:1" : "";
        return column.name == "a";
    };
    EXPECT_EQ(PrintExpr(**expr, columns), "binaryExpr:{ $$alias.a,aliasRef:1 + $$default.b }");
}

TEST(Printer, PrintsSortItems) {
    const auto stmt = ParseSelect("SELECT a FROM demo ORDER BY a DESC, demo.b + 1", nullptr);
    ASSERT_TRUE(stmt);
    EXPECT_EQ(PrintSortItem(stmt->order_by[0]),
              "sortField:{ name:a, ascending:false, fieldExpr:{ $$default.a } }");
    EXPECT_EQ(PrintSortItem(stmt->order_by[1]),
              "sortField:{ name:b, ascending:true, fieldExpr:{ binaryExpr:{ demo.b + 1 } } }");
}

TEST(Clone, CopiesTheWholeTree) {
    const std::string_view statements[] = {
        "CASE a WHEN 1 THEN b[1:2] ELSE c->d END",
        "lag(a, 1) OVER (PARTITION BY b WHEN c BETWEEN 1 AND 2)",
        "x IN (1, 2.5, 'a', true, ss) AND y LIKE 'a%' OR (z NOT IN w)",
        "collect(* EXCEPT(a) REPLACE(b + 1 AS b))",
        "STATEWINDOW(a > 1, b) FILTER(WHERE c = 1) OVER (PARTITION BY d)",
        "row_number() OVER (PARTITION BY a ORDER BY b DESC)",
        "meta(demo.topic)",
        "a[i + 1]",
    };
    for (const std::string_view sql : statements) {
        const auto expr = ParseExpression(sql, nullptr);
        ASSERT_TRUE(expr) << sql << ": " << expr.error().message;
        const ExprPtr copy = Clone(expr->get());
        EXPECT_EQ(PrintExpr(*copy), PrintExpr(**expr));
        EXPECT_EQ(copy->height, (*expr)->height);
        EXPECT_EQ(copy->span.offset, (*expr)->span.offset);
        EXPECT_EQ(copy->span.length, (*expr)->span.length);
    }
    EXPECT_EQ(Clone(static_cast<const Expr*>(nullptr)), nullptr);
}

}  // namespace
}  // namespace haumea::sql
