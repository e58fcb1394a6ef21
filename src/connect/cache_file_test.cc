#include "connect/cache_file.h"

#include <gtest/gtest.h>

namespace haumea::connect {
namespace {

TEST(CacheFile, EveryRuleHasAFolderOfItsOwn) {
    EXPECT_EQ(CacheFile("d", "r1", "websocket_0"), "d/cache/r1/websocket_0.db");
    EXPECT_EQ(CacheFolder("d", "a-b_C"), "d/cache/a-b_C");
    EXPECT_EQ(CacheFolder("d", "../x y"), "d/cache/%2E%2E%2Fx%20y");
    EXPECT_NE(CacheFolder("d", std::string(300, 'a')), CacheFolder("d", std::string(301, 'a')));
    EXPECT_LT(CacheFolder("d", std::string(3000, '\xff')).size(), 220U);
}

}  // namespace
}  // namespace haumea::connect
