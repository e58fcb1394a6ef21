#pragma once

#include <string>
#include <string_view>

#include "config/node.h"
#include "metrics/numbers.h"
#include "ws/client_pool.h"
#include "ws/server.h"

// What connections look like right now, for REST and Prometheus. The functions that read a server or a pool
// run on their loop; what they return belongs to the caller.
namespace haumea::rule {

struct ConnectionState {
    std::string_view status = "disconnected";  // connecting, connected, disconnected
    std::string error{};                       // why it is not connected
    config::Node stats{};                      // null: there is nothing to count
};
ConnectionState StateOf(const ws::ClientStatus& status);
ConnectionState StateOf(const ws::EndpointStats& stats);
// The data server itself: {"listening","address","port","clients","stats":{"handshakes":{...}}}.
config::Node StateOf(const ws::Server& server);
// 1 connected, 0 connecting, -1 disconnected.
int64_t StateValue(std::string_view status);

struct AllNumbers {
    std::vector<metrics::NumbersOf> endpoints;    // by path
    std::vector<metrics::NumbersOf> connections;  // by URL
    metrics::Numbers server;
};
AllNumbers ReadAllNumbers(const ws::Server& server, const ws::ClientPool& clients);
// haumea_endpoint_*, haumea_connection_* and haumea_data_server_*.
void WriteAll(metrics::PrometheusText& text, const AllNumbers& all);

}  // namespace haumea::rule
