#include "metrics/numbers.h"

#include <gtest/gtest.h>

namespace haumea::metrics {
namespace {

constexpr NumberKind kBytes{"bytesOut", "bytes_out_total", PrometheusText::FamilyType::kCounter, "bytes"};
constexpr NumberKind kDropped{"dropped", "dropped_total", PrometheusText::FamilyType::kCounter, "drops",
                              "reason"};

TEST(Numbers, AFamilyIsOpenedOnceForAllWhoHaveIt) {
    PrometheusText text;
    WriteNumbers(text, "x_", "endpoint",
                 {{"/a", {{&kBytes, {}, 1}, {&kDropped, "slow", 2}}}, {"/b", {{&kDropped, "slow", 3}}}});
    EXPECT_EQ(text.Take(),
              "# HELP x_bytes_out_total bytes\n# TYPE x_bytes_out_total counter\n"
              "x_bytes_out_total{endpoint=\"/a\"} 1\n"
              "# HELP x_dropped_total drops\n# TYPE x_dropped_total counter\n"
              "x_dropped_total{endpoint=\"/a\",reason=\"slow\"} 2\n"
              "x_dropped_total{endpoint=\"/b\",reason=\"slow\"} 3\n");
}

TEST(Numbers, WithoutLabelsTheValueIsPartOfTheName) {
    EXPECT_EQ(FlatName({&kBytes, {}, 1}), "bytes_out_total");
    EXPECT_EQ(FlatName({&kDropped, "slow", 1}), "dropped_slow_total");
}

TEST(NodeStats, AttemptsToComeBackDoNotMoveTheTimeOfTheLoss) {
    NodeStats stats(NodeStats::Kind::kSink, "x");
    stats.SetConnection(ConnectionState::kConnected, "", 1);
    stats.SetConnection(ConnectionState::kDisconnected, "reset", 2);
    stats.SetConnection(ConnectionState::kDisconnected, "refused", 3);
    EXPECT_EQ(stats.texts().last_disconnected_ms, 2);
    EXPECT_EQ(stats.texts().last_try_ms, 3);
    EXPECT_EQ(stats.texts().last_disconnected_message, "refused");
}

}  // namespace
}  // namespace haumea::metrics
