#include "rule/status.h"

#include <fmt/format.h>

namespace haumea::rule {
namespace {

using config::Node;
using metrics::NodeStats;

// Appends without looking for the key: names of nodes differ, and there may be many of them.
void Put(Node& node, std::string key, Node value) {
    node.object().emplace_back(std::move(key), std::move(value));
}

void AddNode(Node& status, const NodeStats& stats, const metrics::Numbers& numbers) {
    const std::string prefix = fmt::format("{}_{}_0_", NodeStats::KindName(stats.kind()), stats.name());
    const auto put = [&](std::string_view name, Node value) {
        Put(status, fmt::format("{}{}", prefix, name), std::move(value));
    };
    const auto count = [&](std::string_view name, const std::atomic<int64_t>& counter) {
        put(name, counter.load(std::memory_order_relaxed));
    };
    const auto count_drops = [&] {
        count("dropped_total", stats.dropped);
        for (size_t i = 0; i < metrics::kDropReasonNames.size(); ++i) {
            if (stats.dropped_by_reason[i].load(std::memory_order_relaxed) != 0) {
                count(fmt::format("dropped_{}_total", metrics::kDropReasonNames[i]),
                      stats.dropped_by_reason[i]);
            }
        }
    };
    const NodeStats::Texts texts = stats.texts();
    count("records_in_total", stats.records_in);
    count("records_out_total", stats.records_out);
    count("messages_processed_total", stats.processed);
    count("process_latency_us", stats.process_latency_us);
    count("buffer_length", stats.buffer_length);
    count("last_invocation", stats.last_invocation_ms);
    count("exceptions_total", stats.exceptions);
    put("last_exception", texts.last_exception);
    put("last_exception_time", texts.last_exception_ms);
    if (stats.kind() == NodeStats::Kind::kOperator) {
        // Only what there is: windows, the watermark and caches drop what they have no room for.
        if (stats.dropped.load(std::memory_order_relaxed) > 0) {
            count_drops();
        }
        return;
    }
    put("connection_status", static_cast<int>(texts.connection));
    put("connection_last_connected_time", texts.last_connected_ms);
    put("connection_last_disconnected_time", texts.last_disconnected_ms);
    put("connection_last_disconnected_message", texts.last_disconnected_message);
    put("connection_last_try_time", texts.last_try_ms);
    count_drops();
    for (const metrics::Number& number : numbers) {
        if (!number.kind->label.empty() && number.value == 0) {
            continue;  // a reason that never occurred
        }
        put(fmt::format("connection_{}", metrics::FlatName(number)), number.value);
    }
}

Node TextArray(const std::vector<std::string>& texts) {
    Node array = Node::MakeArray();
    for (const std::string& text : texts) {
        array.Append(text);
    }
    return array;
}

}  // namespace

Node StatusJson(const Rule& rule, int64_t now_ms) {
    const StateMachine& machine = rule.machine();
    Node status = Node::MakeObject();
    Put(status, "status", ToText(machine.state()));
    Put(status, "message", machine.message());
    Put(status, "lastStartTimestamp", machine.last_start_ms());
    Put(status, "lastStopTimestamp", machine.last_stop_ms());
    Put(status, "nextStartTimestamp", rule.def().options.schedule.NextStart(now_ms));
    if (const std::vector<std::string> warnings = rule.warnings(); !warnings.empty()) {
        Put(status, "warnings", TextArray(warnings));
    }
    if (rule.last_run() == nullptr) {
        return status;
    }
    const std::vector<metrics::Numbers> numbers = rule.ReadNumbers();
    for (const auto kind : {NodeStats::Kind::kSource, NodeStats::Kind::kOperator, NodeStats::Kind::kSink}) {
        for (size_t i = 0; i < numbers.size(); ++i) {
            const auto& stats = rule.last_run()->nodes[i];
            if (stats->kind() == kind) {
                AddNode(status, *stats, numbers[i]);
            }
        }
    }
    return status;
}

Node BriefStatusJson(const Rule& rule) {
    std::string text;
    int64_t newest_ms = 0;
    int64_t exceptions = 0;
    if (rule.running() && rule.last_run() != nullptr) {
        for (const auto& stats : rule.last_run()->nodes) {
            if (const NodeStats::Texts texts = stats->texts(); texts.last_exception_ms > newest_ms) {
                newest_ms = texts.last_exception_ms;
                text = texts.last_exception;
                exceptions = stats->exceptions.load(std::memory_order_relaxed);
            }
        }
    }
    Node node = Node::MakeObject();
    node.Set("status", ToText(rule.machine().state()));
    node.Set("last_exception", std::move(text));
    node.Set("exceptions_total", exceptions);
    return node;
}

Node ListEntryJson(const Rule& rule) {
    const RuleDef& def = rule.def();
    Node node = Node::MakeObject();
    node.Set("id", def.id);
    node.Set("name", def.display_name());
    node.Set("status", ToText(rule.machine().state()));
    node.Set("tags", def.has_tags ? TextArray(def.tags) : Node());
    node.Set("trace", false);
    node.Set("version", def.version);
    return node;
}

}  // namespace haumea::rule
