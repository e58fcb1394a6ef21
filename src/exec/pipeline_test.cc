#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/pipeline_test_support.h"

namespace haumea::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kDemo = R"(CREATE STREAM demo () WITH (DATASOURCE="/demo", TYPE="websocket"))";
constexpr std::string_view kTyped =
    R"(CREATE STREAM ty (a bigint, b string) WITH (DATASOURCE="/ty", TYPE="websocket"))";
constexpr std::string_view kEvents =
    R"(CREATE STREAM ev () WITH (DATASOURCE="/ev", TYPE="websocket", TIMESTAMP="ts"))";

class PipelineTest : public testing::Test {
  protected:
    PipelineTest() {
        for (const std::string_view ddl : {kDemo, kTyped, kEvents}) {
            EXPECT_EQ(bench_.CreateStream(std::string(ddl)), "");
        }
    }
    // What `sql` makes of the messages, one row a text.
    std::vector<std::string> Run(const std::string& sql, const std::vector<std::string>& messages,
                                 const RuleOptions& options = {.send_error = true}) {
        EXPECT_EQ(bench_.StartRule(sql, options), "");
        for (const std::string& message : messages) {
            bench_.Send(message);
        }
        return bench_.Take();
    }
    // The same with lists of rows.
    std::vector<std::string> RunLists(const std::string& sql, const std::vector<std::string>& messages,
                                      const RuleOptions& options = {.send_error = true}) {
        EXPECT_EQ(bench_.StartRule(sql, options, false), "");
        for (const std::string& message : messages) {
            bench_.Send(message);
        }
        return bench_.Take();
    }
    RuleBench bench_;
};

TEST_F(PipelineTest, FiltersAndProjectsWithSortedKeys) {
    EXPECT_THAT(
        Run("SELECT b, a * 2 AS a2 FROM demo WHERE a > 3", {R"({"a":3,"b":1})", R"({"b":"x","a":4,"c":0})"}),
        ElementsAre(R"({"a2":8,"b":"x"})"));
}

TEST_F(PipelineTest, AnArrayGivesOneResultPerElement) {
    EXPECT_THAT(Run("SELECT a FROM demo", {R"([{"a":1},{"a":2}])", "[]"}),
                ElementsAre(R"({"a":1})", R"({"a":2})"));
}

TEST_F(PipelineTest, NullIsShownForAPlainColumnOnly) {
    EXPECT_THAT(Run("SELECT n, n AS x, n + 1, nope FROM demo", {R"({"n":null})"}),
                ElementsAre(R"({"n":null})"));
}

TEST_F(PipelineTest, SendNilFieldShowsColumnsAndAliases) {
    EXPECT_THAT(Run("SELECT n, n AS x, n + 1, nope FROM demo", {R"({"n":null})"}, {.send_nil_field = true}),
                ElementsAre(R"({"n":null,"nope":null,"x":null})"));
}

TEST_F(PipelineTest, AStarKeepsEverythingAndFurtherFieldsWin) {
    EXPECT_THAT(Run("SELECT *, a + 1 AS b, 5 AS e FROM demo WHERE c = true",
                    {R"({"d":null,"b":0,"c":true,"a":1})", R"({"a":2})"}),
                ElementsAre(R"({"a":1,"b":2,"c":true,"d":null,"e":5})"));
}

TEST_F(PipelineTest, ExceptDropsAndReplaceOverrides) {
    EXPECT_THAT(
        Run("SELECT * EXCEPT(b, a) REPLACE(a * 10 AS a, nope AS c) FROM demo", {R"({"a":1,"b":2,"c":3})"}),
        ElementsAre(R"({"a":10,"c":3})"));
}

TEST_F(PipelineTest, AnAliasHidesTheColumnExceptInItsOwnField) {
    EXPECT_THAT(Run("SELECT a + 1 AS a, a + 1 AS b FROM demo WHERE a = 2", {R"({"a":1})", R"({"a":2})"}),
                ElementsAre(R"({"a":2,"b":3})"));
}

TEST_F(PipelineTest, SwappedColumnsKeepTheirMeaning) {
    EXPECT_THAT(Run("SELECT a AS b, b AS a FROM demo", {R"({"a":1,"b":2})"}),
                ElementsAre(R"({"a":2,"b":1})"));
}

TEST_F(PipelineTest, AnErrorOfAFieldReplacesTheRowAndNamesTheExpression) {
    EXPECT_THAT(
        Run("SELECT a, a + s AS r FROM demo", {R"({"a":1,"s":"x"})"}),
        ElementsAre("run Select error: alias: r expr: binaryExpr:{ demo.a + demo.s } meet error, err:invalid "
                    "operation float64(1) + string(x)"));
    EXPECT_THAT(Run("SELECT a FROM demo WHERE a", {R"({"a":1})", R"({"a":null})"}),
                ElementsAre("run Where error: invalid condition that returns non-bool value float64(1)"));
}

TEST_F(PipelineTest, WithoutSendErrorAFailureIsCountedOnly) {
    EXPECT_THAT(Run("SELECT a / 0 AS r FROM demo", {R"({"a":1})", "{broken"}, {}), IsEmpty());
    const auto& nodes = bench_.pipeline->nodes();
    EXPECT_EQ(nodes[1]->name(), "2_decoder");
    EXPECT_EQ(nodes[1]->exceptions.load(), 1);
    EXPECT_EQ(nodes[2]->name(), "3_project");
    EXPECT_EQ(nodes[2]->exceptions.load(), 1);
    EXPECT_THAT(nodes[2]->texts().last_exception, testing::EndsWith("divided by zero"));
}

TEST_F(PipelineTest, NodesAreNumberedAndCounted) {
    Run("SELECT a FROM demo WHERE a > 1", {R"({"a":1})", R"({"a":2})"});
    std::vector<std::string> names;
    for (const auto& node : bench_.pipeline->nodes()) {
        names.push_back(node->name());
    }
    EXPECT_THAT(names,
                ElementsAre("demo", "2_decoder", "3_filter", "4_project", "fake_0_0_transform", "fake_0"));
    const auto& nodes = bench_.pipeline->nodes();
    EXPECT_EQ(nodes[0]->records_out.load(), 2);
    EXPECT_EQ(nodes[2]->records_in.load(), 2);
    EXPECT_EQ(nodes[2]->records_out.load(), 1);
    EXPECT_EQ(nodes[3]->records_out.load(), 1);
    EXPECT_EQ(config::ToJson(bench_.pipeline->topo(), {.sort_keys = true}),
              R"({"edges":{"op_2_decoder":["op_3_filter"],"op_3_filter":["op_4_project"],)"
              R"("op_4_project":["op_fake_0_0_transform"],"op_fake_0_0_transform":["sink_fake_0"],)"
              R"("source_demo":["op_2_decoder"]},"sources":["source_demo"]})");
}

TEST_F(PipelineTest, ACountWindowGivesTheLastRowsEveryInterval) {
    const std::vector<std::string> rows{R"({"a":1})", R"({"a":2})", R"({"a":3})", R"({"a":4})", R"({"a":5})"};
    EXPECT_THAT(RunLists("SELECT a FROM demo GROUP BY COUNTWINDOW(2)", rows),
                ElementsAre(R"([{"a":1},{"a":2}])", R"([{"a":3},{"a":4}])"));
    EXPECT_THAT(RunLists("SELECT sum(a) AS s FROM demo GROUP BY COUNTWINDOW(3, 2)", rows),
                ElementsAre(R"([{"s":9}])"));
}

TEST_F(PipelineTest, GroupsCompareAsTextsAndKeepTheFirstRow) {
    EXPECT_THAT(RunLists("SELECT k, a, count(*) AS n FROM demo GROUP BY k, COUNTWINDOW(4)",
                         {R"({"k":1,"a":1})", R"({"k":"1","a":2})", R"({"a":3})", R"({"k":null,"a":4})"}),
                ElementsAre(R"([{"a":1,"k":1,"n":2},{"a":3,"n":2}])"));
}

TEST_F(PipelineTest, HavingOrderAndLimitWorkOnGroups) {
    EXPECT_THAT(
        RunLists(
            "SELECT k, sum(a) AS s FROM demo GROUP BY k, COUNTWINDOW(5) HAVING s > 1 ORDER BY s DESC LIMIT 2",
            {R"({"k":"x","a":1})", R"({"k":"y","a":5})", R"({"k":"z","a":3})", R"({"k":"w","a":2})",
             R"({"k":"y","a":1})"}),
        ElementsAre(R"([{"k":"y","s":6},{"k":"z","s":3}])"));
}

TEST_F(PipelineTest, NullSortsLastInBothDirections) {
    const std::vector<std::string> rows{R"({"a":null})", R"({"a":1})", R"({"a":2})"};
    EXPECT_THAT(RunLists("SELECT a FROM demo GROUP BY COUNTWINDOW(3) ORDER BY a", rows),
                ElementsAre(R"([{"a":1},{"a":2},{"a":null}])"));
    EXPECT_THAT(RunLists("SELECT a FROM demo GROUP BY COUNTWINDOW(3) ORDER BY a DESC", rows),
                ElementsAre(R"([{"a":2},{"a":1},{"a":null}])"));
}

TEST_F(PipelineTest, ATumblingWindowFiresAtAlignedTimesAlsoWhenEmpty) {
    // The clock starts at 1000.000 s; windows end at the next multiple of 10 s.
    EXPECT_EQ(
        bench_.StartRule("SELECT a, window_end() AS e FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)", {}, false),
        "");
    bench_.scheduler.AdvanceTo(1'003'000);
    bench_.Send(R"({"a":1})");
    bench_.scheduler.AdvanceTo(1'030'000);
    EXPECT_THAT(bench_.Take(), ElementsAre(R"([{"a":1,"e":1010000}])", "[]", "[]"));
}

TEST_F(PipelineTest, AnEmptyWindowOfAggregatesIsOneEmptyRow) {
    EXPECT_EQ(bench_.StartRule("SELECT count(*) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)", {}, false),
              "");
    bench_.scheduler.AdvanceTo(1'010'000);
    EXPECT_THAT(bench_.Take(), ElementsAre("[{}]"));
}

TEST_F(PipelineTest, StopEndsWindows) {
    EXPECT_EQ(bench_.StartRule("SELECT a FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)"), "");
    bench_.pipeline->Stop();
    EXPECT_EQ(bench_.scheduler.timers(), 0U);
}

TEST_F(PipelineTest, EventTimeWindowsFollowTheWatermark) {
    EXPECT_THAT(RunLists("SELECT a FROM ev GROUP BY TUMBLINGWINDOW(ss, 10)",
                         {R"({"a":1,"ts":1000})", R"({"a":2,"ts":9999})", R"({"a":3,"ts":10000})",
                          R"({"a":4,"ts":31000})"},
                         {.is_event_time = true, .late_tolerance_ms = 0}),
                ElementsAre(R"([{"a":1},{"a":2}])", R"([{"a":3}])", "[]"));
}

TEST_F(PipelineTest, HoppingWindowsOverlap) {
    EXPECT_THAT(RunLists("SELECT collect(a) AS c, window_start() AS s, window_end() AS e FROM ev GROUP BY "
                         "HOPPINGWINDOW(ss, 20, 10)",
                         {R"({"a":1,"ts":1000})", R"({"a":2,"ts":12000})", R"({"a":3,"ts":25000})",
                          R"({"a":4,"ts":40000})"},
                         {.is_event_time = true, .late_tolerance_ms = 0}),
                ElementsAre(R"([{"c":[1],"e":10000,"s":-10000}])", R"([{"c":[1,2],"e":20000,"s":0}])",
                            R"([{"c":[2,3],"e":30000,"s":10000}])", R"([{"c":[3],"e":40000,"s":20000}])"));
}

TEST_F(PipelineTest, ASlidingWindowEndsAtTheRowThatCausesIt) {
    EXPECT_THAT(RunLists("SELECT collect(a) AS c FROM ev GROUP BY SLIDINGWINDOW(ss, 10) OVER (WHEN a > 1)",
                         {R"({"a":1,"ts":1000})", R"({"a":2,"ts":11000})", R"({"a":3,"ts":11001})"},
                         {.is_event_time = true, .late_tolerance_ms = 0}),
                ElementsAre(R"([{"c":[1,2]}])", R"([{"c":[2,3]}])"));
}

TEST_F(PipelineTest, EventTimeWithoutWindowReordersWithinTheTolerance) {
    EXPECT_THAT(Run("SELECT a FROM ev",
                    {R"({"a":2,"ts":2000})", R"({"a":1,"ts":1500})", R"({"a":3,"ts":3000})",
                     R"({"a":0,"ts":1000})", R"({"a":9,"ts":9000})"},
                    {.is_event_time = true, .late_tolerance_ms = 1000}),
                ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
}

TEST_F(PipelineTest, AJumpOfEventTimeDoesNotSendWindowsForHours) {
    const auto results = RunLists("SELECT a FROM ev GROUP BY TUMBLINGWINDOW(ss, 1)",
                                  {R"({"a":1,"ts":1000})", R"({"a":2,"ts":9000000000000})"},
                                  {.is_event_time = true, .late_tolerance_ms = 0});
    EXPECT_LT(results.size(), 10'100U);
    bench_.Send(R"({"a":3,"ts":9000000002000})");
    EXPECT_THAT(bench_.Take(), testing::Contains(R"([{"a":2}])"));
}

// The widest times that are taken, with the longest window: no sum overflows, no loop goes on for ever.
TEST_F(PipelineTest, TimesAtTheEndsOfTheRangeEndWindowsLikeOthers) {
    const auto results =
        RunLists("SELECT a FROM ev GROUP BY TUMBLINGWINDOW(dd, 1)",
                 {R"({"a":1,"ts":-1152921504606846000})", R"({"a":2,"ts":1152921504606846000})"},
                 {.is_event_time = true, .late_tolerance_ms = 0});
    EXPECT_LT(results.size(), 10'100U);
    EXPECT_THAT(results, testing::Contains(R"([{"a":1}])"));
}

TEST_F(PipelineTest, APausedActionPausesTheSourceUntilItResumes) {
    EXPECT_EQ(bench_.StartRule("SELECT a FROM demo"), "");
    bench_.action->pause = true;
    EXPECT_EQ(bench_.Send(R"({"a":1})"), connect::Flow::kPause);
    bench_.action->pause = false;
    bench_.action->resume();
    EXPECT_EQ(bench_.source->resumed, 1);
    EXPECT_EQ(bench_.Send(R"({"a":2})"), connect::Flow::kContinue);
    EXPECT_THAT(bench_.Take(), ElementsAre(R"({"a":1})", R"({"a":2})"));
}

TEST_F(PipelineTest, MetadataIsReadWithMetaAndSentOnRequest) {
    EXPECT_EQ(bench_.StartRule("SELECT meta(topic) AS t FROM demo", {.send_meta_to_sink = true}), "");
    const Field topic{"topic", Value::String("x/y")};
    bench_.Send("{}", Ref<connect::Metadata>::Adopt(new connect::Metadata(Value::Object({&topic, 1}))));
    EXPECT_THAT(bench_.Take(), ElementsAre(R"({"__meta":{"topic":"x/y"},"t":"x/y"})"));
}

TEST_F(PipelineTest, TheEndOfTheSourceIsReportedFromAPostedTask) {
    EXPECT_EQ(bench_.StartRule("SELECT a FROM demo"), "");
    bench_.source->listener->OnEnd("done");
    EXPECT_EQ(bench_.ended, "");
    bench_.scheduler.RunPosted();
    EXPECT_EQ(bench_.ended, "end: done");
}

TEST_F(PipelineTest, ChainsOfAliasesAreBounded) {
    std::string sql = "SELECT a AS c0";
    for (int i = 1; i <= 3000; ++i) {
        sql += ", c" + std::to_string(i - 1) + " + 1 AS c" + std::to_string(i);
    }
    EXPECT_THAT(bench_.StartRule(sql + " FROM demo WHERE c3000 > 1"), testing::HasSubstr("too deeply"));
}

TEST_F(PipelineTest, AliasesThatFanOutAreComputedOnce) {
    std::string sql = "SELECT a AS c0";
    for (int i = 1; i <= 60; ++i) {
        const std::string previous = "c" + std::to_string(i - 1);
        sql += ", " + previous + " + " + previous + " AS c" + std::to_string(i) + " INVISIBLE";
    }
    EXPECT_THAT(Run(sql + ", c60 / c59 AS r FROM demo WHERE c60 > 1", {R"({"a":1})"}),
                ElementsAre(R"({"c0":1,"r":2})"));
}

struct Refusal {
    std::string_view sql;
    std::string_view reason;
    RuleOptions options;
};

TEST_F(PipelineTest, RefusesWithTheTextsThatClientsKnow) {
    const Refusal refusals[] = {
        {"SELECT a FROM nosuch", "fail to get stream nosuch, please check if stream is created", {}},
        {"SELECT nosuch FROM ty", "unknown field nosuch", {}},
        {"SELECT A FROM ty", "field A not found in stream ty", {}},
        {"SELECT a, a FROM demo", "duplicate field definition a", {}},
        {"SELECT x + 1 AS y, y + 1 AS x FROM demo", "select fields have cycled alias", {}},
        {"SELECT a FROM demo GROUP BY a", "select stmt group by should be used with window", {}},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2) HAVING a > 1",
         "Not allowed to call non-aggregate functions in HAVING clause: binaryExpr:{ demo.a > 1 }.",
         {}},
        {"SELECT sum(count(*)) FROM demo GROUP BY COUNTWINDOW(2)",
         "invalid argument for func sum: aggregate argument is not allowed",
         {}},
        {"SELECT a[2:2] FROM demo", "colon start value can't be greater than end value", {}},
        {"SELECT a FROM demo",
         "preprocessor is set to be event time but stream option TIMESTAMP not found",
         {.is_event_time = true}},
        {"SELECT a FROM ev GROUP BY COUNTWINDOW(2)", "unsupported window type 5", {.is_event_time = true}},
        {"SELECT a FROM demo GROUP BY COUNTWINDOW(2)",
         "Invalid option sendMetaToSink, it can not be applied to window",
         {.send_meta_to_sink = true}},
    };
    for (const Refusal& refusal : refusals) {
        EXPECT_EQ(bench_.StartRule(std::string(refusal.sql), refusal.options), refusal.reason) << refusal.sql;
    }
}

TEST_F(PipelineTest, TheDecoderOfASharedStreamCarriesItsName) {
    ASSERT_EQ(bench_.CreateStream(
                  R"(CREATE STREAM common () WITH (DATASOURCE="/common", TYPE="websocket", SHARED="true"))"),
              "");
    ASSERT_EQ(bench_.StartRule("SELECT a FROM common WHERE a > 1"), "");
    std::vector<std::string> names;
    for (const auto& node : bench_.pipeline->nodes()) {
        names.push_back(node->name());
    }
    EXPECT_THAT(names, ElementsAre("common", "common_2_decoder", "3_filter", "4_project",
                                   "fake_0_0_transform", "fake_0"));
}

TEST_F(PipelineTest, ExplainShowsTheOperatorsFromTheRootDown) {
    const auto plan = DescribePlan(
        "SELECT a, count(*) AS c FROM demo WHERE b > 1 GROUP BY a, TUMBLINGWINDOW(ss, 10) ORDER BY c DESC "
        "LIMIT 3",
        {}, bench_);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(
        plan->explain,
        "{\"op\":\"ProjectPlan_0\",\"info\":\"Fields:[ demo.a, $$alias.c,aliasRef:Call:{ name:count, "
        "args:[*] } ], "
        "Limit:3\"}\n"
        "\t{\"op\":\"OrderPlan_1\",\"info\":\"SortFields:[ sortField:{ name:c, ascending:false, fieldExpr:{ "
        "$$alias.c,aliasRef:Call:{ name:count, args:[*] } } } ]\"}\n"
        "\t\t\t{\"op\":\"AggregatePlan_2\",\"info\":\"Dimension:{ demo.a }\"}\n"
        "\t\t\t\t\t{\"op\":\"WindowPlan_3\",\"info\":\"{ length:10, windowType:TUMBLING_WINDOW, limit: 0 "
        "}\"}\n"
        "\t\t\t\t\t\t\t{\"op\":\"FilterPlan_4\",\"info\":\"Condition:{ binaryExpr:{ demo.b > 1 } }, \"}\n"
        "\t\t\t\t\t\t\t\t\t{\"op\":\"DataSourcePlan_5\",\"info\":\"StreamName: demo, StreamFields:[ a, b "
        "]\"}");
}

TEST_F(PipelineTest, ExplainTellsAnalyticCallsOfFieldsFromThoseOfOtherClauses) {
    const auto plan = DescribePlan("SELECT lag(a) AS l FROM demo WHERE had_changed(true, b)", {}, bench_);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->explain,
              "{\"op\":\"ProjectPlan_0\",\"info\":\"Fields:[ $$alias.l,aliasRef:Call:{ name:lag, "
              "args:[demo.a] } ]\"}\n"
              "\t{\"op\":\"FilterPlan_1\",\"info\":\"Condition:{ Call:{ name:had_changed, args:[true, "
              "demo.b] } }, \"}\n"
              "\t\t\t{\"op\":\"AnalyticFuncsPlan_2\",\"info\":\"Funcs:[ Call:{ name:had_changed, args:[true, "
              "demo.b] } ], "
              "FieldFuncs:[ Call:{ name:lag, args:[demo.a] } ]\"}\n"
              "\t\t\t\t\t{\"op\":\"DataSourcePlan_3\",\"info\":\"StreamName: demo, StreamFields:[ a, b ]\"}");
}

TEST(Pipeline, ATemporaryStreamIsForTemporaryRules) {
    RuleBench bench;
    ASSERT_EQ(bench.CreateStream("CREATE STREAM short () WITH (TEMP=\"true\")"), "");
    EXPECT_EQ(bench.StartRule("SELECT a FROM short"), "temp stream short can only be used by temp rules");
    EXPECT_TRUE(RulePipeline::Plan(
        {.id = "r", .sql = "SELECT a FROM short", .actions = {}, .options = {}, .temp = true}, bench, bench,
        bench.scheduler));
}

}  // namespace
}  // namespace haumea::exec
