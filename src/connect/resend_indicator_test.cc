#include "connect/resend_indicator.h"

#include <gtest/gtest.h>

namespace haumea::connect {
namespace {

std::string Set(std::string_view json, std::string_view field = "m") {
    BufferBuilder out;
    return SetIndicator(json, field, out) ? std::string(out.view()) : "no";
}

TEST(ResendIndicator, IsSetInEveryObjectWhereSortingPutsIt) {
    EXPECT_EQ(Set(R"({"a":1,"z":2})"), R"({"a":1,"m":true,"z":2})");
    EXPECT_EQ(Set("{}"), R"({"m":true})");
    EXPECT_EQ(Set(R"([{"a":{"m":[1,"}"]}},{}])"), R"([{"a":{"m":[1,"}"]},"m":true},{"m":true}])");
    EXPECT_EQ(Set(R"([[{"n":1}],[]])"), R"([[{"m":true,"n":1}],[]])");
    EXPECT_EQ(Set("[]"), "[]");
}

TEST(ResendIndicator, ReplacesAFieldOfThatName) {
    EXPECT_EQ(Set(R"({"m":false,"n":1})"), R"({"m":true,"n":1})");
    EXPECT_EQ(Set(R"({"z":1,"m":false})"), R"({"m":true,"z":1})");
    EXPECT_EQ(Set(R"({"a":1,"q\"":2})", "q\""), R"({"a":1,"q\"":true})");
}

TEST(ResendIndicator, LeavesWhatIsNoObjectAlone) {
    for (const char* text : {"", "1", "\"x\"", "null", "[1]", "{\"a\":1", "{\"a\"}", "{\"a\":}", "x{}",
                             "{} {}", "[{}", "{\"a\":1,}", "[[[[[[{}]]]]]]", "{\"a\":\"", "{\"a\":1]"}) {
        EXPECT_EQ(Set(text), "no") << text;
    }
}

}  // namespace
}  // namespace haumea::connect
