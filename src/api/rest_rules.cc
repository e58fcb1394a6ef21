#include <fmt/format.h>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/status.h"

namespace haumea::api {
namespace {

using http::Request;
using http::Response;

Response Create(rule::Registry& rules, const Request& request) {
    const auto change = rules.Create(request.body);
    return change ? WithWarnings(Text(201, fmt::format("Rule {} was created successfully.", change->id)),
                                 change->warnings)
                  : WithPlaceInRule(Failure(change.error()), request.body);
}

Response List(const rule::Registry& rules) {
    config::Node list = config::Node::MakeArray();
    for (const rule::Rule* rule : rules.All()) {
        list.Append(rule::ListEntryJson(*rule));
    }
    return Json(list);
}

Response Get(const rule::Registry& rules, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    auto text = rules.Definition(*id);
    return text ? Response{.status = 200,
                           .content_type = "application/json",
                           .body = std::move(*text),
                           .headers = {}}
                : Failure(text.error(), "Describe rule error");
}

Response Put(rule::Registry& rules, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    const auto change = rules.Update(*id, request.body);
    return change ? WithWarnings(Text(200, fmt::format("Rule {} was updated successfully.", *id)),
                                 change->warnings)
                  : WithPlaceInRule(Failure(change.error(), "Update rule error"), request.body);
}

Response Delete(rule::Registry& rules, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    const auto dropped = rules.Delete(*id);
    return dropped ? Text(200, fmt::format("Rule {} is dropped.", *id))
                   : Failure(dropped.error(), "Delete rule error");
}

using Command = Result<void> (rule::Registry::*)(const std::string& id);

// start, stop, restart. `done` is the text of success with {} for the id.
void AddCommand(http::Router& router, rule::Registry& rules, std::string name, Command command,
                fmt::format_string<std::string> done) {
    router.Add("POST", fmt::format("/rules/{{id}}/{}", name),
               [&rules, name, command, done](const Request& request) {
                   const std::string& id = request.Variable("id");
                   const auto result = (rules.*command)(id);
                   return result ? Text(200, fmt::format(done, std::string(id)))
                                 : Failure(result.error(), fmt::format("{} rule error", name));
               });
}

Response Validate(const rule::Registry& rules, const Request& request) {
    const auto validation = rules.Validate(request.body);
    if (!validation) {
        return WithPlaceInRule(Text(422, validation.error().message), request.body);
    }
    config::Node answer = config::Node::MakeObject();
    config::Node& sources = answer.Set("sources", config::Node::MakeArray());
    for (const std::string& source : validation->sources) {
        sources.Append(source);
    }
    answer.Set("valid", true);
    if (!validation->warnings.empty()) {
        config::Node& warnings = answer.Set("warnings", config::Node::MakeArray());
        for (const std::string& warning : validation->warnings) {
            warnings.Append(warning);
        }
    }
    return WithWarnings(JsonAsText(config::ToJson(answer)), validation->warnings);
}

}  // namespace

void AddRuleRoutes(http::Router& router, const Services& services) {
    rule::Registry& rules = *services.rules;
    router.Add("POST", "/rules/validate",
               [&rules](const Request& request) { return Validate(rules, request); });
    router.Add("POST", "/rules", [&rules](const Request& request) { return Create(rules, request); });
    router.Add("GET", "/rules", [&rules](const Request&) { return List(rules); });
    router.Add("GET", "/rules/{id}", [&rules](const Request& request) { return Get(rules, request); });
    router.Add("PUT", "/rules/{id}", [&rules](const Request& request) { return Put(rules, request); });
    router.Add("DELETE", "/rules/{id}", [&rules](const Request& request) { return Delete(rules, request); });
    AddCommand(router, rules, "start", &rule::Registry::Start, "Rule {} was started");
    AddCommand(router, rules, "stop", &rule::Registry::Stop, "Rule {} was stopped.");
    AddCommand(router, rules, "restart", &rule::Registry::Restart, "Rule {} was restarted");
}

}  // namespace haumea::api
