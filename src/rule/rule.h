#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/node.h"
#include "exec/rule_pipeline.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"
#include "metrics/numbers.h"
#include "rule/environment.h"
#include "rule/rule_def.h"
#include "rule/state_machine.h"

namespace haumea::rule {

// One rule: its definition, its state and, while it runs, the pipeline on its home loop. Owned by the
// registry; control thread only. The home loop reports the end of a run by posting to the control side, never
// by waiting for it.
class Rule {
  public:
    using Pipeline = std::unique_ptr<exec::RulePipeline>;
    // Called when a run ended by itself; `failed` false means that every source ended.
    using EndListener = std::function<void(Rule& rule, bool failed)>;

    Rule(RuleDef def, const Environment& environment, EndListener on_end);
    ~Rule();  // stops at once, flushing
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;

    // Plans a definition for the home of this rule; nothing changes.
    Result<Pipeline> Plan(const RuleDef& def) const;
    // Replaces a run, if there is one, by `pipeline` (planned here from `def`). On an error the state is
    // `stopped by error` with the reason. Without a pipeline only the definition changes, and a run is ended.
    Result<void> Replace(RuleDef def, Pipeline pipeline);
    // Plans and starts or restarts. When planning fails, a run goes on and the state stays.
    Result<void> Start();
    // Ends a run; when this returns the sources are silent and the actions flushed.
    void Stop() { Handle(Signal::kStop); }
    // A signal of schedule, patrol or recovery; failures end in the state.
    void Handle(Signal signal);
    // A look of the patrol: starts a rule that failed, up to restartStrategy.attempts times in a row. A run
    // that the patrol finds alive, or a start by a person, makes the count begin anew.
    void RestartAfterFailure();
    // Ends a run whose time is over.
    void EndRun(std::string message);
    // Puts a rule by the clock where the clock wants it.
    void FollowSchedule();

    const RuleDef& def() const { return def_; }
    RuleDef& def() { return def_; }
    const StateMachine& machine() const { return machine_; }
    bool running() const { return machine_.state() == State::kRunning; }
    bool reads(const std::string& stream) const;
    // Of definition and pipeline.
    std::vector<std::string> warnings() const;
    // The reason of the last failed start may pass by itself (a connection that is not there yet).
    bool waits_for_connection() const { return waits_for_connection_; }

    // What the last run leaves for status and topo; counters stay as they were after a stop.
    struct Run {
        std::vector<std::shared_ptr<metrics::NodeStats>> nodes;
        config::Node topo;
        std::vector<std::string> columns;
        std::vector<std::string> streams;
        std::vector<std::string> warnings;
    };
    // Null before the first run.
    const Run* last_run() const { return run_.get(); }
    // Of the connections behind the nodes of last_run(), in their order; empty lists for nodes without one.
    // Asks the home loop.
    std::vector<metrics::Numbers> ReadNumbers() const;

  private:
    int64_t now_ms() const { return environment_->control->clock().NowMs(); }
    bool OnHome(const std::function<void()>& task) const;
    Result<void> Launch(Pipeline pipeline);
    // Stops and destroys the pipeline on its loop.
    void Halt();
    void OnEnd(uint64_t run_number, bool failed, std::string message);
    void Begin(State transition, Signal signal);
    bool ScheduleIsClosed() const;
    void HandleQueued();

    RuleDef def_;
    const Environment* environment_;
    EndListener on_end_;
    HomeLoop home_;
    StateMachine machine_;
    Pipeline pipeline_;
    std::unique_ptr<Run> run_;
    uint64_t run_number_ = 0;  // ends of earlier runs that are still posted do not count
    bool waits_for_connection_ = false;
    int64_t restarts_ = 0;  // by the patrol, since a run was found alive; beyond the attempts: given up
    // Ends with the rule: posted calls look at it first. Shared because they may outlive the rule.
    std::shared_ptr<Rule*> self_;
};

}  // namespace haumea::rule
