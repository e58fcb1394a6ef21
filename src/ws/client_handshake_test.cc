#include "ws/client_handshake.h"

#include <gtest/gtest.h>

#include <string>

#include "ws/handshake.h"

namespace haumea::ws {
namespace {

using State = ClientHandshake::State;
using Step = ClientHandshake::Step;

// The nonce of the RFC's example.
ClientRequest Request() {
    ClientRequest request;
    request.host = "server.example.com";
    request.target = "/chat";
    const std::string nonce = "the sample nonce";
    std::copy(nonce.begin(), nonce.end(), request.nonce.begin());
    return request;
}

const std::string kGood =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

ClientHandshake Answered(const std::string& answer, ClientRequest request = Request()) {
    auto handshake = ClientHandshake::Make(std::move(request));
    EXPECT_TRUE(handshake) << handshake.error().message;
    handshake->Feed(answer);
    return std::move(*handshake);
}

TEST(ClientHandshake, RequestOfTheRfcExample) {
    const auto handshake = ClientHandshake::Make(Request());
    ASSERT_TRUE(handshake);
    EXPECT_EQ(
        handshake->request_bytes(),
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
}

TEST(ClientHandshake, RequestCarriesHeadersSubprotocolsAndOffer) {
    ClientRequest request = Request();
    request.headers = {
        {"Authorization", " Bearer x "}, {"host", "other:81"}, {"Sec-WebSocket-Protocol", "c, d"}};
    request.subprotocols = {"a", "b"};
    request.deflate.enabled = true;
    const auto handshake = ClientHandshake::Make(request);
    ASSERT_TRUE(handshake);
    EXPECT_EQ(handshake->request_bytes(),
              "GET /chat HTTP/1.1\r\nHost: other:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Protocol: a, b, c, d\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nAuthorization: Bearer "
              "x\r\n\r\n");
}

TEST(ClientHandshake, EncodesForeignCharactersOfThePath) {
    ClientRequest request = Request();
    request.target = "/a b/\u00e9?q={x}";
    const auto handshake = ClientHandshake::Make(request);
    ASSERT_TRUE(handshake);
    EXPECT_TRUE(handshake->request_bytes().starts_with("GET /a%20b/%C3%A9?q=%7Bx%7D HTTP/1.1\r\n"));
}

TEST(ClientHandshake, RefusesWhatWouldBreakTheRequest) {
    const auto fails = [](auto change) {
        ClientRequest request = Request();
        change(request);
        return !ClientHandshake::Make(std::move(request));
    };
    EXPECT_TRUE(fails([](ClientRequest& r) { r.target = "chat"; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.target = ""; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.target = "/a\r\nX: y"; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.target = "/a#b"; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.host = ""; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.host = "a\r\nX: y"; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.host = "a/b"; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"X", "a\r\nY: b"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"X", std::string("a\0b", 3)}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"X Y", "a"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"", "a"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"sec-websocket-key", "a"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"Content-Length", "5"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.headers = {{"Host", "a b"}}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.subprotocols = {"a b"}; }));
    EXPECT_TRUE(fails([](ClientRequest& r) { r.subprotocols = {"a", "a"}; }));
}

TEST(ClientHandshake, HeaderErrorNamesTheHeaderAndTheRemedy) {
    const Result<> result = CheckExtraHeaders({{"Upgrade", "x"}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "request header Upgrade belongs to the WebSocket handshake; remove it");
}

TEST(ClientHandshake, OpensOnTheRightAnswerCutAnywhere) {
    const std::string answer = kGood + "Server: x\r\n\r\n";
    for (size_t cut = 0; cut <= answer.size(); ++cut) {
        auto handshake = ClientHandshake::Make(Request());
        ASSERT_TRUE(handshake);
        size_t taken = handshake->Feed(answer.substr(0, cut));
        EXPECT_EQ(handshake->state(), cut < answer.size() ? State::kReading : State::kOpen);
        taken += handshake->Feed(answer.substr(cut) + std::string("\x81\x00", 2));
        ASSERT_EQ(handshake->state(), State::kOpen) << handshake->failure();
        ASSERT_EQ(taken, answer.size());
        EXPECT_EQ(handshake->response()->Find("server")->value, "x");
    }
}

TEST(ClientHandshake, SkipsInterimResponsesButNotForEver) {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    EXPECT_EQ(Answered("HTTP/1.1 100 Continue\r\n\r\n" + interim + kGood + "\r\n").state(), State::kOpen);
    std::string endless;
    for (int i = 0; i < 1000; ++i) {
        endless += interim;
    }
    const ClientHandshake handshake = Answered(endless);
    EXPECT_EQ(handshake.state(), State::kFailed);
    EXPECT_EQ(handshake.step(), Step::kTooLarge);
}

TEST(ClientHandshake, ReportsTheHttpStatus) {
    const ClientHandshake handshake = Answered("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_EQ(handshake.state(), State::kFailed);
    EXPECT_EQ(handshake.step(), Step::kHttpStatus);
    EXPECT_EQ(handshake.http_status(), 404);
    EXPECT_EQ(handshake.failure(),
              "the server answered HTTP 404 Not Found instead of 101 Switching Protocols");
}

TEST(ClientHandshake, NamesTheTargetOfARedirect) {
    const ClientHandshake handshake = Answered("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n");
    EXPECT_NE(handshake.failure().find("https://x/"), std::string::npos);
}

TEST(ClientHandshake, FailsOnWhatIsNotHttpAtOnce) {
    for (const char* answer : {"\x15\x03\x03", "SSH-2.0-x\r\n", "HTTP/1.1 101\n", "HTTP/1.1 1\r\n\r\n"}) {
        const ClientHandshake handshake = Answered(answer);
        EXPECT_EQ(handshake.state(), State::kFailed) << answer;
        EXPECT_EQ(handshake.step(), Step::kNotHttp);
        EXPECT_EQ(handshake.http_status(), 0);
    }
}

TEST(ClientHandshake, SaysThatAServerSpeaksTls) {
    EXPECT_EQ(Answered("\x15\x03\x03\x01").failure(), "the server answers in TLS; set scheme: wss");
}

TEST(ClientHandshake, ShowsOnlyPrintablePartsOfAnAnswer) {
    const ClientHandshake handshake = Answered("HTTP/1.1 500 \xFF" + std::string(5000, 'x') + "\r\n\r\n");
    EXPECT_LT(handshake.failure().size(), 250U);
    EXPECT_NE(handshake.failure().find("500 ?xxx"), std::string::npos);
}

TEST(ClientHandshake, RefusesGiantHeads) {
    EXPECT_EQ(Answered("HTTP/1.1 101 " + std::string(20000, 'x')).step(), Step::kTooLarge);
}

TEST(ClientHandshake, RefusesAnswersThatDoNotUpgrade) {
    const std::string status = "HTTP/1.1 101 Switching Protocols\r\n";
    const std::string upgrade = "Upgrade: websocket\r\n";
    const std::string connection = "Connection: Upgrade\r\n";
    const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    for (const std::string& answer :
         {status + connection + accept, status + upgrade + accept, status + upgrade + connection,
          status + "Upgrade: h2c\r\n" + connection + accept,
          status + upgrade + "Connection: close\r\n" + accept,
          status + upgrade + connection + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
          status + upgrade + connection + accept + accept,
          "HTTP/1.0 101 x\r\n" + upgrade + connection + accept}) {
        const ClientHandshake handshake = Answered(answer + "\r\n");
        EXPECT_EQ(handshake.state(), State::kFailed) << answer;
        EXPECT_EQ(handshake.step(), Step::kUpgrade) << answer;
    }
}

TEST(ClientHandshake, AcceptsOnlyAnOfferedSubprotocol) {
    ClientRequest request = Request();
    request.subprotocols = {"a", "b"};
    EXPECT_EQ(Answered(kGood + "Sec-WebSocket-Protocol: b\r\n\r\n", request).subprotocol(), "b");
    const auto none = Answered(kGood + "\r\n", request);
    EXPECT_EQ(none.state(), ClientHandshake::State::kFailed);
    EXPECT_EQ(none.failure(), "the server has chosen none of the subprotocols offered: a, b");
    // A header of the user's own may hold something else than a wish, such as a token.
    request.subprotocols.clear();
    request.headers = {{"Sec-WebSocket-Protocol", "a, b"}};
    EXPECT_EQ(Answered(kGood + "\r\n", request).state(), ClientHandshake::State::kOpen);
    EXPECT_EQ(Answered(kGood + "Sec-WebSocket-Protocol: c\r\n\r\n", request).state(), State::kFailed);
    EXPECT_EQ(Answered(kGood + "Sec-WebSocket-Protocol: a, b\r\n\r\n", request).state(), State::kFailed);
    EXPECT_EQ(Answered(kGood + "Sec-WebSocket-Protocol: a\r\n\r\n").state(), State::kFailed);
}

TEST(ClientHandshake, AcceptsOnlyOfferedExtensions) {
    const std::string answer =
        kGood + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n";
    EXPECT_EQ(Answered(answer).state(), State::kFailed);
    ClientRequest request = Request();
    request.deflate.enabled = true;
    const ClientHandshake handshake = Answered(answer, request);
    ASSERT_EQ(handshake.state(), State::kOpen) << handshake.failure();
    EXPECT_TRUE(handshake.deflate().enabled);
    EXPECT_TRUE(handshake.deflate().server_no_context_takeover);
}

TEST(ClientHandshake, OurServerAnswersOurClient) {
    ClientRequest request = Request();
    request.target = "/x?y=z";
    request.subprotocols = {"json"};
    request.deflate.enabled = true;
    auto client = ClientHandshake::Make(request);
    ASSERT_TRUE(client);
    HttpHeadReader reader(HttpHeadReader::Kind::kRequest);
    ASSERT_EQ(reader.Feed(client->request_bytes()), client->request_bytes().size());
    ASSERT_EQ(reader.state(), HttpHeadReader::State::kDone);
    const UpgradeCheck check = CheckUpgrade(reader.head());
    ASSERT_FALSE(check.rejection);
    AcceptOptions options;
    options.subprotocols = {"json"};
    options.deflate.enabled = true;
    const AcceptedUpgrade accepted = AcceptUpgrade(check.request, options);
    client->Feed(accepted.response);
    ASSERT_EQ(client->state(), State::kOpen) << client->failure();
    EXPECT_EQ(client->subprotocol(), "json");
    EXPECT_EQ(client->deflate(), accepted.deflate);
    EXPECT_TRUE(accepted.deflate.enabled);
}

}  // namespace
}  // namespace haumea::ws
