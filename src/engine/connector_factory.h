#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "engine/connectivity.h"
#include "exec/rule_pipeline.h"
#include "rule/conf_keys.h"
#include "rule/connections.h"

namespace haumea::engine {

// Makes the sources and actions of rules: finds the connector type, merges the properties (files, CONF_KEY,
// EXTRA, the statement's own options; resourceId below an action's properties; the named connection above
// both), sees to checkConnection and calls the factory. Owned by the engine; control thread, where rules are
// planned.
class ConnectorFactory final : public exec::Connectors {
  public:
    ConnectorFactory(const connect::Registry& registry, connect::Services& services,
                     const config::SinkSettings& sink_settings, const rule::ConfKeys& conf_keys,
                     const rule::Connections& connections, Connectivity& connectivity)
        : registry_(registry),
          services_(services),
          sink_settings_(sink_settings),
          conf_keys_(conf_keys),
          connections_(connections),
          connectivity_(connectivity) {}

    Result<connect::DecodeProperties> DecodePropertiesOf(const sql::StreamDef& stream) override;
    Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef& stream,
                                                        const std::string& rule_id) override;
    Result<std::shared_ptr<connect::Unpacker>> UnpackerFor(const sql::StreamDef& stream,
                                                           const connect::DecodeProperties& decode) override;
    Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(
        const config::Node& action, int index, const std::string& rule_id,
        const exec::RuleOptions& options) override;

    // The named connections that an action, or a stream, asks for.
    std::vector<std::string> SelectorsOf(const config::Node& action) const;
    std::vector<std::string> SelectorsOf(const sql::StreamDef& stream) const;

    // What may be said of a property map alone, for the connectivity check: named connection used, secrets
    // that came back masked restored.
    // `notes` (may be null) gets a warning about what the connection hides.
    Result<config::Node> Complete(const config::Node& props, std::vector<std::string>* notes = nullptr) const;
    // The same for an action, with the group of its resourceId below.
    Result<config::Node> CompleteAction(const std::string& type, const config::Node& given,
                                        std::vector<std::string>* notes = nullptr) const;

  private:
    Result<config::Node> SourceProperties(const sql::StreamDef& stream, const std::string& type) const;
    // Of an action: resourceId below what the user wrote.
    Result<config::Node> SinkProperties(const std::string& type, const config::Node& given) const;
    Result<void> CheckConnection(const std::string& user, const std::string& what, const config::Node& props,
                                 const std::string& datasource) const;

    const connect::Registry& registry_;
    connect::Services& services_;
    const config::SinkSettings& sink_settings_;
    const rule::ConfKeys& conf_keys_;
    const rule::Connections& connections_;
    Connectivity& connectivity_;
    std::map<std::string, std::weak_ptr<connect::Unpacker>>
        unpackers_;  // of SHARED streams, by their settings
};

}  // namespace haumea::engine
