#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "io/scheduler.h"
#include "rule/environment.h"
#include "rule/rule.h"
#include "store/kv.h"

namespace haumea::rule {

// What a change of a rule answers.
struct Change {
    std::string id;
    std::vector<std::string> warnings;
};

// All rules of the engine: their definitions in the store, their states, the patrol that restarts and
// schedules them. Owned by the engine; control thread only. Errors carry the whole text but the prefix of the
// endpoint, and the code.
class Registry {
  public:
    // `table` keeps the text of every rule by id. Both outlive this.
    Registry(Environment environment, store::KeyValue& table, Options defaults);
    ~Registry();

    // Reads the store and starts what was running; once. What cannot start stays and says why. A rule that
    // only misses a connection starts as soon as there is one.
    Result<void> Recover();
    // Starts and ends rules as schedules and missing connections want it by now. Happens by itself every
    // second while there is such a rule; who knows that something has changed need not wait for that.
    void FollowConditions();
    // Ends every run, for the end of the process: the next start recovers them.
    void StopAll();

    // POST /rules. On an error nothing is stored or started.
    Result<Change> Create(std::string_view body);
    // PUT: plans first; on an error the old rule keeps running. Creates what does not exist.
    Result<Change> Update(const std::string& id, std::string_view body);
    Result<void> Delete(const std::string& id);
    // Start and restart. Refused, changing nothing, when it has to be stored and cannot.
    Result<void> Start(const std::string& id);
    // Ends the run whatever happens. When that cannot be stored, the error says so and what follows: it is
    // tried again every second, and an engine that ends before that runs the rule again.
    Result<void> Stop(const std::string& id);
    Result<void> Restart(const std::string& id);
    Result<void> SetTags(const std::string& id, std::vector<std::string> tags);

    // Null when there is none.
    const Rule* Find(const std::string& id) const;
    // The stored text with its secrets masked; not of temporary rules. A mask that comes back with Update
    // keeps the stored secret.
    Result<std::string> Definition(const std::string& id) const;
    // By id.
    std::vector<const Rule*> All() const;
    bool IsStreamInUse(const std::string& stream) const;
    // Parses and plans without keeping anything.
    struct Validation {
        std::vector<std::string> sources;
        std::vector<std::string> warnings;
    };
    Result<Validation> Validate(std::string_view body) const;
    Result<std::string> Explain(const std::string& id) const;
    int64_t now_ms() const { return environment_.control->clock().NowMs(); }

  private:
    Rule* FindOwn(const std::string& id);
    // Or `Rule x is not found in registry, please check if it is created`.
    Result<Rule*> Need(const std::string& id);
    Result<RuleDef> Parse(std::string_view body, std::string_view path_id) const;
    std::unique_ptr<Rule> MakeRule(RuleDef def);
    Result<Change> Add(RuleDef def);
    Result<Change> Exchange(Rule& rule, RuleDef def);
    // While it lives, a run that takes the place of another takes over its clients.
    std::shared_ptr<void> HoldClients() const;
    // After an exchange that failed.
    static void GoBack(Rule& rule, const RuleDef& old, bool was_running);
    // Writes `triggered` into the stored text.
    Result<void> SetTriggered(Rule& rule, bool triggered);
    // The rule does not run any more, whether that can be stored or not.
    Result<void> SetStopped(Rule& rule);
    void StoreWhatIsPending();
    void OnEnd(Rule& rule, bool failed);
    void RecoverOne(const std::string& id, const std::string& text);
    void ArmTimers();
    void Patrol();

    Environment environment_;
    store::KeyValue* table_;
    Options defaults_;
    std::map<std::string, std::unique_ptr<Rule>, std::less<>> rules_;
    std::set<std::string> unstored_;  // rules that have ended, which could not be stored so far
    io::Timer patrol_;                // restarts failed rules
    io::Timer tick_;  // every second while a rule has a schedule, waits for a connection or is unstored
};

}  // namespace haumea::rule
