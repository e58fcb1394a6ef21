#include "engine/stored_secrets.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rule/connections_secrets.h"

namespace haumea::engine {
namespace {

constexpr std::string_view kType = "websocket";

std::string TextOf(const config::Node& props, std::string_view name) {
    const config::Node* value = props.FindNoCase(name);
    const bool empty = value == nullptr || value->is_null() ||
                       (value->is_string() && value->as_string().empty()) ||
                       (value->is_bool() && !value->as_bool());
    return empty ? "" : config::ToJson(*value);
}

// Where secrets would go to, and who would be let see them there. A conf key has no path, which its stream
// says.
bool SameDestination(const config::Node& a, const config::Node& b, bool with_path) {
    constexpr std::array<std::string_view, 7> kNames = {
        "scheme", "insecureSkipVerify", "rootCaPath", "rootCARaw", "proxy", "addr", "path"};
    constexpr std::array<std::string_view, 7> kAliases = {"", "", "", "", "", "address", "datasource"};
    for (size_t i = 0; i < kNames.size(); ++i) {
        const auto value = [&](const config::Node& props) {
            const std::string text = TextOf(props, kNames[i]);
            return text.empty() && !kAliases[i].empty() ? TextOf(props, kAliases[i]) : text;
        };
        if ((with_path || kNames[i] != "path") && value(a) != value(b)) {
            return false;
        }
    }
    return true;
}

// Everything that is stored and may be meant, with secrets; `with_path` says how it is compared.
struct Candidate {
    config::Node props;
    bool with_path;
};
std::vector<Candidate> CandidatesOf(const rule::Connections& connections, const rule::Registry* rules,
                                    const rule::ConfKeys& conf_keys, rule::ConfKeys::Kind kind) {
    std::vector<Candidate> all;
    for (config::Node& props : connections.AllProperties()) {
        all.push_back({std::move(props), true});
    }
    for (const rule::Rule* rule : rules != nullptr ? rules->All() : std::vector<const rule::Rule*>()) {
        for (const config::Node& action : rule->def().actions) {
            if (const config::Node* props = action.is_object() ? action.Find(kType) : nullptr) {
                all.push_back({*props, true});
            }
        }
    }
    const auto groups = conf_keys.Groups(kind, kType);
    for (const auto& [name, shown] :
         groups && groups->is_object() ? groups->object() : config::Node::Object()) {
        all.push_back({conf_keys.Properties(kind, kType, name), kind == rule::ConfKeys::Kind::kSink});
    }
    return all;
}

}  // namespace

Result<config::Node> WithStoredSecrets(const config::Node& given, const rule::Connections& connections,
                                       const rule::Registry* rules, const rule::ConfKeys& conf_keys,
                                       rule::ConfKeys::Kind kind) {
    if (rule::FindMaskedSecret(given).empty()) {
        return given;
    }
    for (const Candidate& candidate : CandidatesOf(connections, rules, conf_keys, kind)) {
        if (SameDestination(rule::MaskSecrets(candidate.props), given, candidate.with_path)) {
            config::Node restored = rule::UnmaskSecrets(given, candidate.props);
            if (rule::FindMaskedSecret(restored).empty()) {
                return restored;
            }
        }
    }
    return Failf("property {} is masked, but nothing is stored for that address: give the value",
                 rule::FindMaskedSecret(given));
}

}  // namespace haumea::engine
