#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "http/client.h"

namespace haumea::http {
namespace {

using testing::HasSubstr;

// A server on a loop of its own thread, as the engine runs it.
class RunningServer {
  public:
    explicit RunningServer(std::function<Response(Request)> handler) {
        ServerOptions options;
        options.address = "127.0.0.1";
        options.port = 0;
        auto server = Server::Open(loop_, options, std::move(handler));
        EXPECT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
        thread_ = std::thread([this] { loop_.Run(); });
    }
    ~RunningServer() {
        loop_.RunSync([this] { server_.reset(); });
        loop_.Stop();
        thread_.join();
    }
    Result<Response> Get(const std::string& path, const std::string& body = "") {
        return Fetch(body.empty() ? "GET" : "POST", "127.0.0.1", server_->port(), path, body);
    }
    void RetryPostponed() {
        loop_.RunSync([this] { server_->RetryPostponed(); });
    }

  private:
    io::Loop loop_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

TEST(Server, ServesRequestsOverLoopback) {
    RunningServer server([](const Request& request) {
        return Response{
            201, "text/plain", request.path + "|" + request.query + "|" + request.body, {{"X-A", "b"}}};
    });
    const auto answer = server.Get("/a?b", "body");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 201);
    EXPECT_EQ(answer->body, "/a|b|body");
    EXPECT_EQ(answer->content_type, "text/plain");
    EXPECT_EQ(FindHeader(answer->headers, "x-a"), "b");
}

TEST(Server, APostponedAnswerComesWithALaterCallAndHoldsUpNobody) {
    std::atomic<int> calls = 0;
    std::atomic<bool> ready = false;
    std::atomic<bool> worth_it = true;
    RunningServer server([&](const Request& request) {
        if (request.path != "/slow") {
            return Response{200, "", "quick", {}};
        }
        ++calls;
        auto& state = request.postponement->state;
        const int before = state ? *std::static_pointer_cast<int>(state) : 0;
        state = std::make_shared<int>(before + 1);
        request.postponement->wanted = !ready;
        request.postponement->ready = [&] { return worth_it.load(); };
        return Response{200, "", request.body + std::to_string(before), {}};
    });
    std::string answer;
    std::thread slow([&] { answer = server.Get("/slow", "asked before: ")->body; });
    while (calls == 0) {
        std::this_thread::yield();
    }
    EXPECT_EQ(server.Get("/quick")->body, "quick");
    server.RetryPostponed();
    EXPECT_EQ(calls, 2);
    worth_it = false;
    server.RetryPostponed();
    EXPECT_EQ(calls, 2);
    worth_it = ready = true;
    server.RetryPostponed();
    slow.join();
    EXPECT_EQ(answer, "asked before: 2");
    server.RetryPostponed();
    EXPECT_EQ(calls, 3);
}

TEST(Server, CarriesLargeBodiesBothWays) {
    RunningServer server([](Request request) { return Response{200, "", std::move(request.body), {}}; });
    const std::string large(5 << 20, 'x');
    const auto answer = server.Get("/", large);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, large);
}

TEST(Server, ABodyOverTheLimitGetsItsAnswerAlthoughTheClientIsStillSending) {
    RunningServer server([](const Request&) { return Response{}; });
    const auto answer = server.Get("/", std::string(20 << 20, 'x'));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 413);
}

TEST(Server, AHandlerThatThrowsIsA500AndTheServerGoesOn) {
    RunningServer server([](const Request& request) -> Response {
        if (request.path == "/bad") {
            throw std::runtime_error("broken");
        }
        return {};
    });
    EXPECT_EQ(server.Get("/bad")->status, 500);
    EXPECT_EQ(server.Get("/good")->status, 200);
}

TEST(Server, ATakenPortIsNamedInTheError) {
    io::Loop loop;
    ServerOptions options;
    options.address = "127.0.0.1";
    options.port = 0;
    const auto first = Server::Open(loop, options, [](const Request&) { return Response{}; });
    ASSERT_TRUE(first);
    options.port = (*first)->port();
    const auto second = Server::Open(loop, options, [](const Request&) { return Response{}; });
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(options.port)));
}

TEST(Server, ABrokenCertificateIsAnErrorAtTheStart) {
    io::Loop loop;
    ServerOptions options;
    options.address = "127.0.0.1";
    options.port = 0;
    options.cert_file = "/no/such.crt";
    const auto open_error = [&] {
        const auto server = Server::Open(loop, options, [](const Request&) { return Response{}; });
        return server ? "opened" : server.error().message;
    };
    EXPECT_THAT(open_error(), HasSubstr("belong together"));
    options.key_file = "/no/such.key";
    EXPECT_THAT(open_error(), HasSubstr("/no/such"));
}

TEST(Fetch, SaysWhenNobodyListens) {
    uint16_t port = 0;
    {
        io::Loop loop;
        ServerOptions options;
        options.address = "127.0.0.1";
        options.port = 0;
        port = (*Server::Open(loop, options, [](const Request&) { return Response{}; }))->port();
    }
    const auto answer = Fetch("GET", "127.0.0.1", port, "/");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("cannot connect to 127.0.0.1:"));
}

}  // namespace
}  // namespace haumea::http
