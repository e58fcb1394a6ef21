#include "ws/http_head.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::ws {
namespace {

using Kind = HttpHeadReader::Kind;
using State = HttpHeadReader::State;

const std::string kRequest = "GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-Y:  v w \r\nEmpty:\r\n\r\n";

State Read(Kind kind, std::string_view bytes, HttpHeadLimits limits = {}) {
    HttpHeadReader whole(kind, limits);
    whole.Feed(bytes);
    HttpHeadReader slow(kind, limits);
    for (size_t i = 0; i < bytes.size(); ++i) {
        slow.Feed(bytes.substr(i, 1));
    }
    EXPECT_EQ(whole.state(), slow.state()) << bytes;
    EXPECT_STREQ(whole.problem(), slow.problem()) << bytes;
    return whole.state();
}
State ReadRequest(std::string_view bytes, HttpHeadLimits limits = {}) {
    return Read(Kind::kRequest, bytes, limits);
}

TEST(HttpHead, ReadsARequestCutAnywhere) {
    for (size_t cut = 0; cut <= kRequest.size(); ++cut) {
        HttpHeadReader reader(Kind::kRequest);
        size_t taken = reader.Feed(std::string_view(kRequest).substr(0, cut));
        taken += reader.Feed(std::string_view(kRequest).substr(cut));
        ASSERT_EQ(taken, kRequest.size());
        ASSERT_EQ(reader.state(), State::kDone) << cut;
        const HttpHead& head = reader.head();
        EXPECT_EQ(head.method, "GET");
        EXPECT_EQ(head.target, "/a?b=c");
        ASSERT_EQ(head.headers.size(), 3U);
        EXPECT_EQ(head.Find("host")->value, "example.org");
        EXPECT_EQ(head.Find("x-y")->value, "v w");
        EXPECT_EQ(head.Find("EMPTY")->value, "");
        EXPECT_EQ(head.Find("absent"), nullptr);
    }
}

TEST(HttpHead, LeavesWhatFollowsTheHead) {
    HttpHeadReader reader(Kind::kRequest);
    EXPECT_EQ(reader.Feed(kRequest + "\x81\x80\n\n"), kRequest.size());
    EXPECT_EQ(reader.Feed("more"), 0U);
}

TEST(HttpHead, RefusesLineFeedWithoutCarriageReturn) {
    EXPECT_EQ(ReadRequest("GET / HTTP/1.1\nHost: a\n\n"), State::kBad);
    EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\nHost: a\n\r\n"), State::kBad);
    EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\nHost: a\r\n\n"), State::kBad);
}

TEST(HttpHead, RefusesControlCharacters) {
    for (const char c : {'\0', '\r', '\x01', '\x7F', '\x0B', '\x1B'}) {
        EXPECT_EQ(ReadRequest(std::string("GET / HTTP/1.1\r\nHost: a") + c + "b\r\n\r\n"), State::kBad);
        EXPECT_EQ(ReadRequest(std::string("GET /a") + c + "b HTTP/1.1\r\nHost: a\r\n\r\n"), State::kBad);
    }
}

TEST(HttpHead, RefusesFoldedLines) {
    EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"), State::kBad);
    EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"), State::kBad);
}

TEST(HttpHead, RefusesBadHeaderNames) {
    for (const char* line :
         {"Host : a", "Ho st: a", ": a", "Host", "Ho(st: a", "H\xC3\xB6st: a", "\"Host\": a"}) {
        EXPECT_EQ(ReadRequest("GET / HTTP/1.1\r\n" + std::string(line) + "\r\n\r\n"), State::kBad) << line;
    }
}

TEST(HttpHead, RefusesBadRequestLines) {
    for (const char* line : {"GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
                             "GET / HTTP/2.0", "GET / HTTP/1.10", "GET / http/1.1", "GET /a b HTTP/1.1",
                             "GET /a#b HTTP/1.1", "GET /\xC3\xA4 HTTP/1.1", "GET HTTP/1.1", "G@T / HTTP/1.1",
                             "GET\t/\tHTTP/1.1", "PRI * HTTP/2.0", "", "GET"}) {
        EXPECT_EQ(ReadRequest(std::string(line) + "\r\nHost: a\r\n\r\n"), State::kBad) << line;
    }
}

TEST(HttpHead, NoticesAnotherProtocolAtItsFirstByte) {
    EXPECT_EQ(ReadRequest("\x16"), State::kBad);
    EXPECT_EQ(ReadRequest("\x81"), State::kBad);
    EXPECT_EQ(Read(Kind::kResponse, "\x15\x03"), State::kBad);
    EXPECT_EQ(Read(Kind::kResponse, "SSH-2.0"), State::kBad);
    EXPECT_EQ(Read(Kind::kResponse, "HTTP/2"), State::kBad);
    EXPECT_EQ(Read(Kind::kResponse, "HTTP/1."), State::kReading);
}

TEST(HttpHead, BoundsHeadLinesAndCount) {
    const HttpHeadLimits limits{.max_head_bytes = 200, .max_line_bytes = 50, .max_headers = 3};
    const std::string start = "GET / HTTP/1.1\r\n";
    EXPECT_EQ(ReadRequest(start + std::string(50, 'a'), limits), State::kReading);
    EXPECT_EQ(ReadRequest(start + std::string(53, 'a'), limits), State::kTooLarge);
    EXPECT_EQ(ReadRequest("GET /" + std::string(60, 'a'), limits), State::kTooLarge);
    EXPECT_EQ(ReadRequest(start + "a: 1\r\nb: 1\r\nc: 1\r\n\r\n", limits), State::kDone);
    EXPECT_EQ(ReadRequest(start + "a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n", limits), State::kTooLarge);
    // Both limits in one line: the outcome is that of the first one met, whole or byte by byte.
    EXPECT_EQ(
        ReadRequest(start + "a: " + std::string(300, 'x'), {.max_head_bytes = 60, .max_line_bytes = 50}),
        State::kTooLarge);
    std::string many = start;
    for (int i = 0; i < 5; ++i) {
        many += "a: " + std::string(40, 'x') + "\r\n";
    }
    EXPECT_EQ(ReadRequest(many, {.max_head_bytes = 200, .max_line_bytes = 50, .max_headers = 100}),
              State::kTooLarge);
}

TEST(HttpHead, EndlessHeadTakesNoMoreThanTheLimit) {
    HttpHeadReader reader(Kind::kRequest);
    reader.Feed("GET / HTTP/1.1\r\n");
    const std::string piece = "X: " + std::string(1000, 'x') + "\r\n";
    for (int i = 0; i < 10000; ++i) {
        reader.Feed(piece);
    }
    EXPECT_EQ(reader.state(), State::kTooLarge);
    EXPECT_LE(reader.head_bytes(), HttpHeadLimits().max_head_bytes);
}

TEST(HttpHead, ReadsResponses) {
    HttpHeadReader reader(Kind::kResponse);
    reader.Feed("HTTP/1.0 404 Not  Found\r\nA: b\r\n\r\n");
    ASSERT_EQ(reader.state(), State::kDone);
    EXPECT_EQ(reader.head().status, 404);
    EXPECT_EQ(reader.head().status_text, "Not  Found");
    EXPECT_EQ(reader.head().minor_version, 0);
    EXPECT_EQ(Read(Kind::kResponse, "HTTP/1.1 101\r\n\r\n"), State::kDone);
    EXPECT_EQ(Read(Kind::kResponse, "HTTP/1.1 101 \r\n\r\n"), State::kDone);
}

TEST(HttpHead, RefusesBadStatusLines) {
    for (const char* line : {"HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 1", "HTTP/1.1 1x1 A", "HTTP/1.1 1010 A",
                             "HTTP/1.1  101", "HTTP/1.1 001 A", "HTTP/1.x 101 A", "HTTP/1.1\t101 A"}) {
        EXPECT_EQ(Read(Kind::kResponse, std::string(line) + "\r\n\r\n"), State::kBad) << line;
    }
}

TEST(HttpHead, FindsListTokensOverAllLines) {
    HttpHeadReader reader(Kind::kRequest);
    reader.Feed("GET / HTTP/1.1\r\nConnection: keep-alive , Upgrade\r\nconnection: x\r\n\r\n");
    const HttpHead& head = reader.head();
    EXPECT_TRUE(head.HasListToken("Connection", "upgrade"));
    EXPECT_TRUE(head.HasListToken("Connection", "X"));
    EXPECT_FALSE(head.HasListToken("Connection", "keep"));
    EXPECT_EQ(head.Count("CONNECTION"), 2U);
    EXPECT_EQ(head.Joined("connection"), "keep-alive , Upgrade, x");
}

TEST(HttpHead, ResetReadsAnother) {
    HttpHeadReader reader(Kind::kRequest);
    reader.Feed("\x16");
    reader.Reset();
    reader.Feed(kRequest);
    EXPECT_EQ(reader.state(), State::kDone);
}

}  // namespace
}  // namespace haumea::ws
