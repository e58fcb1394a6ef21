#include "engine/stored_secrets.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "rule/connections_secrets.h"

namespace haumea::engine {
namespace {

constexpr std::string_view kType = "websocket";

// In any order, and whatever the case of the names.
bool SameMembers(const config::Node& a, const config::Node& b) {
    return a.is_object() && b.is_object() && a.object().size() == b.object().size() &&
           std::all_of(a.object().begin(), a.object().end(), [&b](const config::Node::Member& member) {
               const config::Node* other = b.FindNoCase(member.first);
               return other != nullptr && config::ToJson(*other) == config::ToJson(member.second);
           });
}

bool Shows(const config::Node& stored, const config::Node& given) {
    return SameMembers(rule::MaskSecrets(stored), given);
}

// A conf key has no path, which its stream says; a check does.
config::Node WithoutPath(const config::Node& props) {
    config::Node rest = config::Node::MakeObject();
    for (const auto& [name, value] : props.object()) {
        const config::Node alone(config::Node::Object{{name, value}});
        if (alone.FindNoCase("path") == nullptr && alone.FindNoCase("datasource") == nullptr) {
            rest.Set(name, value);
        }
    }
    return rest;
}

std::optional<config::Node> Find(const config::Node& given, const rule::Connections& connections,
                                 const rule::Registry* rules, const rule::ConfKeys& conf_keys) {
    for (const config::Node& props : connections.AllProperties()) {
        if (Shows(props, given)) {
            return props;
        }
    }
    for (const rule::Rule* rule : rules != nullptr ? rules->All() : std::vector<const rule::Rule*>()) {
        for (const config::Node& action : rule->def().actions) {
            const config::Node* props = action.is_object() ? action.Find(kType) : nullptr;
            if (props != nullptr && Shows(*props, given)) {
                return *props;
            }
        }
    }
    for (const auto kind : {rule::ConfKeys::Kind::kSource, rule::ConfKeys::Kind::kSink}) {
        const auto groups = conf_keys.Groups(kind, kType);
        if (!groups || !groups->is_object()) {
            continue;
        }
        for (const auto& [name, shown] : groups->object()) {
            if (SameMembers(shown, given) || SameMembers(shown, WithoutPath(given))) {
                return conf_keys.Properties(kind, kType, name);
            }
        }
    }
    return std::nullopt;
}

}  // namespace

Result<config::Node> WithStoredSecrets(const config::Node& given, const rule::Connections& connections,
                                       const rule::Registry* rules, const rule::ConfKeys& conf_keys) {
    if (rule::FindMaskedSecret(given).empty()) {
        return given;
    }
    const auto stored = Find(given, connections, rules, conf_keys);
    config::Node restored = stored ? rule::UnmaskSecrets(given, *stored) : given;
    if (const std::string masked = rule::FindMaskedSecret(restored); !masked.empty()) {
        return Failf(
            "property {} is masked, but nothing that is stored shows these properties: give the value",
            masked);
    }
    return restored;
}

}  // namespace haumea::engine
