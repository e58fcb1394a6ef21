#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "connect/properties.h"
#include "ws/client_settings.h"
#include "ws/endpoint.h"

namespace haumea::connectors {

enum class MessageType : uint8_t { kAuto, kText, kBinary };

// The properties of a websocket source or sink, read and checked.
struct WebSocketConfig {
    bool client_role = false;
    std::string path;
    // Client role.
    ws::ClientTarget target;
    ws::ClientBehaviour behaviour;
    // Server role.
    ws::EndpointSettings endpoint;

    ws::SlowConsumer slow_consumer = ws::SlowConsumer::kDropOldest;
    MessageType message_type = MessageType::kAuto;
    bool check_connection = false;
    std::vector<std::string> warnings;
};

std::span<const connect::PropertyDoc> WebSocketPropertyDocs();

// Checks everything that can be checked without a connection: certificates are read. `what` stands in front
// of errors and warnings ("sink websocket"); `datasource` is the stream's, empty for sinks.
Result<WebSocketConfig> ReadWebSocketConfig(const config::Node& props, const std::string& datasource,
                                            const std::string& what);

}  // namespace haumea::connectors
