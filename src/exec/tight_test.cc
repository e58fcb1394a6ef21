#include "exec/tight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace haumea::exec {
namespace {

TEST(Permute, PutsAtEveryPlaceWhatTheOrderNames) {
    const std::vector<std::string> letters{"a", "b", "c", "d", "e"};
    std::vector<uint32_t> order{0, 1, 2, 3, 4};
    do {
        std::vector<std::string> permuted = letters;
        std::vector<std::string> expected;
        for (const uint32_t from : order) {
            expected.push_back(letters[from]);
        }
        std::vector<uint32_t> used = order;
        Permute(permuted, used);
        ASSERT_EQ(permuted, expected);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(ResizeTight, FollowsTheSizeBothWaysAndKeepsWhatStays) {
    std::vector<int> scratch;
    ResizeTight(scratch, 0, 100'000);
    EXPECT_EQ(scratch.capacity(), 100'000U);
    scratch.assign({1, 2, 3});
    ResizeTight(scratch, 3, 110'000);
    EXPECT_LT(scratch.capacity(), 130'000U) << "no doubling";
    ResizeTight(scratch, 2, 2);
    EXPECT_LT(scratch.capacity(), 100U);
    EXPECT_THAT(scratch, testing::ElementsAre(1, 2));
}

}  // namespace
}  // namespace haumea::exec
