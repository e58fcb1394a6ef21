#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/virtual_scheduler.h"
#include "rule/catalog.h"
#include "rule/registry.h"
#include "store/kv.h"

namespace haumea::rule::testing {

// What fake pipelines do and did, by rule. Shared between a test and its pipelines; one thread.
struct Script {
    std::map<std::string, Error> plan_errors;   // by rule id
    std::map<std::string, Error> start_errors;  // by rule id
    std::map<std::string, std::vector<std::string>> warnings;
    std::map<std::string, exec::RulePipeline::EndCallback> ends;  // of running rules
    std::vector<std::string> log;                                 // "start r", "stop r"
};

// A pipeline over one stream `demo` with one nop action, which runs until its end callback is called.
class FakePipeline final : public exec::RulePipeline {
  public:
    FakePipeline(std::string id, Script& script)
        : id_(std::move(id)),
          script_(&script),
          topo_(config::Node::MakeObject()),
          warnings_(script.warnings[id_]) {
        using Kind = metrics::NodeStats::Kind;
        nodes_.push_back(std::make_shared<metrics::NodeStats>(Kind::kSource, "demo"));
        nodes_.push_back(std::make_shared<metrics::NodeStats>(Kind::kOperator, "2_project"));
        nodes_.push_back(std::make_shared<metrics::NodeStats>(Kind::kSink, "nop_0"));
        topo_.Set("sources", config::Node(config::Node::Array{"source_demo"}));
    }
    Result<void> Start(EndCallback on_end) override {
        if (const auto error = script_->start_errors.find(id_); error != script_->start_errors.end()) {
            return Fail(error->second);
        }
        script_->log.push_back("start " + id_);
        script_->ends[id_] = std::move(on_end);
        return {};
    }
    void Stop() override { script_->log.push_back("stop " + id_); }
    const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const override { return nodes_; }
    const config::Node& topo() const override { return topo_; }
    const std::vector<std::string>& columns() const override { return columns_; }
    const std::vector<std::string>& streams() const override { return streams_; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

  private:
    std::string id_;
    Script* script_;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_;
    config::Node topo_;
    std::vector<std::string> columns_ = {"b", "a"};
    std::vector<std::string> streams_ = {"demo"};
    std::vector<std::string> warnings_;
};

// A table that takes no changes while `broken`, like one on a full disk.
class BreakableTable final : public store::KeyValue {
  public:
    explicit BreakableTable(store::KeyValue& inner) : inner_(&inner) {}
    Result<std::optional<std::string>> Get(std::string_view key) const override { return inner_->Get(key); }
    Result<> Set(std::string_view key, std::string_view value) override {
        return broken ? Result<>(Fail(Full())) : inner_->Set(key, value);
    }
    Result<bool> SetNew(std::string_view key, std::string_view value) override {
        return broken ? Result<bool>(Fail(Full())) : inner_->SetNew(key, value);
    }
    Result<bool> Delete(std::string_view key) override {
        return broken ? Result<bool>(Fail(Full())) : inner_->Delete(key);
    }
    Result<std::vector<std::string>> Keys() const override { return inner_->Keys(); }
    Result<std::vector<Entry>> All() const override { return inner_->All(); }

    bool broken = false;

  private:
    static Error Full() { return Error("the disk is full"); }
    store::KeyValue* inner_;
};

// A catalog and a registry on stores in memory, fake pipelines and virtual time: one simulated engine.
class FakeEngine {
  public:
    FakeEngine()
        : control(1'000),
          store(store::MakeMemoryStore()),
          rule_table(store->Table("rule")),
          catalog(store->Table("stream")) {
        Boot();
    }

    // A new registry on the same store, as after a restart of the process.
    void Boot() {
        Environment environment;
        environment.control = &control;
        environment.assign_home = [this](const std::string&) { return HomeLoop{&control, {}}; };
        environment.plan = [this](const exec::RuleSpec& spec,
                                  io::Scheduler&) -> Result<std::unique_ptr<exec::RulePipeline>> {
            if (const auto error = script.plan_errors.find(spec.id); error != script.plan_errors.end()) {
                return Fail(error->second);
            }
            return std::make_unique<FakePipeline>(spec.id, script);
        };
        environment.describe = [](const std::string&,
                                  const exec::RuleOptions&) -> Result<exec::PlanDescription> {
            return exec::PlanDescription{
                .explain = "{\"op\":\"ProjectPlan_0\"}", .sources = {"demo"}, .columns = {}};
        };
        rules.reset();
        environment.replacing = [this](const exec::RuleSpec& before, const exec::RuleSpec& after) {
            EXPECT_EQ(before.id, after.id);
            return [this, id = after.id](bool done) { replaced.push_back(id + (done ? "" : " not")); };
        };
        rules = std::make_unique<Registry>(std::move(environment), rule_table, Options{});
        catalog.SetUsage([this](const std::string& name) { return rules->IsStreamInUse(name); });
    }
    // What a pipeline reports from its loop.
    void EndRun(const std::string& id, bool failed, const std::string& message) {
        script.ends.at(id)(failed, message);
        control.RunPosted();
    }
    std::string StateOf(const std::string& id) {
        return std::string(ToText(rules->Find(id)->machine().state()));
    }
    std::string MessageOf(const std::string& id) { return rules->Find(id)->machine().message(); }

    io::VirtualScheduler control;
    Script script;
    std::vector<std::string> replaced;  // ids, as the engine was told
    std::unique_ptr<store::Store> store;
    BreakableTable rule_table;
    Catalog catalog;
    std::unique_ptr<Registry> rules;
};

inline std::string RuleText(const std::string& id, const std::string& more = "") {
    return R"({"id":")" + id + R"(","sql":"SELECT a FROM demo WHERE a > 1","actions":[{"nop":{}}])" + more +
           "}";
}

}  // namespace haumea::rule::testing
