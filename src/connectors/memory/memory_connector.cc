#include "connectors/memory/memory_connector.h"

#include <fmt/core.h>

#include <functional>
#include <memory>
#include <utility>

#include "connect/common_properties.h"
#include "connect/memory_bus.h"
#include "connect/services.h"

namespace haumea::connectors {

namespace {

using connect::Flow;
using connect::MemoryBus;

constexpr connect::PropertyDoc kSourceProperties[] = {
    {"bufferLength", "integer", "65536",
     "rows that may wait for the rule; beyond, the rules that feed it have to wait"},
};
constexpr connect::PropertyDoc kSinkProperties[] = {
    {"topic", "string", "", "topic to publish to, without wildcards"},
    {"datasource", "string", "", "alias of topic"},
    {"rowkindField", "string", "", "accepted: tells updates from inserts for lookup tables"},
    {"keyField", "string", "", "accepted: key of lookup tables"},
};

class MemorySink final : public connect::RowSink {
  public:
    MemorySink(MemoryBus& bus, const Clock& clock, std::string rule_id, std::string topic)
        : bus_(&bus), clock_(&clock), rule_id_(std::move(rule_id)), topic_(std::move(topic)) {}
    void SetResumeCallback(std::function<void()> resume) override { resume_ = std::move(resume); }
    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        publication_ = bus_->Advertise(rule_id_, resume_);
        stats.SetConnection(metrics::ConnectionState::kConnected, "", clock_->NowMs());
        return {};
    }
    Flow Send(const connect::Emission& emission) noexcept override {
        stats_->CountIn();
        const Flow flow = publication_->Publish(topic_, emission.rows, clock_->NowMs());
        stats_->CountProcessed();
        stats_->CountOut();
        return flow;
    }
    void Close() override { publication_.reset(); }

  private:
    MemoryBus* bus_;
    const Clock* clock_;
    std::string rule_id_;
    std::string topic_;
    std::function<void()> resume_;
    std::unique_ptr<MemoryBus::Publication> publication_;  // while open
    metrics::NodeStats* stats_ = nullptr;
};

class MemorySource final : public connect::Source, private MemoryBus::Receiver {
  public:
    MemorySource(MemoryBus& bus, const Clock& clock, std::string rule_id, std::string pattern,
                 MemoryBus::Limits limits)
        : bus_(&bus),
          clock_(&clock),
          rule_id_(std::move(rule_id)),
          pattern_(std::move(pattern)),
          limits_(limits) {}

    Result<void> Start(connect::SourceListener& listener) override {
        listener_ = &listener;
        subscription_ = bus_->Subscribe(rule_id_, pattern_, limits_, *this);
        listener.OnConnection(metrics::ConnectionState::kConnected, "", clock_->NowMs());
        return {};
    }
    void Stop() override { subscription_.reset(); }
    void Resume() override {
        if (subscription_) {
            subscription_->Resume();
        }
    }

  private:
    Flow OnRow(const Value& object, const std::string& topic, int64_t timestamp_ms) noexcept override {
        if (topic != meta_topic_) {
            const Field field{"topic", Value::String(topic)};
            meta_ = MakeRef<connect::Metadata>(Value::Object({&field, 1}));
            meta_topic_ = topic;
        }
        return listener_->OnRow(object, timestamp_ms, meta_);
    }
    void OnDropped(int64_t rows) noexcept override {
        listener_->OnDropped(
            rows, fmt::format("{} rows of topic {} were dropped: the rule is slower than what feeds "
                              "it, which cannot wait (a circle of rules, or a window)",
                              rows, pattern_));
    }

    MemoryBus* bus_;
    const Clock* clock_;
    std::string rule_id_;
    std::string pattern_;
    MemoryBus::Limits limits_;
    connect::SourceListener* listener_ = nullptr;
    std::unique_ptr<MemoryBus::Subscription> subscription_;
    std::string meta_topic_;
    Ref<connect::Metadata> meta_;
};

Result<std::unique_ptr<connect::RowSink>> MakeSink(const connect::SinkSpec& spec,
                                                   connect::Services& services) {
    connect::PropertyReader reader(spec.props, "sink memory");
    const std::string topic = reader.Aliased("topic", "datasource");
    if (topic.empty()) {
        reader.Refuse(Errorf("property topic is required"));
    } else if (connect::HasWildcard(topic)) {
        reader.Refuse(
            Errorf("invalid memory topic {}: wildcard found: a sink publishes to one topic", topic));
    }
    if (!reader.String("rowkindField").empty() && reader.String("keyField").empty()) {
        reader.Refuse(Errorf("keyField is required when rowkindField is set"));
    }
    HAUMEA_TRY_VOID(reader.status());
    if (services.memory_bus == nullptr) {
        return Failf("sink memory: there is no memory bus in this process");
    }
    connect::WarnUnknown(spec.props, "sink memory", {connect::CommonPropertyDocs(), kSinkProperties},
                         *spec.warnings);
    return std::make_unique<MemorySink>(*services.memory_bus, services.scheduler->clock(), spec.rule_id,
                                        topic);
}

Result<std::unique_ptr<connect::Source>> MakeSource(const connect::SourceSpec& spec,
                                                    connect::Services& services) {
    connect::PropertyReader reader(spec.props, "source memory");
    const std::string topic =
        spec.datasource.empty() ? reader.Aliased("topic", "datasource") : spec.datasource;
    MemoryBus::Limits limits;
    limits.rows = static_cast<size_t>(
        reader.IntInRange("bufferLength", static_cast<int64_t>(limits.rows), 1, 10'000'000));
    if (topic.empty()) {
        reader.Refuse(Errorf("DATASOURCE is empty: it names the topic"));
    } else if (!connect::IsTopicPattern(topic)) {
        reader.Refuse(
            Errorf("invalid memory topic {}: + and # stand alone between slashes, and # comes last", topic));
    }
    HAUMEA_TRY_VOID(reader.status());
    if (services.memory_bus == nullptr) {
        return Failf("source memory: there is no memory bus in this process");
    }
    return std::make_unique<MemorySource>(*services.memory_bus, services.scheduler->clock(), spec.rule_id,
                                          topic, limits);
}

}  // namespace

void RegisterMemory(connect::Registry& registry) {
    connect::SinkDescriptor sink;
    sink.type = "memory";
    sink.doc = "Publishes rows to a topic of this process.";
    sink.make_row_sink = MakeSink;
    sink.properties = kSinkProperties;
    registry.Add(std::move(sink));
    registry.Add(connect::SourceDescriptor{"memory",
                                           "Reads rows that rules publish to topics; + and # are wildcards.",
                                           MakeSource, kSourceProperties});
}

}  // namespace haumea::connectors
