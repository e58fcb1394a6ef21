#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "connect/decode_properties.h"
#include "connect/sink.h"
#include "connect/source.h"
#include "connect/unpacker.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"
#include "sql/ddl.h"

namespace haumea::exec {

// The options of a rule that planning and running use (ekuiper-rest.md 2.1), validated by rule/rule_def.
struct RuleOptions {
    bool is_event_time = false;
    int64_t late_tolerance_ms = 1000;
    int64_t buffer_length = 1024;
    int64_t concurrency = 1;
    int64_t window_bytes = int64_t{256} << 20;  // see WindowMemory
    bool send_meta_to_sink = false;
    bool send_nil_field = false;
    bool send_error = false;
    bool disable_buffer_full_discard = false;
    bool disable_alias_ref_cal = false;
};

// Finds stream definitions at plan time. Any thread that plans.
class StreamCatalog {
  public:
    virtual ~StreamCatalog() = default;
    // The parsed statement, or null when there is no such stream or table.
    virtual std::shared_ptr<const sql::StreamDef> FindStream(const std::string& name) const = 0;
};

// The outside of a pipeline: where its sources and actions come from. Implemented by the engine on the
// connector registry, and by fakes in tests.
class Connectors {
  public:
    virtual ~Connectors() = default;
    // Validates the stream's source (type, CONF_KEY, properties) and makes it. A SHARED stream gives a source
    // that joins the running one.
    virtual Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef& stream,
                                                                const std::string& rule_id) = 0;
    // The properties of the stream's source that are the same for every type. Called before MakeSource.
    virtual Result<connect::DecodeProperties> DecodePropertiesOf(const sql::StreamDef& stream) {
        static_cast<void>(stream);
        return connect::DecodeProperties();
    }
    // What unpacks the stream's messages, which `decode` says are compressed; rules of a SHARED stream may
    // have one together.
    virtual Result<std::shared_ptr<connect::Unpacker>> UnpackerFor(const sql::StreamDef& stream,
                                                                   const connect::DecodeProperties& decode) {
        static_cast<void>(stream);
        return connect::Unpacker::Make(decode, connect::Unpacker::Shared::kNo);
    }
    // `action` is one entry of the rule's `actions`: {"<type>": {props}, ...}; one Action per key.
    virtual Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(const config::Node& action,
                                                                              int index,
                                                                              const std::string& rule_id,
                                                                              const RuleOptions& options) = 0;
};

struct RuleSpec {
    std::string id;
    std::string sql;
    std::vector<config::Node> actions;
    RuleOptions options;
    bool temp = false;  // kept in memory only; may read streams of that kind
};

// What a plan says without running: for /rules/validate and /rules/{id}/explain.
struct PlanDescription {
    std::string explain;               // the text of ekuiper-rest.md 1.5
    std::vector<std::string> sources;  // FROM and JOIN names
    std::vector<std::string> columns;  // output columns, without those of `*`
};
// Any thread.
Result<PlanDescription> DescribePlan(const std::string& sql, const RuleOptions& options,
                                     const StreamCatalog& streams);

// One running rule: sources, operators as a chain of plain calls, actions. Planned on any thread, then owned
// by its home loop: every method there, unless said otherwise.
class RulePipeline {
  public:
    // Plans completely: parse, bind, sources and actions validated and made, nothing opened. Errors carry the
    // code and the text that REST shows.
    static Result<std::unique_ptr<RulePipeline>> Plan(const RuleSpec& spec, const StreamCatalog& streams,
                                                      Connectors& connectors, io::Scheduler& scheduler);
    virtual ~RulePipeline() = default;

    // `on_end` runs once, on the loop, from a posted task: every source has ended (`error` false, text of the
    // end) or the rule cannot go on (`error` true, the reason).
    using EndCallback = std::function<void(bool error, std::string message)>;
    // Opens actions, then starts sources. On an error everything that was opened is closed again.
    virtual Result<void> Start(EndCallback on_end) = 0;
    // Sources first, then actions with what they hold back flushed. No callback follows.
    virtual void Stop() = 0;

    // Any thread, also after Stop() (frozen): the nodes in the order of the status JSON.
    virtual const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const = 0;
    // Any thread: {"sources":[...],"edges":{...}} of /rules/{id}/topo.
    virtual const config::Node& topo() const = 0;
    // Any thread: names of the output columns in order, without `*`.
    virtual const std::vector<std::string>& columns() const = 0;
    // Any thread: names of the streams that the rule reads.
    virtual const std::vector<std::string>& streams() const = 0;
    // Any thread: unknown properties of actions and the like.
    virtual const std::vector<std::string>& warnings() const = 0;
};

}  // namespace haumea::exec
