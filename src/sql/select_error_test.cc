#include <gtest/gtest.h>

#include "sql/sql_test_support.h"

namespace haumea::sql {
namespace {

using testing::SelectError;

struct Case {
    std::string_view sql;
    std::string_view message;
};

// The texts that clients match.
TEST(SelectError, UsesEkuiperWords) {
    const Case cases[] = {
        {"SHOW STREAMS", "Found \"SHOW\", Expected SELECT.\n"},
        {"", "Found \"EOF\", Expected SELECT.\n"},
        {"SELECT a", R"(found "EOF", expected FROM.)"},
        {"SELECT a b FROM demo", R"(found "b", expected FROM.)"},
        {"SELECT 1e5 FROM demo", R"(found "e5", expected FROM.)"},
        {"SELECT 0x10 FROM demo", R"(found "x10", expected FROM.)"},
        {"SELECT a@b FROM demo", R"(found "", expected FROM.)"},
        {"SELECT $a FROM demo", R"(found "", expected expression.)"},
        {"SELECT _a FROM demo", R"(found "", expected expression.)"},
        {"SELECT a -.5 FROM demo", R"(found "-.5", expected FROM.)"},
        {"SELECT a -- FROM demo", R"(found "EOF", expected FROM.)"},
        {"SELECT a - -1 FROM demo", R"(found "EOF", expected FROM.)"},
        {"SELECT DISTINCT a FROM demo", R"(found "a", expected FROM.)"},
        {"SELECT a INVISIBLE AS x FROM demo", R"(found "AS", expected FROM.)"},
        {"SELECT count(*) FILTER (WHERE a > 1) FROM demo", R"(found "FILTER", expected FROM.)"},
        {"SELECT a EXCEPT(b) FROM demo", R"(found "EXCEPT", expected FROM.)"},
        {"SELECT a FROM demo JOIN t", R"(found "JOIN", expected EOF.)"},
        {"SELECT a FROM demo LIMIT 1 OFFSET 2", R"(found "OFFSET", expected EOF.)"},
        {"SELECT a FROM demo LIMIT 1 ORDER BY a", R"(found "ORDER", expected EOF.)"},
        {"SELECT a FROM demo WHERE a = 1)", "found \")\", expected EOF."},
        {"SELECT a FROM demo, t", R"(found ",", expected EOF.)"},
        {"SELECT a FROM (SELECT a FROM demo)", R"(found "(", expected EOF.)"},
        {"SELECT a FROM demo UNION SELECT a FROM demo", R"(found "SELECT", expected EOF.)"},
        {"SELECT a FROM demo WHERE a IS NOT NULL", R"(found "IS", expected EOF.)"},
        {"SELECT a FROM demo ORDER BY 1", R"(found "1", expected EOF.)"},
        {"SELECT a FROM demo ORDER BY (a)", R"(found "(", expected EOF.)"},
        {"SELECT a FROM demo ORDER BY a DESC ASC", R"(found "ASC", expected EOF.)"},
        {"SELECT FROM demo", R"(found "FROM", expected expression.)"},
        {"SELECT a FROM demo WHERE", R"(found "EOF", expected expression.)"},
        {"SELECT a FROM demo WHERE NOT a", R"(found "NOT", expected expression.)"},
        {"SELECT a FROM demo WHERE a <> 1", R"(found ">", expected expression.)"},
        {"SELECT a FROM demo WHERE a == 1", R"(found "=", expected expression.)"},
        {"SELECT a FROM demo WHERE a && b", R"(found "&", expected expression.)"},
        {"SELECT a || b FROM demo", R"(found "|", expected expression.)"},
        {"SELECT -a FROM demo", R"(found "-", expected expression.)"},
        {"SELECT -(1) FROM demo", R"(found "-", expected expression.)"},
        {"SELECT +a FROM demo", R"(found "+", expected expression.)"},
        {"SELECT a-> FROM demo", R"(found "FROM", expected expression.)"},
        {"SELECT CASE FROM demo", R"(found "FROM", expected expression.)"},
        {"SELECT [1] FROM demo", R"(found "[", expected expression.)"},
        {"SELECT a NOT 5 FROM demo", R"(found "5", expected expression)"},
        {"SELECT a AS 'x' FROM demo", R"(found "x", expected as alias.)"},
        {"SELECT a AS select FROM demo", R"(found "SELECT", expected as alias.)"},
        {"SELECT a AS dd FROM demo", R"(found "DD", expected as alias.)"},
        {"SELECT * AS x FROM demo", "alias is not supported for *"},
        {"SELECT (1+2 FROM demo", R"(found "FROM", expected right paren.)"},
        {"SELECT 1.2.3 FROM demo", R"(found "1.2.3", invalid number value.)"},
        {"SELECT 'abc FROM demo", R"(found "\"abc FROM demo", expected expression.)"},
        {R"(SELECT "a\x" FROM demo)", R"(found "invalid string: \"a\\x\"", expected expression.)"},
        {"SELECT trunc(1e10, 2) FROM demo", R"(found function call "trunc", expected ), but with "e10".)"},
        {"SELECT nosuch(a) FROM demo", "function nosuch not found"},
        {"SELECT NoSuch(((", "function NoSuch not found"},
        {"SELECT abs(a, b) FROM demo", "validate function abs error: Expect 1 arguments but found 2."},
        {"SELECT a FROM demo LEFT OUTER JOIN t", R"(found "LEFT", expected JOIN key word.)"},
        {"SELECT a FROM demo AS 5", R"(found "demo", expected JOIN key word.)"},
        {"SELECT a FROM demo CROSS JOIN t ON a = b", "On expression is not required for cross join type.\n"},
        {"SELECT a FROM demo INNER JOIN t ON GROUP BY a", R"(found "GROUP", expected expression.)"},
        {"SELECT a FROM demo GROUP a", R"(found "a", expected BY statement.)"},
        {"SELECT a FROM demo ORDER a", R"(found "a", expected BY keyword.)"},
        {"SELECT a FROM demo LIMIT a", "limit should be integer"},
        {"SELECT a FROM demo LIMIT 1.5", "limit should be integer"},
        {"SELECT CASE ELSE 1 END FROM demo", R"(found "ELSE", expected expression.)"},
        {"SELECT CASE a ELSE 1 END FROM demo", "invalid CASE expression, WHEN expected before ELSE"},
        {"SELECT CASE a END FROM demo", "invalid CASE expression, WHEN expected before END"},
        {"SELECT CASE a WHEN 1 FROM demo", "invalid CASE expression, THEN expected after WHEN"},
        {"SELECT CASE a WHEN 1 THEN 2 FROM demo", "invalid CASE expression, END expected"},
        {"SELECT CASE WHEN a THEN 1 END FROM demo",
         "invalid CASE expression, WHEN expression must be a bool condition"},
        {"SELECT CASE WHEN (a < 1) THEN 1 END FROM demo",
         "invalid CASE expression, WHEN expression must be a bool condition"},
        {"SELECT a IN () FROM demo",
         "expect elements for IN expression, but found \")\", expected expression."},
        {"SELECT a IN (1 FROM demo", R"(expect ) for IN expression, but got "FROM")"},
        {"SELECT a IN FROM demo",
         R"(expect expression after IN, but got error found "FROM", expected expression.)"},
        {"SELECT a BETWEEN 1 OR 2 FROM demo", "expect AND expression after between but found OR"},
        {"SELECT a BETWEEN 1+1 AND 5 FROM demo", "expect AND expression after between but found +"},
        {"SELECT a BETWEEN 1 x FROM demo", "expect AND expression after between but found IDENT"},
        {"SELECT a BETWEEN 1 AND FROM demo", R"(found "FROM", expected expression.)"},
        {"SELECT a[0 + 1] FROM demo", R"(Unexpected token "0". when parsing bracket expressions.)"},
        {"SELECT a[b c] FROM demo", R"(Unexpected token "b". when parsing bracket expressions.)"},
        {"SELECT a[ FROM demo", "The start index FROM is invalid in bracket expression."},
        {"SELECT a[1: FROM demo", "The end index FROM is invalid in bracket expression."},
        {"SELECT a[1:2:3] FROM demo", R"(Found ":", expected right bracket.)"},
        {"SELECT avg(a) OVER (PARTITION BY b) FROM demo", "Found OVER after non analytic function avg"},
        {"SELECT lag(a) OVER x FROM demo", R"(Found "IDENT" after OVER, expect parentheses.)"},
        {"SELECT lag(a) OVER () FROM demo", "Found \")\" after OVER (, expect partition by or when."},
        {"SELECT lag(a) OVER (WHEN a > 1 PARTITION BY b) FROM demo",
         R"(Found "PARTITION", expect right parentheses after OVER )"},
        {"SELECT lag(a) OVER (PARTITION a) FROM demo", R"(found "a", expected by after partition.)"},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) FILTER WHERE a > 1",
         R"(Found "WHERE" after FILTER, expect parentheses.)"},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) FILTER (a > 1)",
         R"(Found "a" after FILTER(, expect WHERE.)"},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) FILTER (WHERE a > 1",
         R"(Found "EOF" after FILTER, expect right parentheses.)"},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) OVER 1", R"(Found "1" after OVER, expect parentheses.)"},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) OVER (a)",
         R"(Found "a" after OVER, expect right parentheses.)"},
        {"SELECT * EXCEPT id FROM demo", R"(Found "id" after EXCEPT, expect left parentheses.)"},
        {"SELECT * EXCEPT(1) FROM demo", R"(Found "1" in EXCEPT)"},
        {"SELECT * REPLACE id FROM demo", R"(Found "id" after REPLACE, expect left parentheses.)"},
        {"SELECT * REPLACE(1 AS a FROM demo", R"(Found "FROM" in REPLACE)"},
        {"SELECT meta(* EXCEPT(a)) FROM demo", R"("EXCEPT" is not supported in meta function)"},
        {"SELECT a FROM demo WHERE changed_cols('a', true, b) = 1",
         "function changed_cols can only be used inside the select clause"},
        {"SELECT a FROM demo GROUP BY count(*), COUNTWINDOW(2)",
         "Not allowed to call aggregate functions in GROUP BY clause: Call:{ name:count, args:[*] }."},
        {"SELECT unnest(a), extract(b) FROM demo",
         "select clause shouldn't has multi set-returning-functions"},
        {"SELECT abs(unnest(a)) FROM demo", "select clause shouldn't has nested set-returning-functions"},
        {"SELECT a FROM demo WHERE unnest(a) = 1", "select statement shouldn't has srf except fields"},
        {"SELECT a FROM demo WHERE row_number() = 1", "window functions can only be in select fields"},
        {"SELECT dedup_trigger(a, b, c) FROM demo", "dedup_trigger function should have 4 arguments"},
        {"SELECT dedup_trigger(a, 1, c, 5) FROM demo",
         "dedup_trigger function should have fieldRef as the 2 argument"},
        {"SELECT dedup_trigger(a, b, c, d) FROM demo",
         "dedup_trigger function should have integer as the fourth argument"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(SelectError(c.sql), c.message) << c.sql;
    }
}

TEST(SelectError, RefusesBadWindows) {
    const Case cases[] = {
        {"TUMBLINGWINDOW()", "The arguments for tumblingwindow should be 2.\n"},
        {"HOPPINGWINDOW(ss, 1)", "The arguments for hoppingwindow should be 3.\n"},
        {"SESSIONWINDOW(ss, 1, 2, 3)", "The arguments for sessionwindow should be 3.\n"},
        {"SLIDINGWINDOW(ss)", "The arguments for slidingwindow should be 2 or 3.\n"},
        {"STATEWINDOW()", "The arguments for statewindow should be 1 or 2.\n"},
        {"COUNTWINDOW()", "Invalid parameter count."},
        {"COUNTWINDOW(0)", "Invalid parameter value 0."},
        {"COUNTWINDOW(a)", "Invalid parameter value $$default.a."},
        {"COUNTWINDOW(-1)", "Invalid parameter value -1."},
        {"COUNTWINDOW(a, 1)", "Invalid parameter value $$default.a, 1."},
        {"COUNTWINDOW(3, -1)", "Invalid parameter value 3, -1."},
        {"COUNTWINDOW(3, 5)", "The second parameter value 5 should be less than the first parameter 3."},
        {"TUMBLINGWINDOW(sec, 10)",
         "The 1st argument for tumblingwindow is expecting timer literal expression. One value of "
         "[dd|hh|mi|ss|ms].\n"},
        {"TUMBLINGWINDOW(ss, 1.5)",
         "The 1 argument for tumblingwindow is expecting interger literal expression. \n"},
        {"HOPPINGWINDOW(ss, 1, a)",
         "The 2 argument for hoppingwindow is expecting interger literal expression. \n"},
        {"TUMBLINGWINDOW(ss, 0)", "The 1 argument for tumblingwindow should be at least 1, but is 0.\n"},
        {"TUMBLINGWINDOW(ss, -1)", "The 1 argument for tumblingwindow should be at least 1, but is -1.\n"},
        {"HOPPINGWINDOW(ss, 1, 0)", "The 2 argument for hoppingwindow should be at least 1, but is 0.\n"},
        {"SLIDINGWINDOW(ss, 1, -5)", "The 2 argument for slidingwindow should be at least 0, but is -5.\n"},
        {"TUMBLINGWINDOW(dd, 9223372036854775807)",
         "The 1 argument for tumblingwindow should be at most 26687997791, but is 9223372036854775807.\n"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(SelectError("SELECT a FROM demo GROUP BY " + std::string(c.sql)), c.message) << c.sql;
    }
}

TEST(SelectError, RefusesWhatEkuiperMisreads) {
    EXPECT_EQ(SelectError("SELECT a FROM demo LIMIT -1"), "limit should be at least 0, but is -1");
    EXPECT_EQ(SelectError("SELECT a ! 1 FROM demo"),
              R"(found "!", expected != for inequality or = for equality.)");
    // A ';' does not switch the checks off.
    EXPECT_EQ(SelectError("SELECT a FROM demo WHERE row_number() = 1;"),
              "window functions can only be in select fields");
}

TEST(SelectError, LeavesRepeatedSetReturningFunctionsBeforeASemicolonToThePlanner) {
    EXPECT_EQ(SelectError("SELECT unnest(a), unnest(b) AS e FROM demo;"), "");
}

TEST(SelectError, TellsLineAndColumn) {
    const auto stmt = ParseSelect("SELECT a\nFROM demo\n  WHERE a = = 1", nullptr);
    ASSERT_FALSE(stmt);
    EXPECT_EQ(stmt.error().line, 3);
    EXPECT_EQ(stmt.error().column, 13);
    EXPECT_EQ(stmt.error().span.offset, 31u);
    EXPECT_EQ(stmt.error().span.length, 1u);
    EXPECT_EQ(stmt.error().ToError().code, ErrorCode::kParser);

    const auto late = ParseSelect("SELECT a FROM demo\nGROUP BY count(*), COUNTWINDOW(2)", nullptr);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().line, 2);
    EXPECT_EQ(late.error().column, 10);
}

TEST(ParseRuleSql, WrapsErrorsAsRulesShowThem) {
    const testing::FewFunctions functions;
    const Case cases[] = {
        {"SELECT a", R"(Parse SQL SELECT a error: found "EOF", expected FROM..)"},
        {"SELECT nosuch(a) FROM demo",
         "Parse SQL SELECT nosuch(a) FROM demo error: function nosuch not found."},
        {"SHOW STREAMS", "SQL SHOW STREAMS is not a select statement."},
        {"INSERT INTO demo VALUES (1)", "SQL INSERT INTO demo VALUES (1) is not a select statement."},
        {";", "SQL ; is not a select statement."},
        {"SHOW x", R"(Parse SQL SHOW x error: found "X", expected keyword streams or tables..)"},
    };
    for (const Case& c : cases) {
        const auto stmt = ParseRuleSql(c.sql, &functions);
        ASSERT_FALSE(stmt) << c.sql;
        EXPECT_EQ(stmt.error().message, c.message);
        EXPECT_EQ(stmt.error().code, ErrorCode::kParser);
    }
    EXPECT_TRUE(ParseRuleSql("select * from demo", &functions));
}

}  // namespace
}  // namespace haumea::sql
