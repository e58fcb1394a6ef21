#include "expr/like.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::expr {
namespace {

struct LikeCase {
    std::string_view text;
    std::string_view pattern;
    bool match;
};

class LikeMatchTest : public testing::TestWithParam<LikeCase> {};

TEST_P(LikeMatchTest, FollowsTheRuleOfTheOperator) {
    EXPECT_EQ(LikeMatch(GetParam().text, GetParam().pattern), GetParam().match)
        << GetParam().text << " LIKE " << GetParam().pattern;
}

INSTANTIATE_TEST_SUITE_P(Wildcards, LikeMatchTest,
                         testing::Values(LikeCase{"Hello World", "Hello World", true}, LikeCase{"", "", true},
                                         LikeCase{"", "%", true}, LikeCase{"", "_", false},
                                         LikeCase{"Hello", "H_llo%", true}, LikeCase{"Hello", "hello", false},
                                         LikeCase{"héllo", "h_llo", true}, LikeCase{"日本", "__", true},
                                         LikeCase{"日本", "___", false}, LikeCase{"abcabd", "%abd", true},
                                         LikeCase{"abcabd", "%b%b%", true}, LikeCase{"abc", "%c%d", false}));
INSTANTIATE_TEST_SUITE_P(Literals, LikeMatchTest,
                         testing::Values(LikeCase{"a.b", "a.b", true}, LikeCase{"axb", "a.b", false},
                                         LikeCase{"a(b", "a(b", true}, LikeCase{"50%", "50\\%", true},
                                         LikeCase{"500", "50\\%", false}, LikeCase{"a_b", "a\\_b", true},
                                         LikeCase{"axb", "a\\_b", false}, LikeCase{"a\\b", "a\\\\b", true},
                                         LikeCase{"a\\b", "a\\b", true}));
INSTANTIATE_TEST_SUITE_P(LineFeeds, LikeMatchTest,
                         testing::Values(LikeCase{"a\nb", "a%b", false}, LikeCase{"a\nb", "a_b", false},
                                         LikeCase{"a\nb", "a\n%", true}));

TEST(LikeMatch, IsNotExponentialInTheNumberOfWildcards) {
    const std::string text(20'000, 'a');
    std::string pattern;
    for (int i = 0; i < 50; ++i) {
        pattern += "%a";
    }
    EXPECT_EQ(LikeMatch(text, pattern + "b"), false);
}

TEST(LikeMatch, GivesUpWhereItWouldCompareForMinutes) {
    const std::string text(2'000'000, 'a');
    const std::string part(1'000'000, 'a');
    EXPECT_EQ(LikeMatch(text, "%" + part + "b%"), std::nullopt);
    EXPECT_EQ(LikeMatch(text, "%" + part + "%"), true);
}

}  // namespace
}  // namespace haumea::expr
