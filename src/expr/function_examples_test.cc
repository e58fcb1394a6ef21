#include <gtest/gtest.h>

#include "codec/json_writer.h"
#include "data/buffer.h"
#include "expr/compile.h"
#include "expr/function.h"
#include "sql/parser.h"
#include "sql/printer.h"

namespace haumea::expr {
namespace {

// Expressions over literals: no names are known.
class NoNames final : public Scope {
  public:
    ColumnBinding Binding(const sql::ColumnExpr&) const override { return {}; }
    const sql::Expr& AliasExpr(uint32_t) const override { std::abort(); }
    const RowLayout& layout() const override { return layout_; }
    uint32_t DerivedIndex(const sql::CallExpr&) const override { return RowLayout::kNone; }
    uint32_t AnalyticSlot(const sql::CallExpr&) const override { return RowLayout::kNone; }
    std::string Print(const sql::Expr& expr) const override { return sql::PrintExpr(expr); }

  private:
    RowLayout layout_;
};

// JSON of the value, or the error.
std::string Evaluate(std::string_view text) {
    const FunctionRegistry& functions = FunctionRegistry::Builtin();
    const auto expr = sql::ParseExpression(text, &functions);
    if (!expr) {
        return "parse: " + expr.error().message;
    }
    Program program;
    const NoNames names;
    const auto node = Compiler(program, names, functions).Compile(**expr);
    if (!node) {
        return "compile: " + node.error().message;
    }
    Arena arena;
    const VirtualClock clock(1'541'152'486'013);
    EvalContext context(arena, clock, "rule1");
    context.memos.resize(program.memos());
    const Value value = (*node)->Run(context);
    if (value.is_error()) {
        return "error: " + std::string(value.text());
    }
    BufferBuilder out;
    std::string error;
    return codec::WriteJson(value, out, error) ? std::string(out.view()) : "json: " + error;
}

TEST(FunctionExamples, GiveTheirDocumentedResults) {
    size_t examples = 0;
    for (const FunctionDescriptor& function : FunctionRegistry::Builtin().all()) {
        if (!function.example.empty()) {
            EXPECT_EQ(Evaluate(function.example), function.example_result) << function.example;
            ++examples;
        }
    }
    EXPECT_GT(examples, 100U);
}

TEST(FunctionExamples, EveryFunctionIsDescribed) {
    for (const FunctionDescriptor& function : FunctionRegistry::Builtin().all()) {
        EXPECT_FALSE(function.family.empty()) << function.name;
        EXPECT_TRUE(function.signature.starts_with(function.name)) << function.name;
        EXPECT_TRUE(function.doc.ends_with('.')) << function.name;
        EXPECT_TRUE(function.builtin_form || function.analytic != nullptr ||
                    (function.scalar != nullptr) != (function.aggregate != nullptr))
            << function.name;
        EXPECT_EQ(sql::BuiltinFunctionClass(function.name), function.kind) << function.name;
    }
}

struct Case {
    const char* text;
    const char* expected;
};
class FunctionCases : public ::testing::TestWithParam<Case> {};
TEST_P(FunctionCases, Evaluate) { EXPECT_EQ(Evaluate(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(Rounding, FunctionCases,
                         ::testing::Values(Case{"round(2.5)", "3"}, Case{"round(-2.5)", "-3"},
                                           Case{"round(1234.5, -2)", "1200"}, Case{"round(5, 400)", "5"},
                                           Case{"trunc(-2.567, 1)", "-2.5"}, Case{"trunc(2.3, 1)", "2.3"},
                                           Case{"trunc(1234.5, -2)", "1200"}, Case{"trunc(-7, -3)", "0"},
                                           Case{"format(2.5, 0)", "\"2\""},
                                           Case{"format(-1234567.5, 2, \"de_DE\")", "\"-1.234.567,50\""},
                                           Case{"mod(5, 0)", "json: json: unsupported value: NaN"}));
INSTANTIATE_TEST_SUITE_P(
    Texts, FunctionCases,
    ::testing::Values(Case{"substring(\"héllo\", 1, 2)", "\"él\""}, Case{"substring(\"abc\", 5)", "\"\""},
                      Case{"length(\"😀😀\")", "2"}, Case{"numbytes(\"😀\")", "4"},
                      Case{"reverse(\"aé😀\")", "\"😀éa\""}, Case{"lower(\"ÀÉÎ ΑΒΓ ИЙ\")", "\"àéî αβγ ий\""},
                      Case{"upper(\"ÿßñ\")", "\"ŸßÑ\""}, Case{"trim(\"\\u3000x\\u2003\")", "\"x\""},
                      Case{"split_value(\"héy\", \"\", 1)", "\"é\""},
                      Case{"split_value(\"a,b\", \",\", 2)",
                           "error: call func split_value error: 2 out of index array (size = 2)"},
                      Case{"lpad(\"a\", -1)",
                           "error: call func lpad error: cannot add -1 spaces, expect 0 to 16777216"},
                      Case{"concat(\"a\", cast(1000000, \"float\"))", "\"a1e+06\""}));
INSTANTIATE_TEST_SUITE_P(Patterns, FunctionCases,
                         ::testing::Values(Case{"regexp_replace(\"abc\", \"\", \"-\")", "\"-a-b-c-\""},
                                           Case{"regexp_replace(\"abc\", \"(b)\", \"$1x\")", "\"ac\""},
                                           Case{"regexp_replace(\"abc\", \"(?P<m>b)\", \"<${m}>$$\")",
                                                "\"a\\u003cb\\u003e$c\""},
                                           Case{"regexp_replace(\"aaa\", \"a*\", \"x\")", "\"x\""},
                                           Case{"regexp_matches(\"a\\nb\", \"a.b\")", "false"},
                                           Case{"regexp_substr(\"héllo\", \"[^a-z]+\")", "\"é\""}));
INSTANTIATE_TEST_SUITE_P(
    Numbers, FunctionCases,
    ::testing::Values(Case{"conv(-17, 10, -18)", "\"-H\""}, Case{"conv(\"zz\", 10, 2)", "\"0\""},
                      Case{"conv(\"-ff\", -16, 10)", "\"18446744073709551361\""},
                      Case{"conv(\"7\", 10, 1)", "null"}, Case{"hex2dec(\"-5\")", "-5"},
                      Case{"hex2dec(\"0XFF\")",
                           "error: call func hex2dec error: invalid hexadecimal value: 0XFF"},
                      Case{"bitand(12, cast(10, \"float\"))", "8"}, Case{"sign(-0.5)", "-1"},
                      Case{"acos(2)", "null"}, Case{"chr(128512)", "\"😀\""}, Case{"log(0, 5)", "-0"}));
INSTANTIATE_TEST_SUITE_P(
    Times, FunctionCases,
    ::testing::Values(
        Case{"now()", "\"2018-11-02 09:54:46\""}, Case{"now(3)", "\"2018-11-02 09:54:46.013\""},
        Case{"cur_date()", "\"2018-11-02\""}, Case{"tstamp()", "1541152486013"},
        Case{"day_of_week(cast(\"2020-02-15\", \"datetime\"))", "7"},
        Case{"last_day(cast(\"2024-02-01\", \"datetime\"))", "\"2024-02-29\""},
        Case{"date_calc(cast(\"2021-06-30T23:59:59+02:00\", \"datetime\"), \"1h\")",
             "\"2021-07-01 00:59:59\""},
        Case{"date_calc(cast(\"2020-01-01\", \"datetime\"), \"1d\")",
             "error: call func date_calc error: time: invalid duration \"1d\""},
        Case{"date_diff(cast(\"2020-03-01\", \"datetime\"), cast(\"2020-02-28T12:00:00Z\", \"datetime\"))",
             "-1"},
        Case{"from_unix_time(9223372036854775807)", "\"292277026596-12-04 15:30:07\""},
        Case{"from_days(0)", "null"}));
INSTANTIATE_TEST_SUITE_P(
    Collections, FunctionCases,
    ::testing::Values(Case{"array_sort(array_create(10, 9, 100, -1))", "[-1,9,10,100]"},
                      Case{"array_max(array_create(1, 2.5))", "2.5"},
                      Case{"array_distinct(array_create(1, 1.0, \"1\"))", "[1,\"1\"]"},
                      Case{"sequence(5, 1, -2)", "[5,3,1]"},
                      Case{"sequence(1, 2000000)",
                           "error: call func sequence error: the result has more than 1000000 elements"},
                      Case{"sequence(-9223372036854775807, 9223372036854775807, 9223372036854775807)",
                           "[-9223372036854775807,0,9223372036854775807]"},
                      Case{"array_join(array_create(1, \"a\"), \"-\")", "\"1-a\""},
                      Case{"object_pick(parse_json(\"{\\\"c\\\":{\\\"d\\\":1,\\\"e\\\":2}}\"), \"c.e\")",
                           "{\"c\":{\"e\":2}}"},
                      Case{"array_map(\"nosuch\", array_create(1))",
                           "error: call func array_map error: unknown built-in function: nosuch."}));
INSTANTIATE_TEST_SUITE_P(
    JsonPaths, FunctionCases,
    ::testing::Values(
        Case{R"(json_path_query("[{\"k\":1},{\"k\":2,\"m\":\"y\"}]", "$[?(@.k > 1 && @.m == 'y')].k"))",
             "[2]"},
        Case{R"(json_path_query("{\"a\":{\"b\":[1,2,3]}}", "$..b[0,2]"))", "[1,3]"},
        Case{R"(json_path_query("[1,2,3,4]", "$[-3:-1]"))", "[2,3]"},
        Case{R"(json_path_query("[1,2,3,4]", "$[::3]"))", "[1,4]"},
        Case{R"(json_path_query("{\"a b\":1}", "$[\"a b\"]"))", "1"},
        Case{R"(json_path_query("{}", "$.nope"))",
             "error: call func json_path_query error: unknown key nope"},
        Case{R"(json_path_exists("{\"a\":null}", "$.a"))", "false"},
        Case{R"(json_path_query_first("[]", "$[*]"))", "null"}));

TEST(FunctionRegistry, ChecksArgumentsWithTheKnownTexts) {
    const Case cases[] = {
        {"abs(a, b)", "validate function abs error: Expect 1 arguments but found 2."},
        {"abs(a > b)", "validate function abs error: Expect number - float or int type for parameter 1"},
        {"ABS(\"x\")", "validate function abs error: Expect number - float or int type for parameter 1"},
        {"concat()", "validate function concat error: The arguments should be at least one."},
        {"round()", "validate function round error: Expect 1 or 2 arguments only"},
        {"cast(a, \"text\")",
         "validate function cast error: Expect one of following value for the 2nd parameter: bigint, float, "
         "string, "
         "boolean, datetime, bytea."},
        {"hour(\"2020-01-01\")", "validate function hour error: Expect datetime type for parameter 1"},
        {"lag(a, -1)", "validate function lag error: the index should not be a nagtive integer"},
        {"mqtt(other)",
         "validate function mqtt error: Parameter of mqtt function can be only topic or messageid."},
        {"NoSuch(a)", "function NoSuch not found"}};
    for (const Case& c : cases) {
        const auto expr = sql::ParseExpression(c.text, &FunctionRegistry::Builtin());
        EXPECT_EQ(expr ? "" : expr.error().message, c.expected) << c.text;
    }
}

}  // namespace
}  // namespace haumea::expr
