#pragma once

#include "metrics/numbers.h"
#include "ws/client.h"
#include "ws/endpoint.h"

// What is counted of WebSocket connections, under the names that REST, the status of rules and Prometheus
// share. Any thread: snapshots in, numbers out.
namespace haumea::connectors {

void AddNumbers(const ws::EndpointStats& stats, metrics::Numbers& into);
void AddNumbers(const ws::ClientStatus& status, metrics::Numbers& into);
// Opening handshakes of the data server by outcome.
void AddNumbers(const ws::HandshakeStats& stats, metrics::Numbers& into);

}  // namespace haumea::connectors
