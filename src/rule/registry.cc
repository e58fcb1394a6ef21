#include "rule/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "rule/rule_secrets.h"

namespace haumea::rule {
namespace {

constexpr int64_t kTickMs = 1'000;

Error NotFound(std::string_view id, std::string_view where) {
    return Error(ErrorCode::kNotFound, fmt::format("Rule {} is not found{}", id, where));
}

bool NeedsTick(const Rule& rule) {
    const Schedule& schedule = rule.def().options.schedule;
    return rule.def().triggered &&
           (schedule.by_clock() || schedule.run_limit_ms() || rule.waits_for_connection());
}

}  // namespace

Registry::Registry(Environment environment, store::KeyValue& table, Options defaults)
    : environment_(std::move(environment)),
      table_(&table),
      defaults_(std::move(defaults)),
      patrol_(*environment_.control),
      tick_(*environment_.control) {}

Registry::~Registry() = default;

Rule* Registry::FindOwn(const std::string& id) {
    const auto found = rules_.find(id);
    return found == rules_.end() ? nullptr : found->second.get();
}

const Rule* Registry::Find(const std::string& id) const {
    const auto found = rules_.find(id);
    return found == rules_.end() ? nullptr : found->second.get();
}

Result<Rule*> Registry::Need(const std::string& id) {
    Rule* rule = FindOwn(id);
    if (rule == nullptr) {
        return Fail(NotFound(id, " in registry, please check if it is created"));
    }
    return rule;
}

Result<RuleDef> Registry::Parse(std::string_view body, std::string_view path_id) const {
    return ParseRule(body, path_id, defaults_, environment_.functions);
}

std::unique_ptr<Rule> Registry::MakeRule(RuleDef def) {
    return std::make_unique<Rule>(std::move(def), environment_,
                                  [this](Rule& rule, bool failed) { OnEnd(rule, failed); });
}

Result<void> Registry::Recover() {
    HAUMEA_TRY(const std::vector<store::KeyValue::Entry> entries, table_->All());
    for (const auto& [id, text] : entries) {
        RecoverOne(id, text);
    }
    ArmTimers();
    return {};
}

void Registry::RecoverOne(const std::string& id, const std::string& text) {
    Result<RuleDef> def = Parse(text, id);
    if (!def) {
        log::Error("rule {}: stored definition is left out: {}", id, def.error().message);
        return;
    }
    const bool triggered = def->triggered;
    Rule& rule = *rules_.emplace(id, MakeRule(std::move(*def))).first->second;
    if (!triggered) {
        return;
    }
    rule.FollowSchedule();
    rule.Handle(Signal::kStart);  // ignored by a rule that waits for its schedule
}

void Registry::StopAll() {
    patrol_.Cancel();
    tick_.Cancel();
    for (const auto& [id, rule] : rules_) {
        rule->EndRun("");
    }
}

Result<Change> Registry::Create(std::string_view body) {
    Result<std::string> text = UnmaskRule(body, "");
    Result<RuleDef> def = text ? Parse(*text, "") : Result<RuleDef>(Fail(text.error()));
    if (!def) {
        return Fail(std::move(def.error()).With("invalid rule json"));
    }
    if (Find(def->id) != nullptr) {
        return Failf("rule {} already exists", def->id);
    }
    return Add(std::move(*def));
}

Result<Change> Registry::Add(RuleDef def) {
    const std::string id = def.id;
    auto rule = MakeRule(def);
    HAUMEA_TRY(Rule::Pipeline pipeline, rule->Plan(def));
    std::vector<std::string> warnings = def.warnings;
    warnings.insert(warnings.end(), pipeline->warnings().begin(), pipeline->warnings().end());
    if (!def.temp) {
        HAUMEA_TRY(const bool added, table_->SetNew(id, def.text));
        if (!added) {
            return Failf("store the rule error: Item {} already exists", id);
        }
    }
    const bool triggered = def.triggered;
    const bool temp = def.temp;
    if (const auto started = rule->Replace(std::move(def), triggered ? std::move(pipeline) : nullptr);
        !started) {
        if (!temp) {
            if (const auto removed = table_->Delete(id); !removed) {
                log::Error("rule {}: not removed from the store: {}", id, removed.error().message);
            }
        }
        return Fail(started.error());
    }
    rules_.emplace(id, std::move(rule));
    ArmTimers();
    return Change{id, std::move(warnings)};
}

Result<Change> Registry::Update(const std::string& id, std::string_view body) {
    Rule* rule = FindOwn(id);
    Result<std::string> text = UnmaskRule(body, rule == nullptr ? "" : rule->def().text);
    Result<RuleDef> def = text ? Parse(*text, id) : Result<RuleDef>(Fail(text.error()));
    if (!def) {
        return Fail(std::move(def.error()).With("Invalid rule json"));
    }
    return rule == nullptr ? Add(std::move(*def)) : Exchange(*rule, std::move(*def));
}

Result<Change> Registry::Exchange(Rule& rule, RuleDef def) {
    const std::string id = def.id;
    if (!MayReplace(rule.def().version, def.version)) {
        return Failf("rule {} already exists with version ({}), new version ({}) is lower", id,
                     rule.def().version, def.version);
    }
    HAUMEA_TRY(Rule::Pipeline pipeline, rule.Plan(def));
    std::vector<std::string> warnings = def.warnings;
    warnings.insert(warnings.end(), pipeline->warnings().begin(), pipeline->warnings().end());
    const RuleDef old = rule.def();
    const bool was_running = rule.running();
    const std::string text = def.text;
    const bool temp = def.temp;
    const bool triggered = def.triggered;
    const std::shared_ptr<void> hold = HoldClients();
    const auto replaced = environment_.replacing ? environment_.replacing(old.spec(), def.spec())
                                                 : std::function<void(bool)>([](bool) {});
    Result<void> done = rule.Replace(std::move(def), triggered ? std::move(pipeline) : nullptr);
    if (done && temp) {
        if (auto removed = table_->Delete(id); !removed) {
            done = Fail(std::move(removed.error()));
        }
    } else if (done) {
        done = table_->Set(id, text);
    }
    if (!done) {
        GoBack(rule, old, was_running);
        replaced(false);
        return Fail(std::move(done.error()));
    }
    unstored_.erase(id);
    replaced(true);
    ArmTimers();
    return Change{id, std::move(warnings)};
}

std::shared_ptr<void> Registry::HoldClients() const {
    return environment_.hold_clients ? environment_.hold_clients() : nullptr;
}

// The old rule had to end first, because both may need the same endpoint; now it goes on.
void Registry::GoBack(Rule& rule, const RuleDef& old, bool was_running) {
    if (was_running) {
        Result<Rule::Pipeline> again = rule.Plan(old);
        if (const auto back =
                again ? rule.Replace(old, std::move(*again)) : Result<void>(Fail(again.error()));
            !back) {
            log::Error("rule {}: the old definition does not run again: {}", old.id, back.error().message);
        }
    } else if (rule.running()) {
        rule.Stop();
    }
    rule.def() = old;
}

Result<void> Registry::Delete(const std::string& id) {
    const Rule* rule = Find(id);
    if (rule == nullptr) {
        return Failf("rule {} not found", id);
    }
    if (!rule->def().temp) {
        HAUMEA_TRY([[maybe_unused]] const bool removed, table_->Delete(id));
    }
    rules_.erase(id);
    unstored_.erase(id);  // or it would be said of the next rule of this id
    if (environment_.deleted) {
        environment_.deleted(id);
    }
    return {};
}

Result<void> Registry::SetTriggered(Rule& rule, bool triggered) {
    RuleDef& def = rule.def();
    if (!def.temp) {
        HAUMEA_TRY(std::string text, RewriteRule(def.text, triggered));
        HAUMEA_TRY_VOID(table_->Set(def.id, text));
        def.text = std::move(text);
    }
    def.triggered = triggered;
    return {};
}

Result<void> Registry::SetStopped(Rule& rule) {
    auto stored = SetTriggered(rule, false);
    if (!stored && rule.def().triggered) {
        rule.def().triggered = false;
        unstored_.insert(rule.def().id);
        ArmTimers();
    }
    return unstored_.contains(rule.def().id) ? stored : Result<void>();
}

void Registry::StoreWhatIsPending() {
    for (auto next = unstored_.begin(); next != unstored_.end();) {
        if (Rule* rule = FindOwn(*next); rule != nullptr && !SetTriggered(*rule, false)) {
            return;  // the others will not do better
        }
        log::Info("rule {}: it is stored now that it has stopped", *next);
        next = unstored_.erase(next);
    }
}

Result<void> Registry::Start(const std::string& id) {
    HAUMEA_TRY(Rule * rule, Need(id));
    // Then the next start of the engine finds what it has to find, also when the text cannot be rewritten.
    const bool stored_already = rule->def().triggered || unstored_.contains(id);
    if (auto stored = SetTriggered(*rule, true); !stored && !stored_already) {
        return stored;
    }
    rule->def().triggered = true;
    unstored_.erase(id);
    const std::shared_ptr<void> hold = HoldClients();
    const Rule::Run* before = rule->last_run();
    auto started = rule->Start();
    // Nothing was begun, as when a connection that has to exist does not: nothing is stored either.
    if (!started && !stored_already && rule->last_run() == before) {
        if (auto back = SetTriggered(*rule, false); !back) {
            log::Error("rule {}: {}", id, back.error().message);
        }
    }
    ArmTimers();
    return started;
}

Result<void> Registry::Stop(const std::string& id) {
    HAUMEA_TRY(Rule * rule, Need(id));
    auto stored = SetStopped(*rule);
    rule->Stop();
    if (!stored) {
        return Fail(std::move(stored.error())
                        .With("the rule is stopped, but that could not be stored and is tried again: if the "
                              "engine ends before, its next start runs the rule again"));
    }
    return {};
}

Result<void> Registry::Restart(const std::string& id) { return Start(id); }

Result<void> Registry::SetTags(const std::string& id, std::vector<std::string> tags) {
    Rule* rule = FindOwn(id);
    if (rule == nullptr) {
        return Fail(NotFound(id, "."));
    }
    RuleDef& def = rule->def();
    if (!def.temp) {
        HAUMEA_TRY(std::string text, RewriteRule(def.text, std::nullopt, &tags));
        HAUMEA_TRY_VOID(table_->Set(id, text));
        def.text = std::move(text);
    }
    def.tags = std::move(tags);
    def.has_tags = true;
    return {};
}

Result<std::string> Registry::Definition(const std::string& id) const {
    const Rule* rule = Find(id);
    if (rule == nullptr || rule->def().temp) {
        return Fail(NotFound(id, "."));
    }
    return MaskRule(rule->def().text);
}

std::vector<const Rule*> Registry::All() const {
    std::vector<const Rule*> all;
    for (const auto& [id, rule] : rules_) {
        all.push_back(rule.get());
    }
    return all;
}

bool Registry::IsStreamInUse(const std::string& stream) const {
    return std::any_of(rules_.begin(), rules_.end(),
                       [&stream](const auto& entry) { return entry.second->reads(stream); });
}

Result<Registry::Validation> Registry::Validate(std::string_view body) const {
    Result<RuleDef> def = Parse(body, "");
    if (!def) {
        return Fail(std::move(def.error()).With("invalid rule json"));
    }
    HAUMEA_TRY(exec::PlanDescription described, environment_.describe(def->sql, def->options.plan));
    const HomeLoop home = environment_.assign_home(def->id);
    HAUMEA_TRY(const Rule::Pipeline pipeline, environment_.plan(def->spec(), *home.scheduler));
    Validation validation{std::move(described.sources), std::move(def->warnings)};
    validation.warnings.insert(validation.warnings.end(), pipeline->warnings().begin(),
                               pipeline->warnings().end());
    return validation;
}

Result<std::string> Registry::Explain(const std::string& id) const {
    const Rule* rule = Find(id);
    if (rule == nullptr || rule->def().temp) {
        return Fail(NotFound(id, "."));
    }
    HAUMEA_TRY(exec::PlanDescription described,
               environment_.describe(rule->def().sql, rule->def().options.plan));
    return std::move(described.explain);
}

void Registry::OnEnd(Rule& rule, bool failed) {
    if (failed) {
        return;  // stays triggered: the patrol or the next start of the engine runs it again
    }
    if (const auto stored = SetStopped(rule); !stored) {
        log::Error("rule {}: its end is not stored: {}", rule.def().id, stored.error().message);
    }
}

void Registry::ArmTimers() {
    const auto wants_patrol = [](const auto& entry) {
        return entry.second->def().options.restart_attempts > 0;
    };
    if (!patrol_.pending() && std::any_of(rules_.begin(), rules_.end(), wants_patrol)) {
        patrol_.Start(environment_.patrol_interval_ms, [this] { Patrol(); });
    }
    if (!tick_.pending() &&
        (!unstored_.empty() || std::any_of(rules_.begin(), rules_.end(),
                                           [](const auto& entry) { return NeedsTick(*entry.second); }))) {
        tick_.Start(kTickMs, [this] { FollowConditions(); });
    }
}

void Registry::Patrol() {
    for (const auto& [id, rule] : rules_) {
        if (rule->def().triggered && rule->def().options.restart_attempts > 0) {
            rule->RestartAfterFailure();
        }
    }
    ArmTimers();
}

void Registry::FollowConditions() {
    StoreWhatIsPending();
    for (const auto& [id, rule] : rules_) {
        if (!rule->def().triggered) {
            continue;
        }
        rule->FollowSchedule();
        if (rule->waits_for_connection() && rule->machine().state() == State::kStoppedByError) {
            rule->Handle(Signal::kStart);
        }
    }
    ArmTimers();
}

}  // namespace haumea::rule
