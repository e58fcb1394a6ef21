#pragma once

#include "base/result.h"
#include "connectors/websocket/websocket_config.h"
#include "ws/server.h"

namespace haumea::connectors {

// checkConnection in server role (contract §4): the endpoint exists and has a client. The error has code kIo:
// it may pass by itself. Home loop of the server.
Result<void> CheckEndpointConnected(const WebSocketConfig& config, const ws::Server& server);

// Properties of a source or sink that uses a named connection: what belongs to the connection comes from
// there, what belongs to messages stays. A connection without a path leaves that of the user.
// `hidden` (may be null) gets the names of what the user wrote in vain.
config::Node UseConnection(const config::Node& props, const config::Node& connection,
                           std::vector<std::string>* hidden = nullptr);

}  // namespace haumea::connectors
