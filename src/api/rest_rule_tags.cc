#include <fmt/format.h>

#include <algorithm>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"

namespace haumea::api {
namespace {

using config::Node;
using http::Request;
using http::Response;
using Tags = std::vector<std::string>;

// {"tags":["t1"]}
Result<Tags> BodyTags(const Request& request) {
    auto body = rule::ParseBody(request.body, rule::JsonInput::kStream);
    if (!body) {
        return Fail(std::move(body.error()).With("decode body error"));
    }
    Tags tags;
    if (body->is_null()) {
        return tags;
    }
    if (!body->is_object()) {
        return Failf(
            "decode body error: json: cannot unmarshal {} into Go value of type server.RuleTagRequest",
            rule::ObjectReader::KindOf(*body));
    }
    std::string error;
    rule::ObjectReader(*body, "RuleTagRequest", error).Read("tags", tags);
    if (!error.empty()) {
        return Failf("decode body error: {}", error);
    }
    return tags;
}

bool Contains(const Tags& tags, const std::string& tag) {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

// Ids of the rules that have all of `tags`.
std::vector<std::string> Matching(const rule::Registry& rules, const Tags& tags) {
    std::vector<std::string> ids;
    for (const rule::Rule* rule : rules.All()) {
        const Tags& own = rule->def().tags;
        if (std::all_of(tags.begin(), tags.end(),
                        [&own](const std::string& tag) { return Contains(own, tag); })) {
            ids.push_back(rule->def().id);
        }
    }
    return ids;
}

enum class TagChange { kReplace, kAdd, kRemove };

Response ChangeTags(rule::Registry& rules, const Request& request, TagChange change) {
    const auto given = BodyTags(request);
    if (!given) {
        return Failure(given.error());
    }
    const std::string& id = request.Variable("id");
    const rule::Rule* rule = rules.Find(id);
    Tags tags = rule == nullptr || change == TagChange::kReplace ? Tags() : rule->def().tags;
    for (const std::string& tag : *given) {
        if (change == TagChange::kRemove) {
            std::erase(tags, tag);
        } else if (!Contains(tags, tag)) {
            tags.push_back(tag);
        }
    }
    const auto stored = rules.SetTags(id, std::move(tags));
    return stored ? Empty() : Failure(stored.error(), "Get rule error");
}

// Tags come in the body, or as ?tags=a,b from clients that cannot send one.
Response Match(const rule::Registry& rules, const Request& request) {
    Tags tags;
    if (std::string query = request.Query("tags"); request.body.empty() && !query.empty()) {
        for (size_t begin = 0; begin <= query.size();) {
            const size_t end = std::min(query.find(',', begin), query.size());
            tags.push_back(query.substr(begin, end - begin));
            begin = end + 1;
        }
    } else {
        auto given = BodyTags(request);
        if (!given) {
            return Failure(given.error());
        }
        tags = std::move(*given);
    }
    Node answer = Node::MakeObject();
    for (const std::string& id : Matching(rules, tags)) {
        if (answer.Find("rules") == nullptr) {
            answer.Set("rules", Node::MakeArray());
        }
        answer.Find("rules")->Append(id);
    }
    return Json(answer);
}

using Command = Result<void> (rule::Registry::*)(const std::string& id);

Response Bulk(rule::Registry& rules, const Request& request, Command command, std::string_view name) {
    const auto tags = BodyTags(request);
    if (!tags) {
        return Failure(tags.error());
    }
    const std::vector<std::string> ids = Matching(rules, *tags);
    if (ids.empty()) {
        return Failure(Error("no matching rules"), fmt::format("bulk {} failed", name));
    }
    Node answer = Node::MakeArray();
    for (const std::string& id : ids) {
        const auto result = (rules.*command)(id);
        Node line = Node::MakeObject();
        line.Set("ruleId", id);
        line.Set("success", result.has_value());
        if (!result) {
            line.Set("error", result.error().message);
        }
        answer.Append(std::move(line));
    }
    return Json(answer);
}

}  // namespace

void AddRuleTagRoutes(http::Router& router, const Services& services) {
    rule::Registry& rules = *services.rules;
    router.Add("GET", "/rules/tags/match",
               [&rules](const Request& request) { return Match(rules, request); });
    router.Add("POST", "/rules/bulkstart", [&rules](const Request& request) {
        return Bulk(rules, request, &rule::Registry::Start, "start");
    });
    router.Add("POST", "/rules/bulkstop", [&rules](const Request& request) {
        return Bulk(rules, request, &rule::Registry::Stop, "stop");
    });
    constexpr std::pair<std::string_view, TagChange> kChanges[] = {
        {"PUT", TagChange::kReplace}, {"PATCH", TagChange::kAdd}, {"DELETE", TagChange::kRemove}};
    for (const auto& [method, change] : kChanges) {
        router.Add(method, "/rules/{id}/tags", [&rules, change = change](const Request& request) {
            return ChangeTags(rules, request, change);
        });
    }
}

}  // namespace haumea::api
