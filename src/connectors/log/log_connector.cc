#include "connectors/log/log_connector.h"

#include "base/log.h"
#include "connect/common_properties.h"
#include "connect/row_text.h"

namespace haumea::connectors {

namespace {

class LogSink final : public connect::RowSink {
  public:
    explicit LogSink(std::string rule_id) : rule_id_(std::move(rule_id)) {}
    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        return {};
    }
    connect::Flow Send(const connect::Emission& emission) noexcept override {
        stats_->CountIn();
        log::Info("sink result for rule {}: {}", rule_id_, connect::RowText(emission.rows));
        stats_->CountProcessed();
        stats_->CountOut();
        return connect::Flow::kContinue;
    }
    void Close() override {}

  private:
    std::string rule_id_;
    metrics::NodeStats* stats_ = nullptr;
};

}  // namespace

void RegisterLog(connect::Registry& registry) {
    connect::SinkDescriptor descriptor;
    descriptor.type = "log";
    descriptor.doc = "Writes every result as a line of the log.";
    descriptor.make_row_sink = [](const connect::SinkSpec& spec,
                                  connect::Services&) -> Result<std::unique_ptr<connect::RowSink>> {
        connect::WarnUnknown(spec.props, "sink log", {connect::CommonPropertyDocs()}, *spec.warnings);
        return std::make_unique<LogSink>(spec.rule_id);
    };
    registry.Add(std::move(descriptor));
}

}  // namespace haumea::connectors
