#include "rule/rule_secrets.h"

#include <utility>

#include "config/node.h"
#include "rule/connections_secrets.h"
#include "rule/json_text.h"

namespace haumea::rule {
namespace {

using config::Node;

// Null: no object with actions.
const Node* ActionsIn(const Result<Node>& rule) { return rule ? rule->FindNoCase("actions") : nullptr; }

// The member is written in any letter case.
void SetActions(Node& rule, Node actions) {
    const Node* old = rule.FindNoCase("actions");
    for (auto& [name, member] : rule.object()) {
        if (&member == old) {
            member = std::move(actions);
            return;
        }
    }
}

std::string ToText(const Node& rule) { return config::ToJson(rule, {.escape_html = false}); }

}  // namespace

std::string MaskRule(std::string_view text) {
    Result<Node> rule = ParseBody(text);
    const Node* actions = ActionsIn(rule);
    if (actions == nullptr) {
        return std::string(text);
    }
    Node masked = MaskSecrets(*actions);
    if (masked == *actions) {
        return std::string(text);
    }
    SetActions(*rule, std::move(masked));
    return ToText(*rule);
}

Result<std::string> UnmaskRule(std::string_view text, std::string_view stored) {
    Result<Node> rule = text.find(kMask) == std::string_view::npos ? Result<Node>(Node()) : ParseBody(text);
    const Node* actions = ActionsIn(rule);
    if (actions == nullptr) {
        return std::string(text);  // without masks, or no rule: then its reader says why
    }
    const Result<Node> old = ParseBody(stored);
    const Node* old_actions = ActionsIn(old);
    Node whole = UnmaskSecrets(*actions, old_actions != nullptr ? *old_actions : Node());
    if (const std::string masked = FindMaskedSecret(whole); !masked.empty()) {
        return Failf("action {} is masked, but there is no stored value to keep: give the value", masked);
    }
    if (whole == *actions) {
        return std::string(text);
    }
    SetActions(*rule, std::move(whole));
    return ToText(*rule);
}

}  // namespace haumea::rule
