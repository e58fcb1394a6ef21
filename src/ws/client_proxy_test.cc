#include "ws/client_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haumea::ws {
namespace {

using testing::HasSubstr;

TEST(Proxy, IsWrittenAsHostAndPortOrAsUrl) {
    EXPECT_EQ(ParseProxy("h:3128")->Name(), "h:3128");
    EXPECT_EQ(ParseProxy("http://h:3128/")->Name(), "h:3128");
    EXPECT_EQ(ParseProxy("http://h")->port, 80);
    EXPECT_EQ(ParseProxy("http://[::1]:8")->host, "::1");
    EXPECT_EQ(ParseProxy("h:1")->authorization, "");
}

TEST(Proxy, CredentialsAreDecodedAndSentAsBasic) {
    // RFC 7617 2: "Aladdin:open sesame".
    EXPECT_EQ(ParseProxy("http://Aladdin:open%20sesame@h:1")->authorization,
              "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(ParseProxy("http://u@h:1")->authorization, "Basic dTo=");
    EXPECT_EQ(MakeConnectRequest(*ParseProxy("http://u@h:1"), "r:80"),
              "CONNECT r:80 HTTP/1.1\r\nHost: r:80\r\nProxy-Authorization: Basic dTo=\r\n\r\n");
    EXPECT_EQ(MakeConnectRequest(*ParseProxy("h:1"), "[::1]:80"),
              "CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

TEST(Proxy, MistakesAreNamedWithoutThePassword) {
    for (const auto& [text, reason] : {std::pair("https://h:1", "has to be http"),
                                       {"socks5://h:1", "has to be http"},
                                       {"u:s3cret@h:1", "http://user:password@host:port"},
                                       {"http://u:s3cret%4@h:1", "%XX"},
                                       {"http://u%3A:s3cret@h:1", "malformed"},
                                       {"http://u:s3cret@h:0", "h:0"},
                                       {"http://u:s3cret@h\r\nX: y", "is not"},
                                       {"http://u:s3cret@/", "no host"}}) {
        const auto parsed = ParseProxy(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_THAT(parsed.error().message, HasSubstr(reason)) << text;
        EXPECT_EQ(parsed.error().message.find("s3cret"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace haumea::ws
