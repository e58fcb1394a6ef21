#include "ws/origin.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haumea::ws {
namespace {

bool Allowed(std::string_view origin, std::string_view host = "example.org:10081", Peer peer = Peer::kRemote,
             const std::vector<std::string>& list = {}) {
    return IsOriginAllowed(origin, host, peer, list);
}

TEST(Origin, RequestWithoutOriginIsAccepted) { EXPECT_TRUE(Allowed("")); }

TEST(Origin, SameHostOnAnyPortIsAccepted) {
    EXPECT_TRUE(Allowed("http://example.org"));
    EXPECT_TRUE(Allowed("https://EXAMPLE.org:8443"));
    EXPECT_TRUE(Allowed("http://[2001:db8::1]:80", "[2001:db8::1]:10081"));
    EXPECT_TRUE(Allowed("http://example.org.", "example.org"));
}

TEST(Origin, OtherHostIsRefused) {
    EXPECT_FALSE(Allowed("http://evil.example"));
    EXPECT_FALSE(Allowed("http://example.org.evil.example"));
    EXPECT_FALSE(Allowed("http://sub.example.org"));
    EXPECT_FALSE(Allowed("http://[2001:db8::2]", "[2001:db8::1]"));
}

TEST(Origin, LoopbackIsAccepted) {
    for (const char* origin : {"http://localhost:3000", "http://127.0.0.1", "https://127.1.2.3:1",
                               "http://[::1]:8080", "http://app.localhost"}) {
        EXPECT_TRUE(Allowed(origin)) << origin;
    }
}

TEST(Origin, LookalikesOfLoopbackAreRefused) {
    for (const char* origin :
         {"http://127.0.0.1.evil.example", "http://127.evil.example", "http://localhost.evil",
          "http://127.0.0.256", "http://127.0.0.1.2", "http://notlocalhost", "http://127.0.0",
          "http://localhost@evil.example", "http://evil.example#localhost", "http://[::1].evil",
          "http://localhost:80:evil", "http://evil.example/localhost"}) {
        EXPECT_FALSE(Allowed(origin)) << origin;
    }
}

TEST(Origin, FilePageIsAcceptedOnlyFromLoopback) {
    EXPECT_TRUE(Allowed("null", "example.org", Peer::kLoopback));
    EXPECT_FALSE(Allowed("null", "example.org", Peer::kRemote));
    EXPECT_TRUE(Allowed("null", "example.org", Peer::kRemote, {"null"}));
}

TEST(Origin, MalformedOriginIsRefusedEvenWithAMalformedHost) {
    for (const char* origin :
         {"example.org", "://example.org", "http://", "http:///x", "http://[::1", "ht tp://example.org"}) {
        EXPECT_FALSE(Allowed(origin, "")) << origin;
        EXPECT_FALSE(Allowed(origin, "[")) << origin;
    }
}

TEST(Origin, ListAllowsExactOriginsInAnyCase) {
    EXPECT_TRUE(
        Allowed("https://App.example", "h", Peer::kRemote, {"https://other", "https://app.example/"}));
    EXPECT_FALSE(Allowed("http://app.example", "h", Peer::kRemote, {"https://app.example"}));
    EXPECT_FALSE(Allowed("https://app.example:8443", "h", Peer::kRemote, {"https://app.example"}));
    EXPECT_FALSE(Allowed("https://app.example", "h", Peer::kRemote, {""}));
}

TEST(Origin, StarAllowsAll) { EXPECT_TRUE(Allowed("http://evil.example", "h", Peer::kRemote, {"*"})); }

}  // namespace
}  // namespace haumea::ws
