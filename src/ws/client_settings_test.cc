#include "ws/client_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haumea::ws {
namespace {

TEST(ParseHostPort, TakesNamesAddressesAndBrackets) {
    EXPECT_EQ(ParseHostPort("host:81", 80)->host, "host");
    EXPECT_EQ(ParseHostPort("host:81", 80)->port, 81);
    EXPECT_EQ(ParseHostPort("host", 80)->port, 80);
    EXPECT_EQ(ParseHostPort("[::1]:81", 80)->host, "::1");
    EXPECT_EQ(ParseHostPort("[::1]:81", 80)->port, 81);
    EXPECT_EQ(ParseHostPort("[::1]", 443)->port, 443);
}

TEST(ParseHostPort, SaysWhatIsWrong) {
    for (const char* bad : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "::1", "[::1", "[::1]80",
                            "ws://host:80", "host/path"}) {
        const auto parsed = ParseHostPort(bad, 80);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_THAT(parsed.error().message, ::testing::HasSubstr(std::string("address \"") + bad)) << bad;
    }
}

TEST(ClientTarget, EqualOnlyWhenTheDialIsTheSame) {
    const ClientTarget base{.host = "h", .path = "/x?a=1"};
    EXPECT_EQ(base, base);
    ClientTarget other = base;
    other.path = "/x?a=2";
    EXPECT_FALSE(base == other);
    other = base;
    other.headers = {{"X", "1"}};
    EXPECT_FALSE(base == other);
    other = base;
    other.tls.emplace();
    EXPECT_FALSE(base == other);
    other = base;
    other.deflate.enabled = true;
    EXPECT_FALSE(base == other);
}

TEST(ClientTarget, UrlShowsNoQuery) {
    EXPECT_EQ((ClientTarget{.host = "::1", .port = 81, .path = "/x?token=secret"}).Url(), "ws://[::1]:81/x");
}

TEST(DifferingSettings, NamesThem) {
    ClientBehaviour a;
    ClientBehaviour b;
    EXPECT_TRUE(DifferingSettings(a, b).empty());
    b.ping_interval_ms = 1;
    b.reconnect.max_ms = 1;
    EXPECT_THAT(DifferingSettings(a, b), ::testing::ElementsAre("reconnectMaxDelay", "pingInterval"));
}

}  // namespace
}  // namespace haumea::ws
