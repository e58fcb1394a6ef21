#include <gtest/gtest.h>

#include <string>

#include "sql/sql_test_support.h"

// Hostile and huge texts: an answer in bounded time and memory, never a crash.
namespace haumea::sql {
namespace {

using testing::DdlError;
using testing::SelectError;

std::string Repeat(std::string_view text, size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

constexpr std::string_view kTooDeep = "expression is nested deeper than 500 levels";

TEST(Limits, RefusesDeepNestingOfEveryKind) {
    for (const std::string_view open :
         {"(", "abs(", "CASE ", "CASE WHEN ", "a[", "a[b:", "a IN (", "collect(* REPLACE(", "a IN abs(",
          "lag(a) OVER (PARTITION BY ", "lag(a) OVER (WHEN ", "STATEWINDOW(",
          "COUNTWINDOW(2) FILTER(WHERE "}) {
        EXPECT_EQ(SelectError("SELECT " + Repeat(open, 10'000)), kTooDeep) << open;
    }
}

TEST(Limits, AcceptsNestingUpToTheLimit) {
    EXPECT_EQ(SelectError("SELECT " + Repeat("(", 499) + "1" + Repeat(")", 499) + " FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT " + Repeat("(", 500) + "1" + Repeat(")", 500) + " FROM demo"), kTooDeep);
}

TEST(Limits, RefusesLongChainsOfOperators) {
    EXPECT_EQ(SelectError("SELECT a FROM demo WHERE a = 1" + Repeat(" OR a = 1", 1'900)), "");
    EXPECT_EQ(SelectError("SELECT 1" + Repeat("+1", 200'000) + " FROM demo"),
              "expression has more than 2000 operators in a row; use IN (...) or parentheses");
    EXPECT_NE(SelectError("SELECT a" + Repeat("->b", 200'000) + " FROM demo"), "");
    EXPECT_NE(SelectError("SELECT a" + Repeat("[0]", 200'000) + " FROM demo"), "");
}

TEST(Limits, RefusesDeepTypes) {
    EXPECT_EQ(DdlError("CREATE STREAM s (a " + Repeat("array(", 10'000)),
              "column type is nested deeper than 500 levels");
    EXPECT_EQ(DdlError("CREATE STREAM s (a " + Repeat("struct(b ", 10'000)),
              "column type is nested deeper than 500 levels");
}

TEST(Limits, ParsesAMegabyte) {
    EXPECT_EQ(SelectError("SELECT a" + Repeat(", a", 350'000) + " FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT a IN (1" + Repeat(",1", 500'000) + ") FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT '" + std::string(1 << 20, 'x') + "' FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT a " + std::string(1 << 20, ' ') + "FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT " + std::string(1 << 20, '1') + " FROM demo"), "");
    EXPECT_NE(SelectError("SELECT " + std::string(1 << 20, '1') + ".0 FROM demo"), "");
    EXPECT_NE(SelectError("SELECT " + Repeat("1.", 1 << 19) + " FROM demo"), "");
    EXPECT_EQ(SelectError("SELECT a" + Repeat("/*x*/--\n", 1 << 17) + " FROM demo"), "");
    EXPECT_NE(SelectError("SELECT " + Repeat("-", (1 << 20) + 1)), "");
    EXPECT_NE(SelectError("SELECT " + Repeat("- ", 1 << 19)), "");
    EXPECT_NE(SelectError("SELECT " + Repeat("/ ", 1 << 19)), "");
    EXPECT_NE(SelectError("SELECT a" + Repeat("! ", 1 << 19)), "");
    EXPECT_EQ(SelectError("SELECT a FROM " + Repeat("a ", 1 << 19)), "");
}

TEST(Limits, RefusesTextsBeyondTheLimit) {
    EXPECT_EQ(SelectError(std::string(kMaxSqlBytes + 1, ' ')),
              "the SQL text has 4194305 bytes, at most 4194304 are allowed");
    const auto rule = ParseRuleSql("SELECT " + std::string(kMaxSqlBytes, 'a'), nullptr);
    ASSERT_FALSE(rule);
    EXPECT_LT(rule.error().message.size(), 400u);  // the text is not echoed whole
}

TEST(Limits, RefusesInvalidUtf8) {
    EXPECT_EQ(SelectError("SELECT '\xff' FROM demo"),
              "the SQL text is not valid UTF-8: byte 0xff at offset 8");
    EXPECT_EQ(DdlError("DROP STREAM `\xc3`"), "the SQL text is not valid UTF-8: byte 0xc3 at offset 13");
    const auto rule = ParseRuleSql("SELECT \xff", nullptr);
    ASSERT_FALSE(rule);
    EXPECT_EQ(rule.error().message,
              "Parse SQL SELECT ? error: the SQL text is not valid UTF-8: byte 0xff at offset 7.");
}

TEST(Limits, SurvivesEveryPrefixOfAStatement) {
    const std::string_view statements[] = {
        "SELECT a AS x, * EXCEPT(a) REPLACE(b AS c), CASE a WHEN 1 THEN 'x' ELSE \"y\\n\" END, lag(a) OVER "
        "(PARTITION "
        "BY b WHEN c > -1.5), arr[1:2]->k, meta(d.e) FROM demo AS d LEFT JOIN t ON d.a = t.a WHERE a NOT IN "
        "(1, 2) AND "
        "b NOT BETWEEN 1 AND 2 OR c LIKE '%x' GROUP BY a, SLIDINGWINDOW(ss, 1) FILTER(WHERE a > 1) OVER "
        "(WHEN b) "
        "HAVING count(*) > 1 ORDER BY a DESC, b LIMIT 3;",
        "CREATE STREAM demo (a bigint DEFAULT -5, b array(struct(x bigint, y string)), `c d` struct(z "
        "float)) WITH "
        "(DATASOURCE=\"d\", SHARED=TRUE, EXTRA=\"{\\\"a\\\":1}\");",
    };
    for (const std::string_view sql : statements) {
        EXPECT_TRUE(SelectError(sql).empty() || DdlError(sql).empty()) << SelectError(sql) << DdlError(sql);
        for (size_t i = 0; i < sql.size(); ++i) {
            SelectError(sql.substr(0, i));
            DdlError(sql.substr(0, i));
            SelectError(std::string(sql.substr(0, i)) + std::string(sql.substr(i + 1)));
        }
    }
}

}  // namespace
}  // namespace haumea::sql
