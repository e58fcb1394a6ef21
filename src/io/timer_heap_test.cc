#include "io/timer_heap.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

namespace haumea::io {
namespace {

TEST(TimerHeap, BehavesLikeASortedSetUnderRandomUse) {
    std::mt19937 random(7);  // NOLINT: the same run each time
    TimerHeap heap;
    std::set<std::pair<int64_t, uint64_t>> model;  // due, start order
    std::vector<std::pair<TimerHeap::TimerId, std::pair<int64_t, uint64_t>>> started;
    uint64_t ran = 0;
    for (uint64_t i = 1; i <= 20'000; ++i) {
        const uint32_t action = random() % 4;
        if (action < 2) {
            const int64_t due = random() % 500;
            model.emplace(due, i);
            started.emplace_back(heap.Add(due, [&ran, i] { ran = i; }), std::pair(due, i));
            EXPECT_NE(started.back().first, 0U);
        } else if (action == 2 && !started.empty()) {
            const auto& [id, key] = started[random() % started.size()];
            heap.Cancel(id);  // perhaps of one that ran already
            model.erase(key);
        } else if (!model.empty()) {
            ASSERT_EQ(heap.next_due(), model.begin()->first);
            heap.TakeFirst()();
            EXPECT_EQ(ran, model.begin()->second);
            model.erase(model.begin());
        }
        ASSERT_EQ(heap.size(), model.size());
    }
}

TEST(TimerHeap, AnOldIdDoesNotCancelANewTimer) {
    TimerHeap heap;
    const TimerHeap::TimerId old_id = heap.Add(1, [] {});
    heap.TakeFirst();
    heap.Add(2, [] {});
    heap.Cancel(old_id);
    EXPECT_EQ(heap.size(), 1U);
}

}  // namespace
}  // namespace haumea::io
