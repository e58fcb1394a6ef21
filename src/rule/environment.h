#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "exec/rule_pipeline.h"
#include "io/scheduler.h"
#include "sql/parser.h"

namespace haumea::rule {

// A data loop as the control thread sees it.
struct HomeLoop {
    io::Scheduler* scheduler = nullptr;  // not owned; outlives the rules on it
    // Runs a task on the loop and waits for it; false when the loop has ended (the task did not run). The
    // loop never waits for the control thread, so this cannot lock up. Empty: called in place, for tests.
    std::function<bool(const std::function<void()>&)> run_sync;
};

// What rules need of the engine around them. Built once at start; used on the control thread.
struct Environment {
    // The control side: ends of rules arrive here, patrol and schedules run here.
    io::Scheduler* control = nullptr;  // not owned
    // The loop that a rule is pinned to while it lives.
    std::function<HomeLoop(const std::string& rule_id)> assign_home;
    // exec::RulePipeline::Plan with the engine's catalog and connectors.
    std::function<Result<std::unique_ptr<exec::RulePipeline>>(const exec::RuleSpec&, io::Scheduler& home)>
        plan;
    // exec::DescribePlan with the engine's catalog.
    std::function<Result<exec::PlanDescription>(const std::string& sql, const exec::RuleOptions&)> describe;
    // A rule was deleted and has ended: what it has left on disk goes too. May be empty.
    std::function<void(const std::string& rule_id)> deleted;
    // A rule is about to get a new definition: what its actions have left on disk is to move with them. What
    // is returned is called when it has it (true), or has kept the old one. May be empty.
    std::function<std::function<void(bool replaced)>(const exec::RuleSpec& before,
                                                     const exec::RuleSpec& after)>
        replacing;
    // While what it returns lives, clients of paths that an ended rule served stay connected, for the run
    // that takes its place. May be empty.
    std::function<std::shared_ptr<void>()> hold_clients;
    const sql::FunctionChecker* functions = nullptr;  // not owned; may be null
    int64_t patrol_interval_ms = 10'000;              // how often failed rules are started again
};

}  // namespace haumea::rule
