#include "exec/window_memory.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/pipeline_test_support.h"

namespace haumea::exec {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kOneMebi = 1 << 20;
constexpr int kManyRows = 20'000;  // more than fit into 1 MiB

// Rules whose windows may take 1 MiB.
class WindowMemoryTest : public testing::Test {
  protected:
    WindowMemoryTest() {
        EXPECT_EQ(bench_.CreateStream(
                      R"(CREATE STREAM demo () WITH (DATASOURCE="/d", TYPE="websocket", TIMESTAMP="ts"))"),
                  "");
    }
    void Start(const std::string& sql, RuleOptions options = {}) {
        options.window_bytes = kOneMebi;
        ASSERT_EQ(bench_.StartRule(sql, options), "");
    }
    void SendKeys(int count, int64_t ts = 1000) {
        for (int i = 0; i < count; ++i) {
            bench_.Send(fmt::format(R"({{"k":"key{}","ts":{}}})", i, ts));
        }
    }
    const metrics::NodeStats& Node(std::string_view part) {
        for (const auto& node : bench_.pipeline->nodes()) {
            if (node->name().find(part) != std::string::npos) {
                return *node;
            }
        }
        ADD_FAILURE() << "no node " << part;
        return *bench_.pipeline->nodes().front();
    }
    RuleBench bench_;
};

TEST_F(WindowMemoryTest, WhatAFullWindowDropsIsCountedAndItGivesTheRest) {
    Start("SELECT count(k) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)");
    SendKeys(kManyRows);
    const metrics::NodeStats& window = Node("window");
    const int64_t dropped = window.dropped.load();
    EXPECT_GT(dropped, 0);
    EXPECT_LT(dropped, kManyRows - 1000);
    EXPECT_EQ(window.exceptions.load(), 1);
    EXPECT_THAT(window.texts().last_exception,
                testing::AllOf(StartsWith("the window is full"), HasSubstr("windowBytes (1 MiB)")));
    bench_.scheduler.AdvanceTo(1'010'000);
    EXPECT_THAT(bench_.Take(), testing::ElementsAre(fmt::format(R"({{"n":{}}})", kManyRows - dropped)));
    SendKeys(10);
    EXPECT_EQ(window.dropped.load(), dropped) << "the window has ended, there is room";
}

TEST_F(WindowMemoryTest, TimeMovesOnAlsoWhenRowsThatWaitForTheWatermarkTakeAllRoom) {
    Start("SELECT k FROM demo", {.is_event_time = true, .late_tolerance_ms = 1'000});
    SendKeys(kManyRows, 1000);
    const metrics::NodeStats& watermark = Node("watermark");
    const int64_t dropped = watermark.dropped.load();
    EXPECT_GT(dropped, 0);
    EXPECT_THAT(watermark.texts().last_exception, HasSubstr("windowBytes (1 MiB)"));
    bench_.Send(R"({"k":"later","ts":2500})");
    EXPECT_EQ(watermark.dropped.load(), dropped) << "the older rows have made room";
    EXPECT_EQ(bench_.Take().size(), static_cast<size_t>(kManyRows - dropped));
}

TEST_F(WindowMemoryTest, AnEventThatEndsAFullWindowIsKept) {
    Start("SELECT count(k) AS n FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)",
          {.is_event_time = true, .late_tolerance_ms = 0});
    SendKeys(kManyRows, 1000);
    const int64_t dropped = Node("watermark").dropped.load();
    EXPECT_GT(dropped, 0);
    bench_.Send(R"({"k":"a","ts":12000})");
    bench_.Send(R"({"k":"b","ts":22000})");
    EXPECT_THAT(bench_.Take(),
                testing::ElementsAre(fmt::format(R"({{"n":{}}})", kManyRows - dropped), R"({"n":1})"));
}

TEST_F(WindowMemoryTest, RowsOfGroupsForWhichThereIsNoRoomAreDroppedAndCounted) {
    Start("SELECT count(k) AS n FROM demo GROUP BY rpad(k, 1000), TUMBLINGWINDOW(ss, 10)");
    SendKeys(2000);
    ASSERT_EQ(Node("window").dropped.load(), 0);
    bench_.scheduler.AdvanceTo(1'010'000);
    const metrics::NodeStats& groups = Node("aggregate");
    EXPECT_GT(groups.dropped.load(), 0);
    EXPECT_THAT(groups.texts().last_exception, StartsWith("the window has too many groups"));
    EXPECT_EQ(bench_.Take().size(), static_cast<size_t>(2000 - groups.dropped.load()));
}

TEST_F(WindowMemoryTest, ResultsForWhichThereIsNoRoomAreDroppedAndCounted) {
    Start("SELECT rpad(k, 1000) AS t FROM demo GROUP BY TUMBLINGWINDOW(ss, 10)");
    SendKeys(2000);
    bench_.scheduler.AdvanceTo(1'010'000);
    const metrics::NodeStats& project = Node("project");
    EXPECT_GT(project.dropped.load(), 0);
    EXPECT_THAT(project.texts().last_exception, StartsWith("the window has too many results"));
    EXPECT_EQ(bench_.Take().size(), static_cast<size_t>(2000 - project.dropped.load()));
}

TEST_F(WindowMemoryTest, PartitionsOfAnAnalyticCallForWhichThereIsNoRoomAreRefusedAndOldOnesGoOn) {
    Start("SELECT k, acc_count(k) OVER (PARTITION BY k) AS n FROM demo");
    SendKeys(kManyRows);
    const metrics::NodeStats& analytic = Node("analytic");
    const int64_t dropped = analytic.dropped.load();
    EXPECT_GT(dropped, 0);
    EXPECT_LT(dropped, kManyRows - 1000);
    EXPECT_THAT(analytic.texts().last_exception,
                testing::AllOf(StartsWith("call func acc_count error: what it remembers"),
                               HasSubstr("windowBytes (1 MiB)")));
    EXPECT_EQ(bench_.Take().size(), static_cast<size_t>(kManyRows - dropped));
    bench_.Send(R"({"k":"key7"})");
    EXPECT_THAT(bench_.Take(), testing::ElementsAre(R"({"k":"key7","n":2})"));
}

TEST_F(WindowMemoryTest, APartitionThatGrowsBeyondTheBoundBeginsAnew) {
    Start("SELECT lag(k, 100) AS l FROM demo");
    const std::string payload = R"({"k":")" + std::string(50'000, 'x') + R"("})";
    for (int i = 0; i < 50; ++i) {
        bench_.Send(payload);
    }
    const metrics::NodeStats& analytic = Node("analytic");
    EXPECT_GT(analytic.dropped.load(), 0);
    EXPECT_LT(analytic.dropped.load(), 5);
    EXPECT_THAT(analytic.texts().last_exception, HasSubstr("begins anew"));
}

TEST_F(WindowMemoryTest, RowsThatLeaveASlidingWindowMakeRoom) {
    Start("SELECT count(k) AS n FROM demo GROUP BY SLIDINGWINDOW(ms, 1)");
    for (int i = 0; i < kManyRows; ++i) {
        bench_.Send(R"({"k":"x"})");
        bench_.scheduler.AdvanceTo(bench_.scheduler.clock().NowMs() + 2);
    }
    EXPECT_EQ(Node("window").dropped.load(), 0);
    EXPECT_EQ(bench_.Take().size(), static_cast<size_t>(kManyRows));
}

TEST(WindowMemory, IsNamedInTheUnitThatFits) {
    EXPECT_EQ(WindowMemory(256U << 20U, false).Name(), "windowBytes (256 MiB)");
    EXPECT_EQ(WindowMemory(1'500'000, false).Name(), "windowBytes (1500000)");
}

}  // namespace
}  // namespace haumea::exec
