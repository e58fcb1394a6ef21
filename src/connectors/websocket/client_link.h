#pragma once

#include <cstdint>

#include "metrics/node_stats.h"
#include "ws/client.h"

namespace haumea::connectors {

// Connection state of a client-role connection as status pages name it.
metrics::ConnectionState StateOf(const ws::ClientStatus& status);
// Why it is not connected, in words; empty when it is.
std::string ReasonOf(const ws::ClientStatus& status);

}  // namespace haumea::connectors
