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

TEST(Numbers, OfSeveralConnectionsAreSumsAndTheLargestOfWhatSaysTheMost) {
    constexpr NumberKind kMax{"max", "max", PrometheusText::FamilyType::kGauge, "most", {}, true};
    Numbers all{{&kBytes, {}, 1}};
    Merge({{&kBytes, {}, 2}, {&kDropped, "slow", 3}, {&kDropped, "full", 4}, {&kMax, {}, 5}}, all);
    Merge({{&kDropped, "full", 6}, {&kMax, {}, 4}}, all);
    Numbers want{{&kBytes, {}, 3}, {&kDropped, "slow", 3}, {&kDropped, "full", 10}, {&kMax, {}, 5}};
    ASSERT_EQ(all.size(), want.size());
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(FlatName(all[i]), FlatName(want[i]));
        EXPECT_EQ(all[i].value, want[i].value);
    }
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
