#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/routes.h"
#include "io/loop.h"
#include "io/virtual_scheduler.h"
#include "rule/testing/fake_pipeline.h"

namespace haumea::api {
namespace {

using config::Node;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ws::ServerSettings Loopback() {
    ws::ServerSettings settings;
    settings.address = "127.0.0.1";
    settings.port = 0;
    return settings;
}

// The data loop stands still: nobody connects, everything else is real.
class RestConnectionsTest : public ::testing::Test {
  protected:
    RestConnectionsTest() : server_(loop_, Loopback()), clients_(loop_) {
        rule::Connections::Environment environment;
        environment.control = &engine_.control;
        environment.data_server = &server_;
        environment.clients = &clients_;
        connections_ = std::make_unique<rule::Connections>(
            std::move(environment), engine_.store->Table("endpoint"), engine_.store->Table("connection"));
        Services services;
        services.catalog = &engine_.catalog;
        services.rules = engine_.rules.get();
        services.clock = &engine_.control.clock();
        services.connections = connections_.get();
        services.check = [this](Services::Role role, std::string_view type,
                                const Node& props) -> Result<void> {
            checked_.push_back(fmt::format("{} {} {}", role == Services::Role::kSource ? "source" : "sink",
                                           type, config::ToJson(props)));
            return check_answer_;
        };
        AddRoutes(router_, services);
    }
    std::string Answer(std::string method, std::string path, std::string body = "") {
        http::Request request;
        request.method = std::move(method);
        const size_t query = path.find('?');
        request.query = query == std::string::npos ? "" : path.substr(query + 1);
        request.path = path.substr(0, query);
        request.body = std::move(body);
        const http::Response response = router_.Dispatch(std::move(request));
        return fmt::format("{} {}", response.status, response.body);
    }
    static std::string Error(std::string_view text, int status = 400, int code = 1000) {
        return fmt::format("{} {{\"error\":{},\"message\":\"{}\"}}\n", status, code, text);
    }

    rule::testing::FakeEngine engine_;
    io::Loop loop_;
    ws::Server server_;
    ws::ClientPool clients_;
    std::unique_ptr<rule::Connections> connections_;
    http::Router router_;
    std::vector<std::string> checked_;
    Result<void> check_answer_;
};

TEST_F(RestConnectionsTest, EndpointsAreNamedInTheBodyOrInTheQuery) {
    EXPECT_EQ(Answer("POST", "/connection/websocket", R"({"endpoint":"/x"})"), "200 ");
    EXPECT_EQ(Answer("GET", "/connection/websocket", R"({"endpoint":"/x"})"), "200 true");
    EXPECT_EQ(Answer("GET", "/connection/websocket?endpoint=%2Fx"), "200 true");
    EXPECT_EQ(Answer("DELETE", "/connection/websocket?endpoint=/x"), "200 ");
    EXPECT_EQ(Answer("GET", "/connection/websocket?endpoint=/x"), "200 false");
}

TEST_F(RestConnectionsTest, AnEndpointHasToBeDefinedAndToStartWithASlash) {
    for (const char* method : {"POST", "GET", "DELETE"}) {
        for (const char* body : {"", "{}", R"({"endpoint":""})"}) {
            EXPECT_EQ(Answer(method, "/connection/websocket", body),
                      Error("Invalid body: endpoint should be defined"));
        }
        EXPECT_THAT(Answer(method, "/connection/websocket?endpoint=x"),
                    HasSubstr("websocket endpoint should start with /"));
    }
    EXPECT_THAT(Answer("POST", "/connection/websocket", R"({"endpoint":"/a{"})"), HasSubstr("400 "));
}

TEST_F(RestConnectionsTest, AConnectionIsShownInAFixedOrder) {
    const std::string body = R"({"id":"c","typ":"websocket","props":{"path":"/x"}})";
    EXPECT_EQ(Answer("POST", "/connections", body), "201 success");
    EXPECT_EQ(Answer("POST", "/connections", body),
              Error("create connection failed: connection c already been created"));
    const std::string shown =
        R"({"id":"c","typ":"websocket","props":{"path":"/x"},"isNamed":true,"status":"connected","stats":{)";
    EXPECT_THAT(Answer("GET", "/connections/c"), StartsWith("200 " + shown));
    EXPECT_THAT(Answer("GET", "/connections"), StartsWith("200 [" + shown));
    EXPECT_THAT(Answer("GET", "/connections?forceAll=true"), StartsWith("200 [" + shown));
    EXPECT_EQ(Answer("PUT", "/connections/c", R"({"typ":"websocket","props":{"path":"/y"}})"), "200 success");
    EXPECT_EQ(Answer("DELETE", "/connections/c"), "200 success");
    EXPECT_EQ(Answer("DELETE", "/connections/c"), "200 success");
    EXPECT_EQ(Answer("GET", "/connections/c"), Error("connection c not existed"));
    EXPECT_EQ(Answer("PUT", "/connections/c", R"({"typ":"websocket"})"),
              Error("update connection failed: connection c not existed"));
}

TEST_F(RestConnectionsTest, BadDefinitionsAreRefused) {
    EXPECT_EQ(Answer("POST", "/connections", ""), Error("Invalid body: EOF"));
    EXPECT_THAT(Answer("POST", "/connections", "[]"), HasSubstr("cannot unmarshal array"));
    EXPECT_THAT(Answer("POST", "/connections", R"({"id":1})"), HasSubstr("cannot unmarshal number"));
    EXPECT_THAT(Answer("POST", "/connections", R"({"id":"c","props":[]})"), HasSubstr("Invalid body: "));
    EXPECT_THAT(Answer("POST", "/connections", R"({"id":"a/b","typ":"websocket"})"),
                HasSubstr("invalid characters"));
    EXPECT_EQ(Answer("POST", "/connections", R"({"id":"c"})"),
              Error("create connection failed: connection id and type should be defined"));
    EXPECT_THAT(Answer("GET", "/connections/a%20b"), HasSubstr("invalid characters"));
}

TEST_F(RestConnectionsTest, ClientsAreAskedForByConnectionOrEndpoint) {
    EXPECT_EQ(Answer("POST", "/connections", R"({"id":"c","typ":"websocket","props":{"path":"/x"}})"),
              "201 success");
    EXPECT_EQ(Answer("GET", "/connections/c/clients"), "200 []");
    EXPECT_EQ(Answer("GET", "/connection/websocket/clients?endpoint=/x"), "200 []");
    EXPECT_THAT(Answer("GET", "/connection/websocket/server"),
                HasSubstr("\"listening\":true,\"address\":\"127.0.0.1\""));
    EXPECT_EQ(Answer("GET", "/connection/websocket/clients?endpoint=/y"),
              Error("websocket has no endpoint /y", 404, 1002));
    EXPECT_EQ(Answer("DELETE", "/connections/c/clients/7"),
              Error("websocket endpoint /x has no client 7", 404, 1002));
    for (const char* bad : {"-1", "x", "99999999999999999999"}) {
        EXPECT_THAT(Answer("DELETE", std::string("/connections/c/clients/") + bad),
                    HasSubstr("is no number"));
    }
}

TEST_F(RestConnectionsTest, ClientsOfAConnectionWithoutNameAreAskedForByItsId) {
    EXPECT_EQ(Answer("POST", "/connection/websocket", R"({"endpoint":"/x"})"), "200 ");
    EXPECT_EQ(Answer("GET", "/connections/%24%24ws%2F%2Fx/clients"), "200 []");
    EXPECT_EQ(Answer("GET", "/connections/$$ws%2F%2Fnope/clients"),
              Error("websocket has no endpoint /nope", 404, 1002));
    EXPECT_EQ(Answer("DELETE", "/connections/$$ws%2F%2Fx/clients/7"),
              Error("websocket endpoint /x has no client 7", 404, 1002));
    EXPECT_THAT(Answer("GET", "/connections/$$ws%2Fws:%2F%2F127.0.0.1:1%2Fx/clients"),
                HasSubstr("only an endpoint has clients"));
    EXPECT_THAT(Answer("GET", "/connections/$$x/clients"), HasSubstr("connection $$x not existed"));
}

TEST_F(RestConnectionsTest, ChecksAnswerWithNothingOrTheReason) {
    EXPECT_EQ(Answer("POST", "/metadata/sinks/connection/websocket", R"({"path":"/x"})"), "200 ");
    EXPECT_EQ(Answer("POST", "/metadata/sources/connection/websocket", R"({"DATASOURCE":"/x"})"), "200 ");
    EXPECT_THAT(checked_, ::testing::ElementsAre(R"(sink websocket {"path":"/x"})",
                                                 R"(source websocket {"DATASOURCE":"/x"})"));
    check_answer_ = Fail(haumea::Error(ErrorCode::kIo, "TCP: connection refused"));
    EXPECT_EQ(Answer("POST", "/metadata/sinks/connection/websocket", "{}"), Error("TCP: connection refused"));
    EXPECT_EQ(Answer("POST", "/metadata/sinks/connection/websocket"), Error("unexpected end of JSON input"));
    EXPECT_EQ(Answer("POST", "/metadata/sinks/connection/log", "{}"),
              Error("sink log doesn't support ping connection"));
    EXPECT_EQ(Answer("POST", "/metadata/sources/connection/x", "{}"),
              Error("source x doesn't support ping connection"));
    EXPECT_EQ(Answer("POST", "/metadata/lookups/connection/x", "{}"),
              Error("lookup source type x not found"));
}

}  // namespace
}  // namespace haumea::api
