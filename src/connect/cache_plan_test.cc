#include "connect/cache_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace haumea::connect {
namespace {

std::vector<config::Node> Actions(const char* json) {
    const config::Node list = std::move(*config::ParseJson(json));
    return {list.array().begin(), list.array().end()};
}

TEST(CachePlan, CachesGoWithTheirActions) {
    struct Case {
        const char* before;
        const char* after;
        std::map<std::string, std::string> moves;
        std::set<std::string> kept;
        std::set<std::string> gone;
    };
    const Case cases[] = {
        {R"([{"w":{"p":1}},{"w":{"p":2}}])", R"([{"w":{"p":1}},{"w":{"p":2}}])", {}, {"w_0", "w_1"}, {}},
        {R"([{"w":{"p":1}},{"w":{"p":2}}])", R"([{"w":{"p":2}}])", {{"w_1", "w_0"}}, {}, {"w_0"}},
        {R"([{"w":{"p":1}},{"w":{"p":2}}])",
         R"([{"w":{"p":2}},{"w":{"p":1}}])",
         {{"w_0", "w_1"}, {"w_1", "w_0"}},
         {},
         {}},
        {R"([{"w":{"p":1}},{"w":{"p":2}}])",
         R"([{"w":{"p":3}},{"w":{"p":1}},{"w":{"p":2}}])",
         {{"w_0", "w_1"}, {"w_1", "w_2"}},
         {},
         {}},
        // One that was edited keeps what its place has.
        {R"([{"w":{"p":1}},{"w":{"p":2}}])", R"([{"w":{"p":9}},{"w":{"p":2}}])", {}, {"w_0", "w_1"}, {}},
        {R"([{"w":{"p":1}}])", R"([{"x":{"p":1}}])", {}, {}, {"w_0"}},
        {R"([{"w":{"p":1}},{"w":{"p":1}}])", R"([{"w":{"p":1}}])", {}, {"w_0"}, {"w_1"}},
        {R"([{"w":{"p":1},"x":{}}])",
         R"([{"nop":{}},{"w":{"p":1},"x":{}}])",
         {{"w_0", "w_1"}, {"x_0", "x_1"}},
         {},
         {}},
    };
    for (const Case& c : cases) {
        const CachePlan plan = PlanCaches(Actions(c.before), Actions(c.after));
        EXPECT_EQ(plan.moves, c.moves) << c.before << c.after;
        EXPECT_EQ(plan.kept, c.kept) << c.before << c.after;
        EXPECT_EQ(plan.gone, c.gone) << c.before << c.after;
    }
}

}  // namespace
}  // namespace haumea::connect
