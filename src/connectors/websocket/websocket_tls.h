#pragma once

#include "connect/properties.h"
#include "connectors/websocket/websocket_config.h"

namespace haumea::connectors {

// Reads scheme and the TLS properties (contract §1): config.target.tls is set when the connection is wss.
// Certificates and keys are read and have to fit, in both roles; what has no effect in this role is named in
// config.warnings. config.client_role is set before.
void ReadTls(connect::PropertyReader& reader, WebSocketConfig& config);

}  // namespace haumea::connectors
