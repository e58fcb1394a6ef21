#include "connectors/nop/nop_connector.h"

#include "base/log.h"
#include "connect/common_properties.h"

namespace haumea::connectors {

namespace {

constexpr connect::PropertyDoc kProperties[] = {
    {"log", "boolean", "false", "write messages to the log all the same"},
};

// Owned by one action; home loop only.
class NopSink final : public connect::MessageSink {
  public:
    NopSink(std::string rule_id, bool log) : rule_id_(std::move(rule_id)), log_(log) {}
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    connect::Delivery Send(const connect::EncodedMessage& message) noexcept override {
        if (log_) {
            log::Info("nop sink of rule {} got {}", rule_id_,
                      message.is_text ? std::string(message.payload.view())
                                      : fmt::format("<{} bytes>", message.payload.len));
        }
        return connect::Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()>) override {}
    void Close() override {}

  private:
    std::string rule_id_;
    bool log_;
};

}  // namespace

void RegisterNop(connect::Registry& registry) {
    connect::SinkDescriptor descriptor;
    descriptor.type = "nop";
    descriptor.doc = "Counts messages and forgets them.";
    descriptor.make_message_sink = [](const connect::SinkSpec& spec,
                                      connect::Services&) -> Result<std::unique_ptr<connect::MessageSink>> {
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
