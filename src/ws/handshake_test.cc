#include "ws/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haumea::ws {
namespace {

using Lines = std::vector<std::string>;

const Lines kGood = {"GET /chat?x=1 HTTP/1.1",    "Host: server.example.com",
                     "Upgrade: websocket",        "Connection: Upgrade",
                     "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="};

Lines Without(const std::string& name) {
    Lines lines;
    for (const std::string& line : kGood) {
        if (!line.starts_with(name)) {
            lines.push_back(line);
        }
    }
    return lines;
}
Lines With(const std::string& line, Lines lines = kGood) {
    lines.push_back(line);
    return lines;
}
// Replaces the line that starts like `line` up to its colon.
Lines Replace(const std::string& line) { return With(line, Without(line.substr(0, line.find(':') + 1))); }

// Keeps the reader alive beside what points into it.
struct Checked {
    HttpHeadReader reader{HttpHeadReader::Kind::kRequest};
    UpgradeCheck check;

    explicit Checked(const Lines& lines) {
        for (const std::string& line : lines) {
            reader.Feed(line + "\r\n");
        }
        reader.Feed("\r\n");
        if (reader.state() == HttpHeadReader::State::kDone) {
            check = CheckUpgrade(reader.head());
        } else {
            check.rejection = RejectBadHead(reader);
        }
    }
    int status() const { return check.rejection ? check.rejection->status : 101; }
    bool Says(std::string_view text) const {
        return check.rejection && check.rejection->response.find(text) != std::string::npos;
    }
};

TEST(Handshake, AcceptKeyOfTheRfcExample) {
    EXPECT_EQ(AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, AcceptsTheRfcExample) {
    const Checked checked(kGood);
    ASSERT_EQ(checked.status(), 101);
    const UpgradeRequest& request = checked.check.request;
    EXPECT_EQ(request.path, "/chat");
    EXPECT_EQ(request.query, "x=1");
    EXPECT_EQ(request.host, "server.example.com");
    EXPECT_EQ(request.origin, "");
    EXPECT_EQ(AcceptUpgrade(request, {}).response,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST(Handshake, HeaderNamesAndTokensAreCaseInsensitive) {
    EXPECT_EQ(Checked({"GET / HTTP/1.1", "HOST: a", "upgrade: WebSocket", "CONNECTION: keep-alive, UPGRADE",
                       "sec-websocket-version: 13", "SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ=="})
                  .status(),
              101);
}

TEST(Handshake, RefusesOtherMethodsWith405) {
    for (const char* method : {"POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "get"}) {
        Lines lines = kGood;
        lines[0] = std::string(method) + " /chat HTTP/1.1";
        const Checked checked(lines);
        EXPECT_EQ(checked.status(), 405) << method;
        EXPECT_TRUE(checked.Says("\r\nAllow: GET\r\n"));
    }
}

TEST(Handshake, RefusesOtherVersionsWith426NamingOurs) {
    for (const char* version : {"8", "14", "013", "13, 8", "x"}) {
        const Checked checked(Replace("Sec-WebSocket-Version: " + std::string(version)));
        EXPECT_EQ(checked.status(), 426) << version;
        EXPECT_TRUE(checked.Says("\r\nSec-WebSocket-Version: 13\r\n"));
    }
}

TEST(Handshake, RefusesIncompleteUpgradesWith400NamingTheVersion) {
    for (const char* name : {"Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key", "Host"}) {
        const Checked checked(Without(name));
        EXPECT_EQ(checked.status(), 400) << name;
        EXPECT_TRUE(checked.Says("\r\nSec-WebSocket-Version: 13\r\n")) << name;
        EXPECT_TRUE(checked.Says("\r\nConnection: close\r\n")) << name;
    }
    EXPECT_EQ(Checked(Replace("Upgrade: h2c")).status(), 400);
    EXPECT_EQ(Checked(Replace("Connection: keep-alive")).status(), 400);
}

TEST(Handshake, RefusesDoubledHeaders) {
    for (const char* line :
         {"Host: other", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}) {
        EXPECT_EQ(Checked(With(line)).status(), 400) << line;
    }
    EXPECT_EQ(Checked(With("Origin: http://b", With("Origin: http://a"))).status(), 400);
}

TEST(Handshake, RefusesBodies) {
    for (const char* line :
         {"Content-Length: 5", "Content-Length: 00", "Content-Length: +0", "Content-Length: 0, 0",
          "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "transfer-encoding:"}) {
        EXPECT_EQ(Checked(With(line)).status(), 400) << line;
    }
    EXPECT_EQ(Checked(With("Content-Length: 0")).status(), 101);
    EXPECT_EQ(Checked(With("Content-Length: 0", With("Content-Length: 0"))).status(), 400);
}

TEST(Handshake, RefusesKeysThatAreNot16Bytes) {
    for (const char* key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=",
                            "dGhlIHNhbXBsZSBub25jZXM=", "dGhlIHNhbXBsZSBub25j*Q==", "dGhlIHNhbXBsZQ=="}) {
        EXPECT_EQ(Checked(Replace("Sec-WebSocket-Key: " + std::string(key))).status(), 400) << key;
    }
}

TEST(Handshake, RefusesBadHosts) {
    for (const char* host : {"", "a b", "a/b", "user@a", "a,b", "a?b"}) {
        EXPECT_EQ(Checked(Replace("Host: " + std::string(host))).status(), 400) << host;
    }
}

TEST(Handshake, RefusesHttp10) {
    Lines lines = kGood;
    lines[0] = "GET / HTTP/1.0";
    EXPECT_EQ(Checked(lines).status(), 400);
}

TEST(Handshake, TakesThePathOfAnAbsoluteTarget) {
    const auto path = [](const std::string& target) {
        Lines lines = kGood;
        lines[0] = "GET " + target + " HTTP/1.1";
        const Checked checked(lines);
        return checked.status() == 101 ? std::string(checked.check.request.path) : "refused";
    };
    EXPECT_EQ(path("http://a/x/y?z"), "/x/y");
    EXPECT_EQ(path("ws://a"), "/");
    EXPECT_EQ(path("wss://a?x"), "/");
    EXPECT_EQ(path("/?x"), "/");
    EXPECT_EQ(path("*"), "refused");
    EXPECT_EQ(path("ftp://a/x"), "refused");
    EXPECT_EQ(path("http:///x"), "refused");
    EXPECT_EQ(path("x"), "refused");
}

TEST(Handshake, OversizedHeadIs431AndMalformedOne400) {
    HttpHeadReader large(HttpHeadReader::Kind::kRequest);
    large.Feed("GET /" + std::string(20000, 'x'));
    EXPECT_EQ(RejectBadHead(large).status, 431);
    EXPECT_EQ(Checked({"GET / HTTP/1.1", "Bad Name: x"}).status(), 400);
}

TEST(Handshake, RejectionIsACompleteResponse) {
    const Rejection rejection = Reject(403, "origin refused", {});
    EXPECT_EQ(
        rejection.response,
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "X-Content-Type-Options: nosniff\r\nContent-Length: 15\r\nConnection: close\r\n\r\norigin refused\n");
}

TEST(Handshake, ChoosesOurFirstSubprotocolThatWasOffered) {
    const Checked checked(With("Sec-WebSocket-Protocol: d", With("Sec-WebSocket-Protocol: a, b ,c")));
    ASSERT_EQ(checked.status(), 101);
    EXPECT_EQ(checked.check.request.subprotocols, (std::vector<std::string_view>{"a", "b", "c", "d"}));
    AcceptOptions options;
    options.subprotocols = {"x", "d", "a"};
    const AcceptedUpgrade accepted = AcceptUpgrade(checked.check.request, options);
    EXPECT_EQ(accepted.subprotocol, "d");
    EXPECT_NE(accepted.response.find("\r\nSec-WebSocket-Protocol: d\r\n"), std::string::npos);
    options.subprotocols = {"A"};
    EXPECT_EQ(AcceptUpgrade(checked.check.request, options).response.find("Protocol:"), std::string::npos);
}

TEST(Handshake, RefusesMalformedSubprotocolsAndExtensions) {
    for (const char* line :
         {"Sec-WebSocket-Protocol: a b", "Sec-WebSocket-Protocol: a, a", "Sec-WebSocket-Protocol: a;b",
          "Sec-WebSocket-Extensions: foo;", "Sec-WebSocket-Extensions: a b"}) {
        EXPECT_EQ(Checked(With(line)).status(), 400) << line;
    }
}

TEST(Handshake, AgreesOnDeflateOverSeveralLines) {
    const Checked checked(With("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
                               With("Sec-WebSocket-Extensions: foo")));
    AcceptOptions options;
    EXPECT_FALSE(AcceptUpgrade(checked.check.request, options).deflate.enabled);
    options.deflate.enabled = true;
    const AcceptedUpgrade accepted = AcceptUpgrade(checked.check.request, options);
    EXPECT_TRUE(accepted.deflate.enabled);
    EXPECT_TRUE(accepted.deflate.server_no_context_takeover);
    EXPECT_NE(accepted.response.find(
                  "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"),
              std::string::npos);
}

TEST(Handshake, BoundsTheNumberOfSubprotocols) {
    std::string line = "Sec-WebSocket-Protocol: p";
    for (int i = 0; i < 63; ++i) {
        line += ", p" + std::to_string(i);
    }
    EXPECT_EQ(Checked(With(line)).status(), 101);
    EXPECT_EQ(Checked(With(line + ", more")).status(), 400);
}

}  // namespace
}  // namespace haumea::ws
