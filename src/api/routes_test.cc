#include "api/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rule/testing/fake_pipeline.h"

namespace haumea::api {
namespace {

using rule::testing::RuleText;
using ::testing::HasSubstr;

class RestTest : public ::testing::Test {
  protected:
    RestTest() {
        AddRoutes(router_, {.catalog = &engine_.catalog,
                            .rules = engine_.rules.get(),
                            .clock = &engine_.control.clock(),
                            .started_ms = 0,
                            .stop = [this] { stopped_ = true; },
                            .configure = {}});
    }
    http::Response Call(std::string method, std::string path, std::string body = "") {
        http::Request request;
        request.method = std::move(method);
        const size_t query = path.find('?');
        request.query = query == std::string::npos ? "" : path.substr(query + 1);
        request.path = path.substr(0, query);
        request.body = std::move(body);
        return router_.Dispatch(std::move(request));
    }
    // "201 text"
    std::string Answer(std::string method, std::string path, std::string body = "") {
        const http::Response response = Call(std::move(method), std::move(path), std::move(body));
        return fmt::format("{} {}", response.status, response.body);
    }
    static std::string Statement(std::string_view sql) { return fmt::format("{{\"sql\":\"{}\"}}", sql); }
    void CreateDemo() {
        ASSERT_EQ(Answer("POST", "/streams", Statement(R"(CREATE STREAM demo () WITH (KEY=\"k\"))")),
                  "201 Stream demo is created.");
    }
    void CreateRule() {
        ASSERT_EQ(Answer("POST", "/rules", RuleText("r")), "201 Rule r was created successfully.");
    }

    rule::testing::FakeEngine engine_;
    http::Router router_;
    bool stopped_ = false;
};

TEST_F(RestTest, ErrorsAreOneLineOfJsonAsText) {
    const http::Response response = Call("GET", "/rules/none");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.body,
              "{\"error\":1002,\"message\":\"Describe rule error: Rule none is not found.\"}\n");
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    EXPECT_EQ(http::FindHeader(response.headers, "X-Content-Type-Options"), "nosniff");
}

TEST_F(RestTest, OddBytesStillMakeJson) {
    const http::Response response = Call("POST", "/rules", "\x01\x7f <\"&>");
    EXPECT_EQ(response.status, 400);
    EXPECT_TRUE(config::ParseJson(response.body)) << response.body;
    EXPECT_THAT(response.body, HasSubstr("<\\\"&>"));
}

TEST_F(RestTest, TheServerTellsAboutItself) {
    EXPECT_EQ(Answer("GET", "/ping"), "200 ");
    const auto root = config::ParseJson(Call("GET", "/").body);
    ASSERT_TRUE(root);
    for (const char* name :
         {"version", "os", "arch", "upTimeSeconds", "cpuUsage", "memoryUsed", "memoryTotal"}) {
        EXPECT_NE(root->Find(name), nullptr) << name;
    }
    EXPECT_EQ(Answer("POST", "/stop"), "200 stop success");
    EXPECT_TRUE(stopped_);
}

TEST_F(RestTest, StreamsLive) {
    CreateDemo();
    EXPECT_EQ(Answer("GET", "/streams"), R"(200 ["demo"])");
    EXPECT_EQ(Answer("GET", "/tables"), "200 []");
    EXPECT_EQ(Answer("GET", "/streamdetails"), R"(200 [{"name":"demo","type":"mqtt","format":"json"}])");
    EXPECT_EQ(Answer("GET", "/streams/demo/schema"), "200 null");
    EXPECT_EQ(Answer("PUT", "/streams/demo", Statement("CREATE STREAM demo (a bigint) WITH ()")),
              "200 Stream demo is replaced.");
    EXPECT_EQ(
        Answer("GET", "/tables/demo"),
        "400 {\"error\":3000,\"message\":\"describe table error: Describe table fails, table demo is not "
        "found.\"}\n");
    EXPECT_EQ(Answer("DELETE", "/streams/demo"), "200 Stream demo is dropped.");
    EXPECT_EQ(Answer("DELETE", "/streams/demo"),
              "404 {\"error\":1002,\"message\":\"delete stream error: stream demo is not found\"}\n");
}

TEST_F(RestTest, BadBodiesOfStatementsSayWhy) {
    constexpr const char* kPrefix =
        "400 {\"error\":1000,\"message\":\"Invalid body: Error decoding the statement descriptor: ";
    EXPECT_EQ(Answer("POST", "/streams"), std::string(kPrefix) + "EOF\"}\n");
    EXPECT_EQ(Answer("POST", "/streams", "{\"sql\":"), std::string(kPrefix) + "unexpected EOF\"}\n");
    EXPECT_THAT(Answer("POST", "/streams", "{\"sql\":5}"), HasSubstr("cannot unmarshal number"));
    EXPECT_THAT(Answer("POST", "/tables", "{}"),
                HasSubstr("Table command error: Invalid stream statement: "));
}

TEST_F(RestTest, AStatementThatDoesNotParseHasThePlaceInAHeader) {
    const auto place = [this](const char* method, const char* path, const std::string& body) {
        return std::string(http::FindHeader(Call(method, path, body).headers, "X-Haumea-Error-Position"));
    };
    CreateDemo();
    EXPECT_EQ(place("POST", "/streams", Statement("CREATE STREAM s (a bigint,\\n  b int) WITH ()")),
              "line 2, column 5");
    EXPECT_EQ(place("PUT", "/streams/demo", Statement("CREATE STREAM demo () WITH (FOO=1)")),
              "line 1, column 29");
    const std::string rule = R"({"id":"r","sql":"SELECT a\n FRM demo","actions":[{"nop":{}}]})";
    EXPECT_EQ(place("POST", "/rules", rule), "line 2, column 2");
    EXPECT_EQ(place("PUT", "/rules/r", rule), "line 2, column 2");
    EXPECT_EQ(place("POST", "/rules/validate", rule), "line 2, column 2");
    EXPECT_EQ(place("POST", "/rules", R"({"id":"r","sql":"SELECT abs(a, b) FROM demo"})"),
              "line 1, column 8");
    EXPECT_EQ(place("POST", "/rules", R"({"id":"r","sql":"SELECT a FROM demo"})"), "");
    EXPECT_EQ(place("POST", "/rules", "{"), "");
}

TEST_F(RestTest, IdsOfThePathAreChecked) {
    for (const char* path : {"/streams/a%20b", "/tables/a.b", "/rules/a%20b"}) {
        for (const char* method : {"GET", "PUT", "DELETE"}) {
            EXPECT_THAT(Answer(method, path, "{}"), HasSubstr("contains invalid characters"))
                << method << path;
        }
    }
    EXPECT_EQ(Call("GET", "/rules/%2e%2e/x").status, 301);
}

TEST_F(RestTest, RulesLive) {
    CreateDemo();
    CreateRule();
    EXPECT_EQ(Answer("GET", "/rules"),
              R"(200 [{"id":"r","name":"r","status":"running","tags":null,"trace":false,"version":""}])");
    EXPECT_EQ(Answer("GET", "/rules/r"), "200 " + RuleText("r"));
    EXPECT_EQ(Call("GET", "/rules/r").content_type, "application/json");
    EXPECT_THAT(Answer("DELETE", "/streams/demo"),
                HasSubstr("stream demo has been referenced by other rules"));
    EXPECT_EQ(Answer("POST", "/rules/r/stop"), "200 Rule r was stopped.");
    EXPECT_EQ(Answer("POST", "/rules/r/start"), "200 Rule r was started");
    EXPECT_EQ(Answer("POST", "/rules/r/restart"), "200 Rule r was restarted");
    EXPECT_EQ(Answer("PUT", "/rules/r", RuleText("r")), "200 Rule r was updated successfully.");
    EXPECT_EQ(Answer("DELETE", "/rules/r"), "200 Rule r is dropped.");
    EXPECT_EQ(Answer("DELETE", "/rules/r"),
              "400 {\"error\":1000,\"message\":\"Delete rule error: rule r not found\"}\n");
    EXPECT_THAT(
        Answer("POST", "/rules/r/start"),
        HasSubstr("start rule error: Rule r is not found in registry, please check if it is created"));
}

TEST_F(RestTest, StatusIsIndentedInAFixedOrder) {
    EXPECT_EQ(Answer("POST", "/rules", RuleText("r", R"(,"triggered":false)")).substr(0, 3), "201");
    EXPECT_EQ(Answer("GET", "/rules/r/status"),
              "200 {\n  \"status\": \"stopped\",\n  \"message\": \"\",\n  \"lastStartTimestamp\": 0,\n"
              "  \"lastStopTimestamp\": 0,\n  \"nextStartTimestamp\": 0\n}");
    EXPECT_THAT(Answer("GET", "/rules/r/topo"), HasSubstr("make sure the rule has been started before"));
    ASSERT_EQ(Call("POST", "/rules/r/start").status, 200);
    const std::string status = Call("GET", "/rules/r/status").body;
    EXPECT_THAT(status, HasSubstr("\"nextStartTimestamp\": 0,\n  \"source_demo_0_records_in_total\": 0,\n"));
    EXPECT_THAT(status,
                HasSubstr("\"op_2_project_0_last_exception_time\": 0,\n  \"sink_nop_0_0_records_in_total\""));
    EXPECT_THAT(
        status,
        HasSubstr("\"sink_nop_0_0_connection_last_try_time\": 0,\n  \"sink_nop_0_0_dropped_total\": 0\n}"));
    EXPECT_EQ(Call("GET", "/v2/rules/r/status").body.substr(0, 41),
              "{\"lastStartTimestamp\":1000,\"lastStopTimes");
    EXPECT_EQ(Answer("GET", "/rules/status/all"),
              R"(200 {"r":{"status":"running","last_exception":"","exceptions_total":0}})");
    EXPECT_EQ(Answer("GET", "/rules/r/topo"), R"(200 {"sources":["source_demo"]})");
    EXPECT_EQ(Answer("GET", "/rules/r/schema"),
              R"(200 {"a":{"hasIndex":true,"index":1},"b":{"hasIndex":true,"index":0}})");
    EXPECT_EQ(Answer("GET", "/rules/r/explain"), R"(200 {"op":"ProjectPlan_0"})");
    EXPECT_THAT(Answer("GET", "/rules/x/status"),
                HasSubstr("404 {\"error\":1002,\"message\":\"get rule status error: "));
}

TEST_F(RestTest, WarningsTravelInAHeader) {
    engine_.script.warnings["r"] = {"property \"fo\no\" of nop is unknown"};
    const http::Response created = Call("POST", "/rules", RuleText("r"));
    EXPECT_EQ(http::FindHeader(created.headers, "X-Haumea-Warning"), "property \"fo?o\" of nop is unknown");
    const http::Response valid = Call("POST", "/rules/validate", RuleText("r"));
    EXPECT_EQ(valid.body,
              "{\"sources\":[\"demo\"],\"valid\":true,\"warnings\":[\"property \\\"fo\\no\\\" of nop is "
              "unknown\"]}");
}

TEST_F(RestTest, ValidationAnswersInBareText) {
    EXPECT_EQ(Answer("POST", "/rules/validate", R"({"id":"r","sql":"SELECT * FROM demo"})"),
              "422 invalid rule json: Missing rule actions.");
    EXPECT_EQ(Answer("POST", "/rules/validate", RuleText("r")), R"(200 {"sources":["demo"],"valid":true})");
}

TEST_F(RestTest, TagsSelectRules) {
    CreateRule();
    EXPECT_EQ(Answer("PATCH", "/rules/r/tags", R"({"tags":["a","b","a"]})"), "200 ");
    EXPECT_EQ(Answer("DELETE", "/rules/r/tags", R"({"tags":["a"]})"), "200 ");
    EXPECT_EQ(Answer("GET", "/rules/tags/match", R"({"tags":["b"]})"), R"(200 {"rules":["r"]})");
    EXPECT_EQ(Answer("GET", "/rules/tags/match?tags=b,c"), "200 {}");
    EXPECT_THAT(Answer("GET", "/rules/tags/match"), HasSubstr("decode body error: EOF"));
    EXPECT_EQ(Answer("POST", "/rules/bulkstop", R"({"tags":["b"]})"),
              R"(200 [{"ruleId":"r","success":true}])");
    EXPECT_THAT(Answer("POST", "/rules/bulkstart", R"({"tags":["x"]})"),
                HasSubstr("bulk start failed: no matching rules"));
    EXPECT_THAT(Answer("PUT", "/rules/x/tags", R"({"tags":["b"]})"),
                HasSubstr("Get rule error: Rule x is not found."));
}

TEST_F(RestTest, ABatchRunsInOrderAndNotInItself) {
    EXPECT_EQ(
        Answer("POST", "/batch/req",
               R"([{"path":"/ping"},{"method":"POST","path":"/rules","body":"{}"},{"path":"/batch%2Freq"}])"),
        "200 [{\"code\":200},{\"code\":400,\"response\":\"{\\\"error\\\":1000,\\\"message\\\":\\\"invalid "
        "rule "
        "json: Missing rule id.\\\"}\\n\"},{\"code\":400,\"error\":\"path \\\"/batch%2Freq\\\" must start "
        "with / "
        "and be no batch itself\"}]");
    EXPECT_THAT(Answer("POST", "/batch/req", "{}"),
                HasSubstr("json: cannot unmarshal object into Go value of type []*server.EachRequest"));
}

TEST_F(RestTest, ConfigsChangeAtRunTime) {
    EXPECT_EQ(Answer("PATCH", "/configs", R"({"timezone":""})"), "204 ");
    EXPECT_THAT(Answer("PATCH", "/configs", R"({"timezone":"Mars/Olympus"})"), HasSubstr("Invalid TZ: "));
    EXPECT_THAT(Answer("PATCH", "/configs", R"({"logLevel":"loud"})"), HasSubstr("400"));
    EXPECT_THAT(Answer("PATCH", "/configs", "x"), HasSubstr("Invalid JSON: "));
}

TEST_F(RestTest, AHugeStatementIsRefusedNotEchoed) {
    const std::string sql = "SELECT " + std::string(1'000'000, 'x') + " FRM";
    const http::Response response =
        Call("POST", "/rules", R"({"id":"r","actions":[{"nop":{}}],"sql":")" + sql + "\"}");
    EXPECT_EQ(response.status, 400);
    EXPECT_LT(response.body.size(), 100'000U);
}

}  // namespace
}  // namespace haumea::api
