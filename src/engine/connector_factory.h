#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "exec/rule_pipeline.h"

namespace haumea::engine {

// Makes the sources and actions of rules: finds the connector type, merges the properties (files, CONF_KEY,
// EXTRA, the statement's own options; resourceId below an action's properties) and calls its factory. Owned
// by the engine; used by whoever plans a rule.
class ConnectorFactory final : public exec::Connectors {
  public:
    ConnectorFactory(const connect::Registry& registry, connect::Services& services,
                     const config::Configuration& configuration)
        : registry_(registry), services_(services), configuration_(configuration) {}

    Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef& stream,
                                                        const std::string& rule_id) override;
    Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(
        const config::Node& action, int index, const std::string& rule_id,
        const exec::RuleOptions& options) override;

  private:
    Result<config::Node> SourceProperties(const sql::StreamDef& stream, const std::string& type) const;

    const connect::Registry& registry_;
    connect::Services& services_;
    const config::Configuration& configuration_;
};

}  // namespace haumea::engine
