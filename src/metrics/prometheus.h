#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/node_stats.h"

namespace haumea::metrics {

// Writes the Prometheus text exposition format, version 0.0.4. A family is opened once, its samples follow at
// once. Built and read by one thread.
class PrometheusText {
  public:
    using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

    enum class FamilyType : uint8_t { kCounter, kGauge };
    void Family(std::string_view name, FamilyType type, std::string_view help);
    // Of the family opened last. Labels are printed sorted by name.
    void Sample(Labels labels, int64_t value);
    void Sample(Labels labels, double value);
    std::string Take() { return std::move(out_); }

  private:
    void Head(Labels& labels);

    std::string family_;
    std::string out_;
};

// What /metrics shows of one rule; nodes stay alive while it is written.
struct RuleMetrics {
    std::string id;
    int status = 0;  // 1 running, 0 stopped, -1 stopped by an error
    std::vector<const NodeStats*> nodes;
};

// kuiper_{source,op,sink}_* per node under the names that dashboards of eKuiper use, kuiper_rule_status and
// kuiper_rule_count, and haumea_messages_dropped_total.
void WriteRules(PrometheusText& text, std::span<const RuleMetrics> rules);

}  // namespace haumea::metrics
