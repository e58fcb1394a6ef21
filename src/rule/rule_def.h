#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "config/settings.h"
#include "exec/rule_pipeline.h"
#include "rule/schedule.h"
#include "sql/parser.h"

namespace haumea::rule {

// The options of a rule, merged over the defaults of the configuration.
struct Options {
    exec::RuleOptions plan;  // what planning and running use
    int64_t qos = 0;         // above 0: checkpoints
    int64_t checkpoint_interval_ms = 300'000;
    int64_t restart_attempts = 0;  // above 0: started again after a failure, that many times in a row
    Schedule schedule;
};

// What `options` of every rule start from.
Options DefaultOptions(const config::RuleSettings& settings);

// A rule as posted. A plain value; any thread.
struct RuleDef {
    std::string id;
    std::string name;  // for display; empty = the id
    std::string version;
    std::string sql;
    bool triggered = true;  // false: store it, do not run it
    bool temp = false;      // gone with the process
    bool has_tags = false;
    std::vector<std::string> tags;
    std::vector<config::Node> actions;
    Options options;
    std::string text;                   // as posted, byte for byte
    std::vector<std::string> warnings;  // what was accepted without effect

    const std::string& display_name() const { return name.empty() ? id : name; }
    exec::RuleSpec spec() const {
        return {.id = id, .sql = sql, .actions = actions, .options = options.plan, .temp = temp};
    }
};

// Parses and validates the JSON of a rule; `path_id` is the id in the URL (empty for POST), which the text
// may leave out. Fields are found in any letter case. Errors have code 1000 and the text after `invalid rule
// json: `. `functions` may be null.
Result<RuleDef> ParseRule(std::string_view text, std::string_view path_id, const Options& defaults,
                          const sql::FunctionChecker* functions);

// The text of a rule after start, stop or a change of tags: keys sorted, compact, `triggered` set (and `tags`
// when given).
Result<std::string> RewriteRule(std::string_view text, std::optional<bool> triggered,
                                const std::vector<std::string>* tags = nullptr);

// Whether a definition of version `new_version` may replace one of `old_version`: both empty, or the new one
// higher as text.
bool MayReplace(std::string_view old_version, std::string_view new_version);

}  // namespace haumea::rule
