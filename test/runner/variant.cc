#include "runner/variant.h"

#include "config/duration.h"

namespace haumea::runner {
namespace {

Result<int64_t> ReadInt(const config::Node::Member& member) {
    if (!member.second.is_int() || member.second.as_int() < 0) {
        return Failf("{} must be a whole number, not {}", member.first, member.second.kind_name());
    }
    return member.second.as_int();
}

Result<void> SetFlag(const config::Node::Member& member, bool& flag) {
    if (!member.second.is_bool()) {
        return Failf("{} must be true or false, not {}", member.first, member.second.kind_name());
    }
    flag = member.second.as_bool();
    return {};
}

Result<void> SetOption(const config::Node::Member& member, exec::RuleOptions& options) {
    const auto& [key, value] = member;
    if (key == "lateTolerance") {
        if (value.is_string()) {
            HAUMEA_TRY(const config::Millis tolerance, config::ParseDuration(value.as_string()));
            options.late_tolerance_ms = tolerance.value;
            return {};
        }
        HAUMEA_TRY(options.late_tolerance_ms, ReadInt(member));
        return {};
    }
    struct Flag {
        std::string_view key;
        bool exec::RuleOptions::* field;
    };
    static constexpr Flag kFlags[] = {{"isEventTime", &exec::RuleOptions::is_event_time},
                                      {"sendError", &exec::RuleOptions::send_error},
                                      {"sendNilField", &exec::RuleOptions::send_nil_field},
                                      {"sendMetaToSink", &exec::RuleOptions::send_meta_to_sink},
                                      {"disableAliasRefCal", &exec::RuleOptions::disable_alias_ref_cal}};
    for (const Flag& flag : kFlags) {
        if (key == flag.key) {
            return SetFlag(member, options.*flag.field);
        }
    }
    return Failf("unknown rule option {}", key);
}

}  // namespace

Result<Variant> ParseVariant(std::string name, std::string_view json) {
    HAUMEA_TRY(const config::Node root, config::ParseJson(json));
    if (!root.is_object()) {
        return Failf("expected a JSON object, got {}", root.kind_name());
    }
    Variant variant;
    variant.name = std::move(name);
    for (const auto& member : root.object()) {
        if (member.first == "settleAfterEvents") {
            HAUMEA_TRY(variant.settle_after_events, ReadInt(member));
        } else if (member.first == "pauseEvery") {
            HAUMEA_TRY(variant.pause_every, ReadInt(member));
        } else if (member.first == "deliverRows") {
            HAUMEA_TRY_VOID(SetFlag(member, variant.deliver_rows));
        } else if (member.first != "description") {
            return Failf("unknown setting {}", member.first);
        }
    }
    return variant;
}

Result<exec::RuleOptions> ParseRuleOptions(std::string_view json) {
    exec::RuleOptions options;
    if (json.empty()) {
        return options;
    }
    HAUMEA_TRY(const config::Node root, config::ParseJson(json));
    if (!root.is_object()) {
        return Failf("options must be a JSON object, not {}", root.kind_name());
    }
    for (const auto& member : root.object()) {
        HAUMEA_TRY_VOID(SetOption(member, options));
    }
    return options;
}

}  // namespace haumea::runner
