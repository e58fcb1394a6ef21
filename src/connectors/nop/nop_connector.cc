#include "connectors/nop/nop_connector.h"

#include "base/log.h"
#include "connect/common_properties.h"
#include "connect/row_text.h"

namespace haumea::connectors {

namespace {

constexpr connect::PropertyDoc kProperties[] = {
    {"log", "boolean", "false", "write results to the log all the same"},
};

class NopSink final : public connect::RowSink {
  public:
    NopSink(std::string rule_id, bool log) : rule_id_(std::move(rule_id)), log_(log) {}
    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        return {};
    }
    void Send(const connect::Emission& emission) noexcept override {
        stats_->CountIn();
        if (log_) {
            log::Info("nop sink of rule {} got {}", rule_id_, connect::RowText(emission.rows));
        }
        stats_->CountProcessed();
        stats_->CountOut();
    }
    void Close() override {}

  private:
    std::string rule_id_;
    bool log_;
    metrics::NodeStats* stats_ = nullptr;
};

}  // namespace

void RegisterNop(connect::Registry& registry) {
    connect::SinkDescriptor descriptor;
    descriptor.type = "nop";
    descriptor.doc = "Counts results and forgets them.";
    descriptor.make_row_sink = [](const connect::SinkSpec& spec,
                                  connect::Services&) -> Result<std::unique_ptr<connect::RowSink>> {
        connect::PropertyReader reader(spec.props, "sink nop");
        const bool log = reader.Bool("log", false);
        HAUMEA_TRY_VOID(reader.status());
        connect::WarnUnknown(spec.props, "sink nop", {connect::CommonPropertyDocs(), kProperties},
                             *spec.warnings);
        return std::make_unique<NopSink>(spec.rule_id, log);
    };
    descriptor.properties = kProperties;
    registry.Add(std::move(descriptor));
}

}  // namespace haumea::connectors
