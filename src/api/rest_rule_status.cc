#include <fmt/format.h>

#include <algorithm>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/status.h"

namespace haumea::api {
namespace {

using config::Node;
using http::Request;
using http::Response;

// The rule of the path, or `Rule x is not found`.
Result<const rule::Rule*> FindRule(const rule::Registry& rules, const Request& request) {
    const std::string& id = request.Variable("id");
    const rule::Rule* rule = rules.Find(id);
    if (rule == nullptr) {
        return Fail(Error(ErrorCode::kNotFound, fmt::format("Rule {} is not found", id)));
    }
    return rule;
}

Error NeverStarted(const rule::Rule& rule) {
    return Error(
        ErrorCode::kGeneral,
        fmt::format("Fail to get rule {}'s topo, make sure the rule has been started before", rule.def().id));
}

Response Status(const rule::Registry& rules, const Request& request) {
    const auto rule = FindRule(rules, request);
    if (!rule) {
        return Failure(rule.error(), "get rule status error");
    }
    return {.status = 200,
            .content_type = "application/json",
            .body = config::ToJson(rule::StatusJson(**rule, rules.now_ms()), {.indent = 2}),
            .headers = {}};
}

Response FlatStatus(const rule::Registry& rules, const Request& request) {
    const auto rule = FindRule(rules, request);
    return rule ? JsonAsText(config::ToJson(rule::StatusJson(**rule, rules.now_ms()), {.sort_keys = true}))
                : Failure(rule.error(), "get rule status error");
}

Response AllStatus(const rule::Registry& rules) {
    Node all = Node::MakeObject();
    for (const rule::Rule* rule : rules.All()) {
        all.Set(rule->def().id, rule::BriefStatusJson(*rule));
    }
    return Json(all);
}

Response Topo(const rule::Registry& rules, const Request& request) {
    const auto rule = FindRule(rules, request);
    if (!rule) {
        return Failure(rule.error(), "get rule topo error");
    }
    return (*rule)->last_run() == nullptr ? Failure(NeverStarted(**rule), "get rule topo error")
                                          : Json((*rule)->last_run()->topo);
}

Response Schema(const rule::Registry& rules, const Request& request) {
    const auto rule = FindRule(rules, request);
    if (!rule) {
        return Failure(rule.error(), "get rule schema error");
    }
    if (!(*rule)->running()) {
        return Failure(NeverStarted(**rule), "get rule schema error");
    }
    Node schema = Node::MakeObject();
    int index = 0;
    for (const std::string& column : (*rule)->last_run()->columns) {
        Node place = Node::MakeObject();
        place.Set("hasIndex", true);
        place.Set("index", index++);
        schema.Set(column, std::move(place));
    }
    std::sort(schema.object().begin(), schema.object().end(),
              [](const Node::Member& a, const Node::Member& b) { return a.first < b.first; });
    return Json(schema);
}

Response Explain(const rule::Registry& rules, const Request& request) {
    auto text = rules.Explain(request.Variable("id"));
    return text ? Text(200, std::move(*text)) : Failure(text.error(), "explain rules error");
}

}  // namespace

void AddRuleStatusRoutes(http::Router& router, const Services& services) {
    const rule::Registry& rules = *services.rules;
    router.Add("GET", "/rules/usage/cpu", [](const Request&) { return Text(200, "cpu usage not enabled"); });
    router.Add("GET", "/rules/status/all", [&rules](const Request&) { return AllStatus(rules); });
    router.Add("GET", "/rules/{id}/status",
               [&rules](const Request& request) { return Status(rules, request); });
    router.Add("GET", "/v2/rules/{id}/status",
               [&rules](const Request& request) { return FlatStatus(rules, request); });
    router.Add("GET", "/rules/{id}/topo", [&rules](const Request& request) { return Topo(rules, request); });
    router.Add("GET", "/rules/{id}/schema",
               [&rules](const Request& request) { return Schema(rules, request); });
    router.Add("GET", "/rules/{id}/explain",
               [&rules](const Request& request) { return Explain(rules, request); });
}

}  // namespace haumea::api
