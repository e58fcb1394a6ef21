#include "exec/group_table.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::exec {
namespace {

constexpr size_t kNoLimit = SIZE_MAX / 2;

TEST(GroupTable, NumbersKeysInOrderOfFirstAppearance) {
    GroupTable table;
    EXPECT_EQ(table.Number("b", kNoLimit), 0U);
    EXPECT_EQ(table.Number("a", kNoLimit), 1U);
    EXPECT_EQ(table.Number("", kNoLimit), 2U);
    EXPECT_EQ(table.Number("b", kNoLimit), 0U);
    EXPECT_EQ(table.size(), 3U);
}

TEST(GroupTable, FindsEveryKeyAgainAfterGrowing) {
    GroupTable table;
    constexpr uint32_t kKeys = 10'000;
    for (int round = 0; round < 2; ++round) {
        for (uint32_t i = 0; i < kKeys; ++i) {
            ASSERT_EQ(table.Number("key" + std::to_string(i), kNoLimit), i);
        }
    }
}

TEST(GroupTable, KnowsOldKeysAndTakesNoNewOnesBeyondItsLimit) {
    GroupTable table;
    constexpr size_t kLimit = 256U << 10U;
    uint32_t known = 0;
    while (table.Number("key" + std::to_string(known), kLimit) != GroupTable::kFull) {
        ++known;
        ASSERT_LT(known, 100'000U);
    }
    EXPECT_GT(known, 1000U);
    EXPECT_LE(table.bytes(), 2 * kLimit);  // the last chunk of the arena
    EXPECT_EQ(table.Number("another", kLimit), GroupTable::kFull);
    EXPECT_EQ(table.Number("key7", kLimit), 7U);
}

TEST(GroupTable, StartsAnewWhenCleared) {
    GroupTable table;
    for (int i = 0; i < 100'000; ++i) {
        table.Number(std::to_string(i), kNoLimit);
    }
    table.Clear();
    EXPECT_EQ(table.size(), 0U);
    EXPECT_LE(table.bytes(), Arena::kMaxKeptBytes);
    EXPECT_EQ(table.Number("7", kNoLimit), 0U);
}

}  // namespace
}  // namespace haumea::exec
