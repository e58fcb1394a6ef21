#include <fmt/format.h>

#include "api/responses.h"
#include "api/routes.h"
#include "api/system_info.h"
#include "base/log.h"
#include "base/version.h"
#include "data/zone.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"

namespace haumea::api {
namespace {

using config::Node;
using http::Request;
using http::Response;

constexpr size_t kMaxBatch = 1'000;
constexpr std::string_view kBatchPath = "/batch/req";

Response Root(const Services& services) {
    const int64_t uptime_ms = services.clock->NowMs() - services.started_ms;
    const SystemInfo system = ReadSystemInfo(uptime_ms);
    Node node = Node::MakeObject();
    node.Set("version", Version());
    node.Set("os", system.os);
    node.Set("arch", system.arch);
    node.Set("upTimeSeconds", uptime_ms / 1000);
    if (!system.cpu_usage.empty()) {
        node.Set("cpuUsage", system.cpu_usage);
    }
    if (system.memory_used > 0) {
        node.Set("memoryUsed", std::to_string(system.memory_used));
    }
    node.Set("memoryTotal", std::to_string(system.memory_total));
    return JsonAsText(config::ToJson(node));
}

// The levels of the configuration; trace, fatal and panic have no own level here.
Result<log::Level> ParseLevel(std::string_view text) {
    if (text == "trace" || text == "debug") {
        return log::Level::kDebug;
    }
    if (text == "info") {
        return log::Level::kInfo;
    }
    if (text == "warn" || text == "warning") {
        return log::Level::kWarn;
    }
    if (text == "error" || text == "fatal" || text == "panic") {
        return log::Level::kError;
    }
    return Failf("logLevel: \"{}\" is no level, use debug, info, warn or error", text);
}

struct Patch {
    std::string log_level;
    bool debug = false;
    std::string timezone;
};

Result<void> ApplyPatch(const Services& services, const Node& body) {
    std::string error;
    rule::ObjectReader reader(body, "Configurations", error);
    Patch patch;
    bool flag = false;
    reader.Read("logLevel", patch.log_level);
    reader.Read("debug", patch.debug);
    reader.Read("consoleLog", flag);
    reader.Read("fileLog", flag);
    reader.Read("timezone", patch.timezone);
    if (!error.empty()) {
        return Failf("Invalid JSON: {}", error);
    }
    if (!patch.timezone.empty()) {
        if (const auto zone = FindZone(patch.timezone); !zone) {
            return Failf("Invalid TZ: {}", zone.error().message);
        }
    }
    if (!patch.log_level.empty() || patch.debug) {
        HAUMEA_TRY(const log::Level level, ParseLevel(patch.debug ? "debug" : patch.log_level));
        log::SetLevel(level);
    }
    return services.configure ? services.configure(body) : Result<void>();
}

Response Configure(const Services& services, const Request& request) {
    auto body = rule::ParseBody(request.body, rule::JsonInput::kStream);
    if (!body) {
        return Failure(body.error(), "Invalid JSON");
    }
    if (!body->is_object()) {
        return Failure(Error(fmt::format("Invalid JSON: expected an object, found {}", body->kind_name())));
    }
    const auto applied = ApplyPatch(services, *body);
    return applied ? Empty(204) : Failure(applied.error());
}

struct BatchEntry {
    std::string method = "GET";
    std::string path;
    std::string body;
};

Result<BatchEntry> ReadEntry(const Node& node) {
    if (!node.is_object()) {
        return Failf("json: cannot unmarshal {} into Go value of type server.EachRequest",
                     rule::ObjectReader::KindOf(node));
    }
    BatchEntry entry;
    std::string error;
    rule::ObjectReader reader(node, "EachRequest", error);
    reader.Read("method", entry.method);
    reader.Read("path", entry.path);
    reader.Read("body", entry.body);
    if (!error.empty()) {
        return Fail(Error(std::move(error)));
    }
    return entry;
}

// One request of a batch through the same router, with the headers of the outer one.
Node RunEntry(const http::Router& router, const Request& outer, BatchEntry entry) {
    const size_t query = entry.path.find('?');
    Request request;
    request.method = entry.method.empty() ? "GET" : std::move(entry.method);
    request.path = entry.path.substr(0, query);
    request.query = query == std::string::npos ? "" : entry.path.substr(query + 1);
    request.headers = outer.headers;
    request.body = std::move(entry.body);
    request.remote_address = outer.remote_address;
    Node answer = Node::MakeObject();
    if (!request.path.starts_with('/') || http::PercentDecode(request.path, false) == kBatchPath) {
        answer.Set("code", 400);
        answer.Set("error",
                   fmt::format("path \"{}\" must start with / and be no batch itself", request.path));
        return answer;
    }
    Response response = router.Dispatch(std::move(request));
    answer.Set("code", response.status);
    if (!response.body.empty()) {
        answer.Set("response", std::move(response.body));
    }
    return answer;
}

Response Batch(const http::Router& router, const Request& request) {
    const auto body = rule::ParseBody(request.body, rule::JsonInput::kStream);
    if (!body) {
        return Failure(body.error());
    }
    if (!body->is_array()) {
        return Failure(
            Error(fmt::format("json: cannot unmarshal {} into Go value of type []*server.EachRequest",
                              rule::ObjectReader::KindOf(*body))));
    }
    if (body->array().size() > kMaxBatch) {
        return Failure(
            Error(fmt::format("{} requests in one batch, at most {} are allowed: send several batches",
                              body->array().size(), kMaxBatch)));
    }
    std::vector<BatchEntry> entries;
    for (const Node& node : body->array()) {
        auto entry = ReadEntry(node);
        if (!entry) {
            return Failure(entry.error());
        }
        entries.push_back(std::move(*entry));
    }
    Node answers = Node::MakeArray();
    for (BatchEntry& entry : entries) {
        answers.Append(RunEntry(router, request, std::move(entry)));
    }
    return Json(answers);
}

}  // namespace

void AddServerRoutes(http::Router& router, const Services& services) {
    const auto root = [services](const Request&) { return Root(services); };
    const auto stop = [services](const Request&) {
        services.stop();
        return Text(200, "stop success");
    };
    router.Add("GET", "/", root);
    router.Add("POST", "/", root);
    router.Add("GET", "/ping", [](const Request&) { return Empty(); });
    router.Add("GET", "/stop", stop);
    router.Add("POST", "/stop", stop);
    // Nothing is dumped and no CPU is accounted for by rule; these answers say so to dashboards.
    router.Add("GET", "/metrics/dump/check", [](const Request&) { return Text(200, "disabled"); });
    router.Add("GET", "/metrics/dump",
               [](const Request&) { return Failure(Errorf("metrics dump not enabled")); });
    router.Add("PATCH", "/configs",
               [services](const Request& request) { return Configure(services, request); });
    router.Add("POST", kBatchPath, [&router](const Request& request) { return Batch(router, request); });
}

}  // namespace haumea::api
