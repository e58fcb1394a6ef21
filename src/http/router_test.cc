#include "http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haumea::http {
namespace {

Request Make(std::string method, std::string path, Headers headers = {}) {
    Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = std::move(headers);
    return request;
}

Router MakeRouter() {
    Router router;
    router.Add("GET", "/rules/status/all", [](const Request&) { return Response{200, "", "all", {}}; });
    router.Add("GET", "/rules/{id}",
               [](const Request& r) { return Response{200, "", "get " + r.Variable("id"), {}}; });
    router.Add("DELETE", "/rules/{id}",
               [](const Request& r) { return Response{200, "", "delete " + r.Variable("id"), {}}; });
    router.Add("GET", "/rules/{id}/{what}", [](const Request& r) {
        return Response{200, "", r.Variable("id") + ":" + r.Variable("what"), {}};
    });
    router.Add("GET", "/", [](const Request&) { return Response{200, "", "root", {}}; });
    return router;
}

TEST(Router, ChoosesByPathAndMethod) {
    const Router router = MakeRouter();
    EXPECT_EQ(router.Dispatch(Make("GET", "/")).body, "root");
    EXPECT_EQ(router.Dispatch(Make("GET", "/rules/r1")).body, "get r1");
    EXPECT_EQ(router.Dispatch(Make("DELETE", "/rules/r1")).body, "delete r1");
    EXPECT_EQ(router.Dispatch(Make("GET", "/rules/status/all")).body, "all");
    EXPECT_EQ(router.Dispatch(Make("GET", "/rules/r%201/x")).body, "r 1:x");
}

TEST(Router, UnknownPathIs404AndKnownPathWithAnotherMethod405) {
    const Router router = MakeRouter();
    const Response missing = router.Dispatch(Make("GET", "/nope"));
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.body, "404 page not found\n");
    EXPECT_EQ(router.Dispatch(Make("GET", "/rules/r1/")).status, 404);
    EXPECT_EQ(router.Dispatch(Make("GET", "rules/r1")).status, 404);
    const Response wrong = router.Dispatch(Make("HEAD", "/rules/r1"));
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.body, "");
}

TEST(Router, PathsAreCleanedWithARedirect) {
    const Router router = MakeRouter();
    const auto location = [&](const std::string& path) {
        const Response answer = router.Dispatch(Make("GET", path));
        return std::to_string(answer.status) + " " + std::string(FindHeader(answer.headers, "location"));
    };
    EXPECT_EQ(location("//rules//r1"), "301 /rules/r1");
    EXPECT_EQ(location("/rules/./x/../r1"), "301 /rules/r1");
    EXPECT_EQ(location("/rules//"), "301 /rules/");
    EXPECT_EQ(location("/connections/%24%24ws%2F%2Fin"), "301 /connections/$$ws/in");
    EXPECT_EQ(location("/../.."), "301 /");
    EXPECT_EQ(location("//a%0d%0aX: y"), "301 /a%0D%0AX:%20y");
}

TEST(Router, AnIdMayHoldAnEncodedSlashWhereTheRouteSaysSo) {
    Router router;
    router.AddEncoded("GET", "/connections/{id}/clients",
                      [](const Request& r) { return Response{200, "", r.Variable("id"), {}}; });
    EXPECT_EQ(router.Dispatch(Make("GET", "/connections/%24%24ws%2F%2Fin/clients")).body, "$$ws//in");
    EXPECT_EQ(router.Dispatch(Make("GET", "/connections/c/clients")).body, "c");
    EXPECT_EQ(router.Dispatch(Make("POST", "/connections/c/clients")).status, 405);
    EXPECT_EQ(router.Dispatch(Make("GET", "/connections//clients")).status, 301);
}

TEST(Request, QueryAndHeadersAreDecodedAndCaseIgnored) {
    Request request = Make("GET", "/", {{"Content-Type", "x"}});
    request.query = "a=1&endpoint=%2Fx+y&b&c=";
    EXPECT_EQ(request.Query("endpoint"), "/x y");
    EXPECT_EQ(request.Query("b"), "");
    EXPECT_EQ(request.Query("missing"), "");
    EXPECT_EQ(request.Header("content-TYPE"), "x");
    EXPECT_EQ(request.Header("missing"), "");
    EXPECT_EQ(PercentDecode("%4g%", false), "%4g%");
}

std::string Describe(const Response& answer) {
    std::string out = std::to_string(answer.status);
    for (const auto& [name, value] : answer.headers) {
        out += " " + name + "=" + value;
    }
    return out;
}

TEST(Cors, AnswersPreflightsAndMarksAnswers) {
    const auto handler = WithCors([](const Request&) { return Response{200, "", "x", {}}; });
    const auto preflight = [&](const std::string& method, const std::string& headers) {
        Headers all{{"Origin", "http://a"}, {"Access-Control-Request-Method", method}};
        if (!headers.empty()) {
            all.emplace_back("Access-Control-Request-Headers", headers);
        }
        return Describe(handler(Make("OPTIONS", "/x", all)));
    };
    EXPECT_EQ(preflight("PUT", ""), "200 Access-Control-Allow-Methods=PUT Access-Control-Allow-Origin=*");
    EXPECT_EQ(preflight("POST", "accept, content-type"),
              "200 Access-Control-Allow-Headers=content-type Access-Control-Allow-Methods=POST "
              "Access-Control-Allow-Origin=*");
    EXPECT_EQ(preflight("PATCH", ""), "405");
    EXPECT_EQ(preflight("", ""), "400");
    EXPECT_EQ(preflight("PUT", "x-other"), "403");
    EXPECT_EQ(Describe(handler(Make("GET", "/", {{"Origin", "http://a"}}))),
              "200 Access-Control-Allow-Origin=*");
    EXPECT_EQ(Describe(handler(Make("GET", "/"))), "200");
}

}  // namespace
}  // namespace haumea::http
