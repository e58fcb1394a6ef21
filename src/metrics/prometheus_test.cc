#include "metrics/prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haumea::metrics {
namespace {

using testing::HasSubstr;

TEST(Prometheus, LabelsAreSortedAndEscaped) {
    PrometheusText text;
    text.Family("x_total", PrometheusText::FamilyType::kCounter, "help");
    text.Sample({{"b", "2"}, {"a", "q\"\\\n"}}, int64_t{7});
    text.Sample({}, 0.5);
    EXPECT_EQ(
        text.Take(),
        "# HELP x_total help\n# TYPE x_total counter\nx_total{a=\"q\\\"\\\\\\n\",b=\"2\"} 7\nx_total 0.5\n");
}

TEST(Prometheus, RulesHaveTheSeriesThatDashboardsKnow) {
    NodeStats source(NodeStats::Kind::kSource, "demo");
    NodeStats project(NodeStats::Kind::kOperator, "3_project");
    NodeStats sink(NodeStats::Kind::kSink, "websocket_0");
    source.CountIn(3);
    sink.CountDropped(2);
    sink.SetConnection(ConnectionState::kDisconnected, "refused", 1);
    const std::vector<RuleMetrics> rules = {{"rule1", 1, {&source, &project, &sink}}, {"r2", -1, {&project}}};
    PrometheusText text;
    WriteRules(text, rules);
    const std::string out = text.Take();
    EXPECT_THAT(out, HasSubstr("kuiper_source_records_in_total{op=\"demo\",op_instance=\"0\",rule=\"rule1\","
                               "type=\"source\"} 3\n"));
    EXPECT_THAT(out,
                HasSubstr("kuiper_op_messages_processed_total{op=\"3_project\",op_instance=\"0\",rule=\"r2\","
                          "type=\"op\"} 0\n"));
    EXPECT_THAT(out,
                HasSubstr("kuiper_sink_connection_status{op=\"websocket_0\",op_instance=\"0\",rule=\"rule1\","
                          "type=\"sink\"} -1\n"));
    EXPECT_THAT(out,
                HasSubstr("haumea_messages_dropped_total{op=\"websocket_0\",op_instance=\"0\",rule=\"rule1\","
                          "type=\"sink\"} 2\n"));
    EXPECT_THAT(out, HasSubstr("kuiper_rule_status{rule=\"r2\"} -1\n"));
    EXPECT_THAT(out,
                HasSubstr("kuiper_rule_count{status=\"running\"} 1\nkuiper_rule_count{status=\"stop\"} 1\n"));
}

TEST(Prometheus, AFamilyIsOpenedOnceForAllRules) {
    NodeStats a(NodeStats::Kind::kSink, "log_0");
    const std::vector<RuleMetrics> rules = {{"r1", 1, {&a}}, {"r2", 1, {&a}}};
    PrometheusText text;
    WriteRules(text, rules);
    const std::string out = text.Take();
    const std::string head = "# TYPE kuiper_sink_records_in_total counter\n";
    EXPECT_EQ(out.find(head), out.rfind(head));
    EXPECT_EQ(out.find("kuiper_source"), std::string::npos);
}

}  // namespace
}  // namespace haumea::metrics
