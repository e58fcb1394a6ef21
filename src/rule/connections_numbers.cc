#include "rule/connections_numbers.h"

#include <utility>

#include "connectors/websocket/websocket_numbers.h"

namespace haumea::rule {
namespace {

using config::Node;
using metrics::Number;
using metrics::Numbers;

// {"clients":2,"dropped":{"no_client":1}}
void AddNumbers(Node& node, const Numbers& numbers) {
    for (const Number& number : numbers) {
        const std::string name(number.kind->json);
        if (number.kind->label.empty()) {
            node.Set(name, number.value);
            continue;
        }
        const Node* begun = node.Find(name);
        Node group = begun != nullptr ? *begun : Node::MakeObject();
        group.Set(std::string(number.label_value), number.value);
        node.Set(name, std::move(group));
    }
}

std::string_view StatusText(ws::ClientState state) {
    switch (state) {
        case ws::ClientState::kConnected:
            return "connected";
        case ws::ClientState::kConnecting:
            return "connecting";
        case ws::ClientState::kDisconnected:
        case ws::ClientState::kClosed:
            break;
    }
    return "disconnected";
}

constexpr metrics::NumberKind kStatus{"", "status", metrics::PrometheusText::FamilyType::kGauge,
                                      "1 connected, 0 connecting, -1 disconnected"};

}  // namespace

ConnectionState StateOf(const ws::ClientStatus& status) {
    ConnectionState state{StatusText(status.state), {}, Node::MakeObject()};
    if (status.state != ws::ClientState::kConnected) {
        state.error = status.last_error;
    }
    Node& node = state.stats;
    node.Set("stateSince", status.changed_ms);
    const auto time = [&node](const char* name, int64_t ms) {
        if (ms != 0) {
            node.Set(name, ms);
        }
    };
    time("lastConnectedTime", status.last_connected_ms);
    time("lastDisconnectedTime", status.last_disconnected_ms);
    time("lastTryTime", status.last_try_ms);
    time("nextTryTime", status.retry_at_ms);
    if (!status.last_error.empty()) {
        node.Set("lastError", status.last_error);
    }
    if (!status.subprotocol.empty()) {
        node.Set("subprotocol", status.subprotocol);
    }
    Numbers numbers;
    connectors::AddNumbers(status, numbers);
    AddNumbers(node, numbers);
    return state;
}

ConnectionState StateOf(const ws::EndpointStats& stats) {
    ConnectionState state{"connected", {}, Node::MakeObject()};
    state.stats.Set("stateSince", stats.since_ms);
    Numbers numbers;
    connectors::AddNumbers(stats, numbers);
    AddNumbers(state.stats, numbers);
    return state;
}

Node StateOf(const ws::Server& server) {
    Node stats = Node::MakeObject();
    Numbers numbers;
    connectors::AddNumbers(server.handshake_stats(), numbers);
    AddNumbers(stats, numbers);
    Node node = Node::MakeObject();
    node.Set("listening", server.listening());
    node.Set("address", server.settings().address);
    node.Set("port", int64_t{server.port()});
    node.Set("clients", static_cast<int64_t>(server.client_count()));
    node.Set("stats", std::move(stats));
    return node;
}

int64_t StateValue(std::string_view status) {
    return status == "connected" ? 1 : status == "connecting" ? 0 : -1;
}

AllNumbers ReadAllNumbers(const ws::Server& server, const ws::ClientPool& clients) {
    AllNumbers all;
    for (ws::Endpoint* endpoint : server.endpoints()) {
        connectors::AddNumbers(endpoint->stats(),
                               all.endpoints.emplace_back(metrics::NumbersOf{endpoint->path(), {}}).numbers);
    }
    for (const ws::Client* client : clients.clients()) {
        const ws::ClientStatus status = client->Status();
        Numbers& numbers =
            all.connections.emplace_back(metrics::NumbersOf{clients.name(*client), {}}).numbers;
        numbers.push_back({&kStatus, {}, StateValue(StatusText(status.state))});
        connectors::AddNumbers(status, numbers);
    }
    connectors::AddNumbers(server.handshake_stats(), all.server);
    return all;
}

void WriteAll(metrics::PrometheusText& text, const AllNumbers& all) {
    metrics::WriteNumbers(text, "haumea_endpoint_", "endpoint", all.endpoints);
    metrics::WriteNumbers(text, "haumea_connection_", "connection", all.connections);
    metrics::WriteNumbers(text, "haumea_data_server_", "", {{"", all.server}});
}

}  // namespace haumea::rule
