#include "api/responses.h"

#include <fmt/format.h>

#include "expr/function.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"

namespace haumea::api {
namespace {

constexpr const char* kPlainText = "text/plain; charset=utf-8";
constexpr size_t kMaxWarningBytes = 4096;

}  // namespace

http::Response Text(int status, std::string text) {
    return {.status = status, .content_type = kPlainText, .body = std::move(text), .headers = {}};
}

http::Response Json(const config::Node& node) {
    return {.status = 200, .content_type = "application/json", .body = config::ToJson(node), .headers = {}};
}

http::Response JsonAsText(std::string json) { return Text(200, std::move(json)); }

http::Response Empty(int status) { return {.status = status, .content_type = "", .body = "", .headers = {}}; }

http::Response Failure(Error error, std::string_view prefix) {
    if (!prefix.empty()) {
        error = std::move(error).With(prefix);
    }
    config::Node envelope = config::Node::MakeObject();
    envelope.Set("error", static_cast<int>(error.code));
    envelope.Set("message", std::move(error.message));
    http::Response response = Text(error.code == ErrorCode::kNotFound ? 404 : 400,
                                   config::ToJson(envelope, {.escape_html = false}) + "\n");
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
}

http::Response WithWarnings(http::Response response, const std::vector<std::string>& warnings) {
    std::string value;
    for (const std::string& warning : warnings) {
        value += value.empty() ? "" : "; ";
        value += warning;
    }
    if (value.empty()) {
        return response;
    }
    if (value.size() > kMaxWarningBytes) {
        value.resize(kMaxWarningBytes);
        value += "...";
    }
    for (char& c : value) {
        if (c < 0x20 || c == 0x7F) {
            c = '?';  // a header holds visible ASCII
        }
    }
    response.headers.emplace_back("X-Haumea-Warning", std::move(value));
    return response;
}

http::Response WithPlace(http::Response response, const sql::ParseError& error) {
    response.headers.emplace_back("X-Haumea-Error-Position",
                                  fmt::format("line {}, column {}", error.line, error.column));
    return response;
}

http::Response WithPlaceInRule(http::Response response, std::string_view body) {
    const auto rule = rule::ParseBody(body);
    const config::Node* sql = rule && rule->is_object() ? rule->FindNoCase("sql") : nullptr;
    if (sql == nullptr || !sql->is_string()) {
        return response;
    }
    const auto parsed = sql::ParseSelect(sql->as_string(), &expr::FunctionRegistry::Builtin());
    return parsed ? response : WithPlace(std::move(response), parsed.error());
}

Result<std::string> PathId(const http::Request& request) {
    const std::string& id = request.Variable("id");
    HAUMEA_TRY_VOID(sql::CheckIdentifier(id));
    return id;
}

Result<std::string> BodyText(const http::Request& request, std::string_view name, std::string_view type) {
    HAUMEA_TRY(const config::Node body, rule::ParseBody(request.body, rule::JsonInput::kStream));
    std::string text;
    if (body.is_null()) {
        return text;
    }
    if (!body.is_object()) {
        return Failf("json: cannot unmarshal {} into Go value of type server.{}",
                     rule::ObjectReader::KindOf(body), type);
    }
    std::string error;
    rule::ObjectReader(body, type, error).Read(name, text);
    if (!error.empty()) {
        return Fail(Error(std::move(error)));
    }
    return text;
}

}  // namespace haumea::api
