#include "metrics/prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace haumea::metrics {
namespace {

struct NodeFamily {
    std::string_view suffix;
    PrometheusText::FamilyType type;
    std::string_view help;
    int64_t (*read)(const NodeStats&);
};

int64_t Load(const std::atomic<int64_t>& counter) { return counter.load(std::memory_order_relaxed); }

constexpr std::array<NodeFamily, 6> kNodeFamilies = {{
    {"records_in_total", PrometheusText::FamilyType::kCounter, "Messages that came in",
     [](const NodeStats& node) { return Load(node.records_in); }},
    {"records_out_total", PrometheusText::FamilyType::kCounter, "Messages that were passed on",
     [](const NodeStats& node) { return Load(node.records_out); }},
    {"messages_processed_total", PrometheusText::FamilyType::kCounter, "Messages that were worked on",
     [](const NodeStats& node) { return Load(node.processed); }},
    {"exceptions_total", PrometheusText::FamilyType::kCounter, "Messages that failed",
     [](const NodeStats& node) { return Load(node.exceptions); }},
    {"process_latency_us", PrometheusText::FamilyType::kGauge,
     "Time spent on the last message, in microseconds",
     [](const NodeStats& node) { return Load(node.process_latency_us); }},
    {"buffer_length", PrometheusText::FamilyType::kGauge, "Messages that wait in front of the node",
     [](const NodeStats& node) { return Load(node.buffer_length); }},
}};

PrometheusText::Labels LabelsOf(const RuleMetrics& rule, const NodeStats& node) {
    return {{"op", node.name()},
            {"op_instance", "0"},
            {"rule", rule.id},
            {"type", NodeStats::KindName(node.kind())}};
}

// One family over all nodes of a kind; nothing when there are none.
template <typename Read>
void WriteFamily(PrometheusText& text, std::span<const RuleMetrics> rules, NodeStats::Kind kind,
                 std::string_view suffix, PrometheusText::FamilyType type, std::string_view help, Read read) {
    bool opened = false;
    for (const RuleMetrics& rule : rules) {
        for (const NodeStats* node : rule.nodes) {
            if (node->kind() != kind) {
                continue;
            }
            if (!std::exchange(opened, true)) {
                text.Family(fmt::format("kuiper_{}_{}", NodeStats::KindName(kind), suffix), type, help);
            }
            text.Sample(LabelsOf(rule, *node), read(*node));
        }
    }
}

}  // namespace

void PrometheusText::Family(std::string_view name, FamilyType type, std::string_view help) {
    family_ = name;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                        type == FamilyType::kCounter ? "counter" : "gauge");
}

void PrometheusText::Head(Labels& labels) {
    std::sort(labels.begin(), labels.end());
    out_ += family_;
    char separator = '{';
    for (const auto& [name, value] : labels) {
        out_ += separator;
        out_.append(name).append("=\"");
        for (const char c : value) {
            if (c == '\n') {
                out_ += "\\n";
            } else {
                out_.append(c == '"' || c == '\\' ? "\\" : "").push_back(c);
            }
        }
        out_ += '"';
        separator = ',';
    }
    out_ += labels.empty() ? " " : "} ";
}

void PrometheusText::Sample(Labels labels, int64_t value) {
    Head(labels);
    out_ += fmt::format("{}\n", value);
}

void PrometheusText::Sample(Labels labels, double value) {
    Head(labels);
    out_ += fmt::format("{}\n", value);
}

void WriteRules(PrometheusText& text, std::span<const RuleMetrics> rules) {
    using Type = PrometheusText::FamilyType;
    for (const auto kind : {NodeStats::Kind::kSource, NodeStats::Kind::kOperator, NodeStats::Kind::kSink}) {
        for (const NodeFamily& family : kNodeFamilies) {
            WriteFamily(text, rules, kind, family.suffix, family.type, family.help, family.read);
        }
        if (kind != NodeStats::Kind::kOperator) {
            WriteFamily(text, rules, kind, "connection_status", Type::kGauge,
                        "1 connected, 0 connecting, -1 disconnected",
                        [](const NodeStats& node) { return static_cast<int64_t>(node.texts().connection); });
        }
    }
    text.Family("haumea_messages_dropped_total", Type::kCounter,
                "Messages that were lost on purpose at a node");
    for (const RuleMetrics& rule : rules) {
        for (const NodeStats* node : rule.nodes) {
            text.Sample(LabelsOf(rule, *node), Load(node->dropped));
        }
    }
    text.Family("haumea_messages_dropped_by_reason_total", Type::kCounter,
                "The same by reason; a reason that never occurred at a node is left out");
    for (const RuleMetrics& rule : rules) {
        for (const NodeStats* node : rule.nodes) {
            for (size_t i = 0; i < kDropReasonNames.size(); ++i) {
                if (const int64_t count = Load(node->dropped_by_reason[i]); count != 0) {
                    PrometheusText::Labels labels = LabelsOf(rule, *node);
                    labels.emplace_back("reason", kDropReasonNames[i]);
                    text.Sample(std::move(labels), count);
                }
            }
        }
    }
    text.Family("kuiper_rule_status", Type::kGauge, "1 running, 0 stopped, -1 stopped by an error");
    for (const RuleMetrics& rule : rules) {
        text.Sample({{"rule", rule.id}}, static_cast<int64_t>(rule.status));
    }
    const int64_t running =
        std::count_if(rules.begin(), rules.end(), [](const RuleMetrics& rule) { return rule.status == 1; });
    text.Family("kuiper_rule_count", Type::kGauge, "Rules by status");
    text.Sample({{"status", "running"}}, running);
    text.Sample({{"status", "stop"}}, static_cast<int64_t>(rules.size()) - running);
}

}  // namespace haumea::metrics
