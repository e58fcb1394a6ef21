#include "rule/conf_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "config/duration.h"
#include "rule/connections_secrets.h"
#include "sql/parser.h"

namespace haumea::rule {
namespace {

using config::Node;

std::string_view Prefix(ConfKeys::Kind kind) { return kind == ConfKeys::Kind::kSource ? "sources" : "sinks"; }

std::string Lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

// Whole numbers of these properties are milliseconds; they are shown as durations.
void WriteDurations(Node& props) {
    for (auto& [name, value] : props.object()) {
        if ((name == "interval" || name == "timeout" || name == "expiration") && value.is_int()) {
            value = Node(config::FormatDuration({value.as_int()}));
        }
    }
}

}  // namespace

ConfKeys::ConfKeys(config::ConfKeys sources, config::ConfKeys sinks, store::KeyValue& table)
    : sources_{.files = sources, .merged = sources, .stored = {}},
      sinks_{.files = sinks, .merged = sinks, .stored = {}},
      table_(&table) {}

Result<void> ConfKeys::Load() {
    HAUMEA_TRY(const std::vector<store::KeyValue::Entry> entries, table_->All());
    for (const auto& [name, text] : entries) {
        const size_t first = name.find('.');
        const size_t second = name.find('.', first + 1);
        const Kind kind = name.starts_with("sinks.") ? Kind::kSink : Kind::kSource;
        Result<Node> props = config::ParseJson(text);
        if (second == std::string::npos || !props || !props->is_object()) {
            log::Error("conf key {}: its stored properties cannot be read: put it anew", name);
            continue;
        }
        const std::string type = name.substr(first + 1, second - first - 1);
        Node& groups = side(kind).stored.try_emplace(type, Node::MakeObject()).first->second;
        groups.Set(name.substr(second + 1), std::move(*props));
    }
    for (Side* side : {&sources_, &sinks_}) {
        for (const auto& [type, groups] : side->stored) {
            Merge(*side, type);
        }
    }
    return {};
}

// Lays the stored groups of a type over those of the files.
void ConfKeys::Merge(Side& side, const std::string& type) {
    Node groups = Node::MakeObject();
    if (const auto file = side.files.types().find(type); file != side.files.types().end()) {
        groups = file->second;
    }
    if (const auto stored = side.stored.find(type); stored != side.stored.end()) {
        for (const auto& [key, props] : stored->second.object()) {
            const auto same_key = [&key = key](const Node::Member& m) {
                return Lower(m.first) == Lower(key);
            };
            const auto of_file = std::find_if(groups.object().begin(), groups.object().end(), same_key);
            if (of_file == groups.object().end() || !of_file->second.is_object()) {
                groups.Set(key, props);
                continue;
            }
            Node& group = of_file->second;
            for (const auto& [name, value] : props.object()) {
                std::erase_if(group.object(), [&name = name](const Node::Member& member) {
                    return Lower(member.first) == Lower(name);
                });
                group.Set(name, value);
            }
        }
    }
    side.merged.Add(type, std::move(groups));
}

Node ConfKeys::Properties(Kind kind, std::string_view type, std::string_view key, bool* found) const {
    return side(kind).merged.Properties(type, key, found);
}

std::optional<Node> ConfKeys::Groups(Kind kind, std::string_view type) const {
    const auto& types = side(kind).merged.types();
    const auto found = types.find(Lower(type));
    if (found == types.end()) {
        return std::nullopt;
    }
    return MaskSecrets(found->second);
}

Node ConfKeys::Stored(Kind kind) const {
    std::map<std::string, std::string> types;
    for (const auto& [type, groups] : side(kind).stored) {
        for (const auto& [key, props] : groups.object()) {
            types.emplace(key, type);
        }
    }
    Node node = Node::MakeObject();
    for (const auto& [key, type] : types) {
        node.Set(key, type);
    }
    return node;
}

Result<void> ConfKeys::Put(Kind kind, const std::string& type, const std::string& key, const Node& props) {
    for (const std::string* name : {&type, &key}) {
        if (auto valid = sql::CheckIdentifier(*name); !valid) {
            return Fail(std::move(valid.error()).With(name == &key ? "Invalid confKey" : "Invalid type"));
        }
    }
    if (kind == Kind::kSource && Lower(key) == "source" &&
        (Lower(type) == "websocket" || Lower(type) == "httppush")) {
        return Failf(
            "Invalid confKey: \"source\" are the settings of the data server in etc/sources/{}.yaml, no "
            "group of "
            "properties; choose another name",
            Lower(type));
    }
    Node kept = UnmaskSecrets(props, Properties(kind, type, key));
    if (const std::string masked = FindMask(kept); !masked.empty()) {
        return Failf("property {} is masked, but there is no stored value to keep: give the value", masked);
    }
    WriteDurations(kept);
    const std::string lower = Lower(type);
    HAUMEA_TRY_VOID(table_->Set(fmt::format("{}.{}.{}", Prefix(kind), lower, key),
                                config::ToJson(kept, {.escape_html = false})));
    Node& groups = side(kind).stored.try_emplace(lower, Node::MakeObject()).first->second;
    groups.Set(key, std::move(kept));
    Merge(side(kind), lower);
    return {};
}

Result<void> ConfKeys::Delete(Kind kind, const std::string& type, const std::string& key) {
    const std::string lower = Lower(type);
    const std::string name = fmt::format("{}.{}", Prefix(kind), lower);
    Side& own = side(kind);
    const auto stored = own.stored.find(lower);
    if (stored == own.stored.end() || stored->second.Find(key) == nullptr) {
        const bool known = own.merged.types().contains(lower);
        return Fail(known ? Errorf(ErrorCode::kConfig, "Failed to write data to file:{}.{}.{} is not found",
                                   name, name, key)
                          : Errorf(ErrorCode::kConfig, "This plugin was not found:{}", name));
    }
    HAUMEA_TRY([[maybe_unused]] const bool existed, table_->Delete(fmt::format("{}.{}", name, key)));
    std::erase_if(stored->second.object(),
                  [&key](const Node::Member& member) { return member.first == key; });
    if (stored->second.object().empty()) {
        own.stored.erase(stored);
    }
    Merge(own, lower);
    return {};
}

}  // namespace haumea::rule
