#include <gtest/gtest.h>

#include <cmath>

#include "data/go_format.h"
#include "expr/function.h"

namespace haumea::expr {
namespace {

constexpr Value kNull = Value::Null();
Value I(int64_t i) { return Value::Int(i); }
Value D(double d) { return Value::Double(d); }
Value S(std::string_view s) { return Value::String(s); }

// Text of the result over columns of equal length.
std::string Aggregated(std::string_view name, const std::vector<std::vector<Value>>& columns) {
    const FunctionDescriptor* function = FunctionRegistry::Builtin().Find(name);
    Arena arena;
    const VirtualClock clock;
    FunctionContext context{.arena = arena, .clock = clock, .rule_id = "r"};
    const std::vector<std::span<const Value>> spans(columns.begin(), columns.end());
    const Value result = function->aggregate(spans, context);
    return (result.is_error() ? "error: " : "") + GoText(result);
}

TEST(Aggregates, SkipNulls) {
    const std::vector<Value> column = {D(1.5), kNull, D(2.5), Value::Missing()};
    EXPECT_EQ(Aggregated("count", {column}), "2");
    EXPECT_EQ(Aggregated("sum", {column}), "4");
    EXPECT_EQ(Aggregated("avg", {column}), "2");
    EXPECT_EQ(Aggregated("min", {column}), "1.5");
    EXPECT_EQ(Aggregated("stddev", {column}), "0.5");
    EXPECT_EQ(Aggregated("vars", {column}), "0.5");
    EXPECT_EQ(Aggregated("collect", {column}), "[1.5 <nil> 2.5 <nil>]");
}

TEST(Aggregates, OfNothingButNullsAreNull) {
    for (const char* name : {"sum", "avg", "min", "max", "stddev", "stddevs", "var", "vars", "merge_agg"}) {
        EXPECT_EQ(Aggregated(name, {{kNull, Value::Missing()}}), "<nil>") << name;
    }
    EXPECT_EQ(Aggregated("count", {{kNull}}), "0");
    EXPECT_EQ(Aggregated("median", {{kNull, I(1)}}), "error: <nil> should be number");
    EXPECT_EQ(Aggregated("percentile_cont", {{kNull}, {D(0.5)}}), "<nil>");
}

TEST(Aggregates, OfIntegersStayIntegers) {
    EXPECT_EQ(Aggregated("avg", {{I(3), I(6), I(2)}}), "3");
    EXPECT_EQ(Aggregated("avg", {{I(-3), I(-4)}}), "-3");
    EXPECT_EQ(Aggregated("sum", {{I(INT64_MAX), I(1)}}), "-9223372036854775808");
    EXPECT_EQ(Aggregated("median", {{I(1), I(2)}}), "1.5");
    // Not-a-number comes before all numbers; more than sixteen values, since sorting few is another
    // algorithm.
    std::vector<Value> some(40, Value::Double(std::nan("")));
    for (int i = 1; i < 40; i += 2) {
        some[static_cast<size_t>(i)] = Value::Double(i);
    }
    some.push_back(Value::Double(0));
    EXPECT_EQ(Aggregated("median", {some}), "0");
    EXPECT_EQ(Aggregated("median", {{I(3), I(1), I(2)}}), "2");
    EXPECT_EQ(Aggregated("max", {{I(1), D(2.5)}}), "2.5");
    EXPECT_EQ(Aggregated("sum", {{I(1), D(2.5)}}), "3.5");
}

TEST(Aggregates, RefuseWhatIsNoNumber) {
    EXPECT_EQ(Aggregated("sum", {{S("red")}}),
              "error: run sum function error: found invalid arg string(red)");
    EXPECT_EQ(Aggregated("avg", {{D(1), S("x")}}), "error: requires float64 but found string(x)");
    EXPECT_EQ(Aggregated("max", {{Value::Bool(true)}}), "error: found invalid arg bool(true)");
    EXPECT_EQ(Aggregated("max", {{S("b"), I(1)}}), "error: requires string but found int64(1)");
    EXPECT_EQ(Aggregated("var", {{I(1), S("x")}}),
              "error: requires float64 slice but found []interface {}([1 x])");
    EXPECT_EQ(Aggregated("max", {{S("red"), S("yellow"), S("blue")}}), "yellow");
}

TEST(Aggregates, PercentilesByRank) {
    const std::vector<Value> column = {D(3), D(6), D(2), D(4), D(1)};
    const auto with = [&](const char* name, double p) {
        return Aggregated(name, {column, std::vector<Value>(column.size(), D(p))});
    };
    EXPECT_EQ(with("percentile_cont", 0.5), "2.5");
    EXPECT_EQ(with("percentile_cont", 1), "6");
    EXPECT_EQ(with("percentile_cont", 0.1), "error: percentile exec with error: Input is outside of range.");
    EXPECT_EQ(with("percentile_cont", 1.5), "error: percentile exec with error: Input is outside of range.");
    EXPECT_EQ(with("percentile_disc", 0.5), "3");
    EXPECT_EQ(with("percentile_disc", 0), "1");
    EXPECT_EQ(Aggregated("percentile_cont", {{D(7)}, {D(0)}}), "7");
    EXPECT_EQ(Aggregated("percentile_disc", {{D(7)}, {S("x")}}),
              "error: the second parameter requires float64 but found []interface {}([x])");
}

TEST(Aggregates, SampleVarianceOfOneValueIsNoNumber) { EXPECT_EQ(Aggregated("vars", {{D(7)}}), "NaN"); }

TEST(Aggregates, LastValueMayIgnoreNulls) {
    const std::vector<Value> column = {I(1), I(2), kNull};
    EXPECT_EQ(Aggregated("last_value", {column, {3, Value::Bool(true)}}), "2");
    EXPECT_EQ(Aggregated("last_value", {column, {3, Value::Bool(false)}}), "<nil>");
}

TEST(Aggregates, RowsAreMergedAndDeduplicated) {
    const Field a[] = {{"id", I(1)}, {"x", I(7)}};
    const Field b[] = {{"id", I(2)}};
    const std::vector<Value> rows = {Value::Object(a), Value::Object(b), kNull};
    EXPECT_EQ(Aggregated("merge_agg", {rows}), "map[id:2 x:7]");
    // 1, 1.0 and "1" have the same text.
    const std::vector<Value> keys = {I(1), S("1"), kNull};
    EXPECT_EQ(Aggregated("deduplicate", {rows, keys, {3, Value::Bool(true)}}), "[map[id:1 x:7] <nil>]");
    EXPECT_EQ(Aggregated("deduplicate", {{rows[0], rows[1]}, {I(1), I(1)}, {2, Value::Bool(false)}}),
              "<nil>");
    EXPECT_EQ(Aggregated("deduplicate", {{rows[0], rows[1]}, {I(1), I(2)}, {2, Value::Bool(false)}}),
              "map[id:2]");
}

}  // namespace
}  // namespace haumea::expr
