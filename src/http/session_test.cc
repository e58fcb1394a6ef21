#include "http/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/testing/memory_stream.h"
#include "io/virtual_scheduler.h"

namespace haumea::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// One session between a handler that echoes and a client that the test plays.
class SessionTest : public testing::Test {
  protected:
    void Open(const Session::Options& options = {}) {
        auto [server_end, client_end] = io::testing::MakeMemoryPair(scheduler_);
        client_ = std::move(client_end);
        session_ = std::make_unique<Session>(
            scheduler_, std::move(server_end), options,
            [this](Request request) {
                ++handled_;
                return Response{
                    200, "text/plain", request.method + " " + request.path + " " + request.body, {}};
            },
            [this] { done_ = true; });
        session_->Start();
        scheduler_.RunPosted();
    }
    // What the client gets for these bytes.
    std::string Send(std::string_view bytes) {
        client_->WriteAll(bytes);
        scheduler_.RunPosted();
        return client_->ReadAll();
    }
    std::string StatusOf(std::string_view bytes) {
        Open();
        const std::string answer = Send(bytes);
        return answer.empty() ? "none" : answer.substr(0, answer.find("\r\n"));
    }

    io::VirtualScheduler scheduler_;
    std::unique_ptr<io::testing::MemoryStream> client_;
    std::unique_ptr<Session> session_;
    int handled_ = 0;
    bool done_ = false;
};

TEST_F(SessionTest, AnswersAndClosesInOrder) {
    Open();
    EXPECT_EQ(Send("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\nConnection: "
              "close\r\n\r\nPOST /a xyz");
    EXPECT_TRUE(client_->at_end());
    EXPECT_FALSE(done_);
    client_->Close();
    scheduler_.RunPosted();
    EXPECT_TRUE(done_);
}

TEST_F(SessionTest, TheSameAnswerWhereverTheBytesAreSplit) {
    const std::string request =
        "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2;q=1\r\nde\r\n0\r\n\r\n";
    for (size_t split = 1; split < request.size(); ++split) {
        Open();
        EXPECT_EQ(Send(request.substr(0, split)), "");
        EXPECT_THAT(Send(request.substr(split)), HasSubstr("\r\n\r\nPUT /x abcde")) << split;
    }
    // Found by fuzzing: nothing but the last chunk, byte by byte.
    const std::string empty = "PUT /y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (const auto& [text, wanted] : {std::pair(request, "PUT /x abcde"), std::pair(empty, "PUT /y ")}) {
        Open();
        std::string answer;
        for (const char c : text) {
            answer += Send(std::string(1, c));
        }
        EXPECT_THAT(answer, HasSubstr(wanted));
    }
}

TEST_F(SessionTest, TargetsInAbsoluteFormLoseTheAuthority) {
    Open();
    EXPECT_THAT(Send("GET http://h:1/p?q=/x#f HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("\r\n\r\nGET /p "));
}

TEST_F(SessionTest, HeadGetsNoBody) {
    Open();
    const std::string answer = Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(SessionTest, RequestsThatTwoReadersCouldReadDifferentlyAreRefused) {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
    for (const std::string& bad : {
             std::string("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
             std::string("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
             std::string("Content-Length: 3\r\nContent-Length: 4\r\n"),
             std::string("Content-Length: -3\r\n"),
             std::string("Content-Length: +3\r\n"),
             std::string("Content-Length: 0x3\r\n"),
             std::string("Content-Length: 99999999999999999999\r\n"),
             std::string("Transfer-Encoding: gzip, chunked\r\n"),
             std::string("Transfer-Encoding: xchunked\r\n"),
             std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
             std::string("Content-Length : 3\r\n"),
             std::string("Host: other\r\n"),
         }) {
        EXPECT_THAT(StatusOf(head + bad + "\r\nabc"), StartsWith("HTTP/1.1 400")) << bad;
    }
    EXPECT_THAT(StatusOf("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(StatusOf("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(StatusOf("GET / HTTP/3.0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(StatusOf("\x16\x03\x01 garbage\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(handled_, 1);
}

TEST_F(SessionTest, TrailersOfAChunkedBodyAreNoHeaders) {
    std::string request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n";
    for (int i = 0; i < 99; ++i) {
        request += "Origin: http://evil.example\r\n";
    }
    RequestReader reader({});
    ASSERT_EQ(reader.Feed(request + "\r\n"), RequestReader::State::kComplete);
    const Request taken = reader.TakeRequest();
    EXPECT_EQ(taken.headers.size(), 2U);
    EXPECT_EQ(taken.Header("Origin"), "");
    EXPECT_EQ(taken.body, "ab");
}

TEST_F(SessionTest, LimitsOfHeadHeadersAndBodyHaveTheirOwnStatus) {
    EXPECT_THAT(StatusOf("GET /" + std::string(70'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"),
                StartsWith("HTTP/1.1 431"));
    std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 120; ++i) {
        many += fmt::format("X{}: y\r\n", i);
    }
    EXPECT_THAT(StatusOf(many + "\r\n"), StartsWith("HTTP/1.1 431"));
    EXPECT_THAT(StatusOf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n"),
                StartsWith("HTTP/1.1 413"));
    Session::Options options;
    options.limits.max_body_bytes = 5;
    Open(options);
    EXPECT_THAT(
        Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n"),
        StartsWith("HTTP/1.1 413"));
    EXPECT_EQ(handled_, 0);
}

TEST_F(SessionTest, ExpectedContinueIsSentOnceTheHeadIsAccepted) {
    Open();
    EXPECT_EQ(Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
              "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_THAT(Send("ab"), HasSubstr("POST / ab"));
}

TEST_F(SessionTest, AClientThatDribblesIsAnswered408) {
    Open();
    Send("GET / HT");
    scheduler_.AdvanceTo(29'999);
    Send("TP/1.1\r\n");
    scheduler_.AdvanceTo(30'000);
    EXPECT_THAT(client_->ReadAll(), StartsWith("HTTP/1.1 408"));
    scheduler_.AdvanceTo(33'000);
    EXPECT_TRUE(done_);
}

TEST_F(SessionTest, WhatArrivedBeforeTheDeadlineCountsEvenWhenTheLoopWasBusy) {
    Open();
    client_->wire().pipes[1].bytes =
        "GET /late HTTP/1.1\r\nHost: h\r\n\r\n";  // in the socket, nobody was woken
    scheduler_.AdvanceTo(30'000);
    EXPECT_THAT(client_->ReadAll(), HasSubstr("GET /late"));
}

TEST_F(SessionTest, AClientThatDoesNotReadIsGivenUp) {
    Open();
    client_->wire().SetCapacity(0, 10);
    client_->WriteAll("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    scheduler_.AdvanceTo(29'999);
    EXPECT_FALSE(done_);
    scheduler_.AdvanceTo(30'001);
    EXPECT_TRUE(done_);
}

TEST_F(SessionTest, AClientThatLeavesInTheMiddleEndsTheSession) {
    Open();
    Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    client_->Close();
    scheduler_.RunPosted();
    EXPECT_TRUE(done_);
    EXPECT_EQ(handled_, 0);
}

TEST(SerializeResponse, UserTextCannotStartAHeader) {
    const Response response{200, "", "", {{"X-Haumea-Warning", "a\r\nSet-Cookie: b"}}};
    EXPECT_THAT(SerializeResponse(response, true), HasSubstr("X-Haumea-Warning: a  Set-Cookie: b\r\n"));
}

}  // namespace
}  // namespace haumea::http
