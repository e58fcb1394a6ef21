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
    EXPECT_EQ(ParseHostPort("[fe80::1%eth0]", 443)->host, "fe80::1%eth0");
    EXPECT_EQ(ParseHostPort("My_Host-1.LOCAL.", 80)->host, "my_host-1.local.");
    EXPECT_EQ(ParseHostPort("b\xc3\xbc"
                            "cher.example",
                            80)
                  ->host,
              "b\xc3\xbc"
              "cher.example");
}

TEST(ParseHostPort, SaysWhatIsWrong) {
    for (const char* bad : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "::1", "[::1", "[::1]80",
                            "ws://host:80", "host/path", "wss://host", "[zz]:80", "[]:80", "[::1%]:80",
                            "a b:80", "a{b}:80", "a\r\nX: y", "a,b"}) {
        const auto parsed = ParseHostPort(bad, 80);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_THAT(parsed.error().message, ::testing::HasSubstr(std::string("address \"") + bad)) << bad;
    }
}

TEST(ParseHostPort, ShowsNoPassword) {
    const auto parsed = ParseHostPort("user:secret@host:80", 80);
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().message, ::testing::HasSubstr("\"******@host:80\""));
    EXPECT_THAT(parsed.error().message, ::testing::Not(::testing::HasSubstr("secret")));
}

TEST(ClientTarget, HeadersAreTheSameInAnyOrderAndCaseOfNames) {
    const auto with = [](std::vector<std::pair<std::string, std::string>> headers) {
        ClientTarget target{.host = "h"};
        target.headers = std::move(headers);
        return target;
    };
    EXPECT_EQ(with({{"X", "1"}, {"Y", "2"}}), with({{"y", "2"}, {"x", "1"}}));
    EXPECT_FALSE(with({{"X", "1"}, {"X", "2"}}) == with({{"X", "2"}, {"X", "1"}}));
    EXPECT_FALSE(with({{"X", "a"}}) == with({{"X", "A"}}));
    EXPECT_FALSE(with({{"X", "1"}}) == with({{"X", "1"}, {"X", "1"}}));
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
