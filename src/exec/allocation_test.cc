#include "base/allocation_count.h"

#ifdef HAUMEA_COUNTS_ALLOCATIONS
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "exec/pipeline_test_support.h"

namespace haumea::exec {
namespace {

struct Case {
    std::string name;
    std::string sql;

    friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.sql; }
};

class EventPathTest : public testing::TestWithParam<Case> {};

// What an event costs once the rule has seen a few: the arena and the buffers are reused.
TEST_P(EventPathTest, DoesNotAllocateAfterWarmUp) {
    constexpr size_t kEvents = 1000;
    RuleBench bench;
    ASSERT_EQ(bench.CreateStream(R"(CREATE STREAM demo () WITH (DATASOURCE="/demo", TYPE="websocket"))"), "");
    ASSERT_EQ(
        bench.CreateStream(
            R"(CREATE STREAM ty (id BIGINT, temp FLOAT, name STRING) WITH (DATASOURCE="/ty", TYPE="websocket"))"),
        "");
    ASSERT_EQ(bench.StartRule(GetParam().sql), "");
    bench.action->discard = true;
    const BufferView payload = BufferView::Copy(
        R"({"id":7,"temp":21.5,"name":"a name beyond the short string","o":{"v":1},"arr":[1,2,3]})");
    const auto send = [&] {
        for (size_t i = 0; i < kEvents; ++i) {
            bench.source->listener->OnBytes(payload, 1'000'000, nullptr);
        }
    };
    send();
    ASSERT_EQ(bench.action->discarded, kEvents);
    const size_t before = allocation_count.load();
    send();
    EXPECT_EQ(allocation_count.load() - before, 0U);
    EXPECT_EQ(bench.action->discarded, 2 * kEvents);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, EventPathTest,
    testing::Values(
        Case{"star", "SELECT * FROM demo"},
        Case{"filter", "SELECT id, name FROM demo WHERE temp > 20 AND name LIKE \"a%\""},
        Case{"calculation", "SELECT temp * 1.8 + 32 AS f, id % 2 = 1 AS odd FROM demo"},
        Case{"access", "SELECT o->v AS v, arr[0] AS first FROM demo"},
        Case{"texts", "SELECT upper(name) AS u, concat(name, \"!\") AS c, length(name) AS l FROM demo"},
        Case{"choice", "SELECT CASE WHEN temp > 30 THEN \"hot\" ELSE \"fine\" END AS t FROM demo"},
        Case{"alias", "SELECT temp * 2 AS t, t + 1 AS u FROM demo WHERE t > 1"},
        Case{"look_back",
             "SELECT id, lag(temp) AS l, acc_avg(temp) AS a FROM demo WHERE had_changed(true, nope) = false"},
        Case{"typed", "SELECT id, temp, name FROM ty WHERE id = 7"}, Case{"typed_star", "SELECT * FROM ty"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace haumea::exec

#endif
