#include "rule/rule_def.h"

#include <fmt/format.h>

#include "rule/json_text.h"
#include "rule/object_reader.h"
#include "rule/rule_secrets.h"

namespace haumea::rule {
namespace {

constexpr size_t kMaxEchoBytes = 4096;

// The body in an error text: whole, unless it would drown the message.
std::string Echo(std::string_view text) {
    if (text.size() <= kMaxEchoBytes) {
        return std::string(text);
    }
    size_t end = kMaxEchoBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
        --end;  // not inside a character
    }
    return fmt::format("{}... ({} bytes)", text.substr(0, end), text.size());
}

// Other ways to the same results, but for the incremental window, whose results differ from those of the
// ordinary one (docs/compatibility.md).
void ReadPlanStrategy(ObjectReader& options, RuleDef& def) {
    const config::Node* strategy = options.ReadObject("planOptimizeStrategy", "def.PlanOptimizeStrategy");
    if (strategy == nullptr) {
        return;
    }
    ObjectReader reader = options.Nested("planOptimizeStrategy", *strategy, "PlanOptimizeStrategy");
    reader.Read("disableAliasRefCal", def.options.plan.disable_alias_ref_cal);
    for (const char* name : {"enableIncrementalWindow", "enableAliasPushdown"}) {
        bool wanted = false;
        reader.Read(name, wanted);
        if (wanted) {
            def.warnings.push_back(fmt::format("option planOptimizeStrategy.{} has no effect", name));
        }
    }
    for (const char* name : {"optimizeControl", "windowOption"}) {
        if (reader.ReadObject(name, "map[string]interface {}") != nullptr) {
            def.warnings.push_back(fmt::format("option planOptimizeStrategy.{} has no effect", name));
        }
    }
    for (const std::string& name : reader.Unknown()) {
        def.warnings.push_back(
            fmt::format("option planOptimizeStrategy.{} is unknown and has no effect", name));
    }
}

// Accepted without a word, but not as something that they are not.
void ReadSilentOptions(ObjectReader& reader) {
    bool flag = false;
    std::string text;
    int64_t time_ms = 0;
    for (const char* name : {"debug", "notifySub", "enableSaveStateBeforeStop"}) {
        reader.Read(name, flag);
    }
    reader.Read("logFilename", text);
    reader.ReadDuration("forceExitTimeout", time_ms);
    reader.ReadObject("experiment", "def.ExpOpts");
}

void ReadOptions(ObjectReader& rule, RuleDef& def, std::string& error) {
    const config::Node* node = rule.ReadObject("options", "def.RuleOption");
    if (node == nullptr) {
        return;
    }
    ObjectReader reader = rule.Nested("options", *node, "RuleOption");
    Options& out = def.options;
    reader.Read("isEventTime", out.plan.is_event_time);
    reader.ReadDuration("lateTolerance", out.plan.late_tolerance_ms);
    reader.Read("concurrency", out.plan.concurrency);
    reader.Read("bufferLength", out.plan.buffer_length);
    reader.Read("windowBytes", out.plan.window_bytes);
    reader.Read("sendMetaToSink", out.plan.send_meta_to_sink);
    reader.Read("sendNilField", out.plan.send_nil_field);
    reader.Read("sendError", out.plan.send_error);
    reader.Read("disableBufferFullDiscard", out.plan.disable_buffer_full_discard);
    reader.Read("qos", out.qos, "def.Qos");
    reader.ReadDuration("checkpointInterval", out.checkpoint_interval_ms);
    if (const config::Node* restart = reader.ReadObject("restartStrategy", "def.RestartStrategy")) {
        reader.Nested("restartStrategy", *restart, "RestartStrategy").Read("attempts", out.restart_attempts);
    }
    ReadPlanStrategy(reader, def);
    ReadSchedule(reader, out.schedule, error);
    ReadSilentOptions(reader);
    for (const std::string& name : reader.Unknown()) {
        def.warnings.push_back(fmt::format("option {} is unknown and has no effect", name));
    }
}

void ReadActions(ObjectReader& rule, RuleDef& def) {
    const config::Node* actions = rule.ReadArray("actions", "[]map[string]interface {}");
    if (actions == nullptr) {
        return;
    }
    for (const config::Node& action : actions->array()) {
        if (action.is_object()) {
            def.actions.push_back(action);
        } else {
            rule.Mismatch("actions", action.is_null() ? "null" : ObjectReader::KindOf(action),
                          "map[string]interface {}");
        }
    }
}

// What no option may be; 0 passes everywhere.
Result<void> CheckOptions(const RuleDef& def) {
    std::string problems;
    const auto require = [&problems](bool ok, std::string_view text) {
        if (!ok) {
            problems += problems.empty() ? "" : "\n";
            problems += text;
        }
    };
    const Options& options = def.options;
    require(options.plan.concurrency >= 0, "invalidConcurrency:concurrency must be greater than 0");
    require(options.plan.buffer_length >= 0, "invalidBufferLength:bufferLength must be greater than 0");
    require(options.plan.window_bytes >= config::kMinWindowBytes &&
                options.plan.window_bytes <= config::kMaxWindowBytes,
            fmt::format("invalidWindowBytes:windowBytes is {}, give a number from {} to {}",
                        options.plan.window_bytes, config::kMinWindowBytes, config::kMaxWindowBytes));
    require(options.plan.late_tolerance_ms >= 0, "invalidLateTol:lateTol must be greater than 0");
    require(options.restart_attempts >= 0, "invalidRestartAttempts:restart attempts must be greater than 0");
    if (const Result<void> ranges = options.schedule.CheckRanges(); !ranges) {
        require(false, fmt::format("validate cronDatetimeRange failed, err:{}", ranges.error().message));
    }
    if (!problems.empty()) {
        return Failf("Rule {} has invalid options: {}.", def.id, problems);
    }
    return {};
}

Result<void> CheckId(RuleDef& def, std::string_view path_id) {
    if (def.id.empty() && path_id.empty()) {
        return Failf("Missing rule id.");
    }
    if (!def.id.empty() && !path_id.empty() && def.id != path_id) {
        return Failf("RuleId is not consistent with rule id.");
    }
    if (def.id.empty()) {
        def.id = path_id;
    }
    return sql::CheckIdentifier(def.id);
}

Result<void> CheckBody(const RuleDef& def, bool has_graph, const sql::FunctionChecker* functions) {
    if (def.sql.empty()) {
        return has_graph
                   ? Failf(
                         "Rule {} is defined by field graph, which is not supported: write it with sql and "
                         "actions.",
                         def.id)
                   : Failf("Rule {} has neither sql nor graph.", def.id);
    }
    if (has_graph) {
        return Failf("Rule {} has both sql and graph.", def.id);
    }
    if (const auto parsed = sql::ParseRuleSql(def.sql, functions); !parsed) {
        return Failf("{}", parsed.error().message);
    }
    if (def.actions.empty()) {
        return Failf("Missing rule actions.");
    }
    return {};
}

void AddOptionWarnings(RuleDef& def) {
    if (def.options.qos > 0) {
        def.warnings.push_back(fmt::format(
            "option qos {} has no effect: the state of windows is not kept over a restart", def.options.qos));
    }
    for (std::string& warning : def.options.schedule.Warnings()) {
        def.warnings.push_back(std::move(warning));
    }
}

}  // namespace

Options DefaultOptions(const config::RuleSettings& settings) {
    Options options;
    options.plan.is_event_time = settings.is_event_time;
    options.plan.late_tolerance_ms = settings.late_tolerance.value;
    options.plan.concurrency = settings.concurrency;
    options.plan.buffer_length = settings.buffer_length;
    options.plan.window_bytes = settings.window_bytes;
    options.plan.send_meta_to_sink = settings.send_meta_to_sink;
    options.plan.send_error = settings.send_error;
    options.qos = settings.qos;
    options.checkpoint_interval_ms = settings.checkpoint_interval.value;
    options.restart_attempts = settings.restart_strategy.attempts;
    return options;
}

Result<RuleDef> ParseRule(std::string_view text, std::string_view path_id, const Options& defaults,
                          const sql::FunctionChecker* functions) {
    const auto refuse = [text](std::string_view reason) {
        return Failf("Parse rule {} error : {}.", Echo(MaskRule(text)), reason);
    };
    Result<config::Node> node = ParseBody(text);
    if (!node) {
        return refuse(node.error().message);
    }
    if (node->is_null()) {
        return refuse("a rule is a JSON object, found null");
    }
    if (!node->is_object()) {
        return refuse(fmt::format("json: cannot unmarshal {} into Go value of type def.Rule",
                                  ObjectReader::KindOf(*node)));
    }
    RuleDef def;
    def.options = defaults;
    def.text = text;
    std::string error;
    ObjectReader reader(*node, "Rule", error);
    reader.Read("triggered", def.triggered);
    reader.Read("id", def.id);
    reader.Read("name", def.name);
    reader.Read("version", def.version);
    reader.Read("temp", def.temp);
    reader.Read("sql", def.sql);
    const bool has_graph = reader.ReadObject("graph", "def.RuleGraph") != nullptr;
    ReadActions(reader, def);
    ReadOptions(reader, def, error);
    const config::Node* tags = node->FindNoCase("tags");
    def.has_tags = tags != nullptr && !tags->is_null();
    reader.Read("tags", def.tags);
    if (!error.empty()) {
        return refuse(error);
    }
    for (const std::string& name : reader.Unknown()) {
        def.warnings.push_back(fmt::format("field {} of the rule is unknown and has no effect", name));
    }
    HAUMEA_TRY_VOID(CheckId(def, path_id));
    HAUMEA_TRY_VOID(CheckBody(def, has_graph, functions));
    HAUMEA_TRY_VOID(CheckOptions(def));
    def.options.plan.concurrency = std::max<int64_t>(def.options.plan.concurrency, 1);
    def.options.plan.buffer_length = std::max<int64_t>(def.options.plan.buffer_length, 1);
    AddOptionWarnings(def);
    return def;
}

Result<std::string> RewriteRule(std::string_view text, std::optional<bool> triggered,
                                const std::vector<std::string>* tags) {
    HAUMEA_TRY(config::Node node, ParseBody(text));
    if (triggered) {
        node.Set("triggered", *triggered);
    }
    if (tags != nullptr) {
        config::Node list = config::Node::MakeArray();
        for (const std::string& tag : *tags) {
            list.Append(tag);
        }
        node.Set("tags", std::move(list));
    }
    return config::ToJson(node, {.sort_keys = true});
}

bool MayReplace(std::string_view old_version, std::string_view new_version) {
    return (old_version.empty() && new_version.empty()) || new_version > old_version;
}

}  // namespace haumea::rule
