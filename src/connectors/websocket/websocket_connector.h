#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Source and sink `websocket`, both in two roles: with `addr` they dial a remote server, without they serve a
// path on the data server.
void RegisterWebSocket(connect::Registry& registry);

}  // namespace haumea::connectors
