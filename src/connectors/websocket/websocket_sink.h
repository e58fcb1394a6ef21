#pragma once

#include <memory>

#include "connect/registry.h"

namespace haumea::connectors {

Result<std::unique_ptr<connect::MessageSink>> MakeWebSocketSink(const connect::SinkSpec& spec,
                                                                connect::Services& services);

// The properties of the sink that late messages go to (resendDestination): another path, or host:port/path.
Result<config::Node> RedirectWebSocketSink(const config::Node& props, const std::string& destination);

}  // namespace haumea::connectors
