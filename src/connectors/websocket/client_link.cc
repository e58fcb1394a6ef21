#include "connectors/websocket/client_link.h"

namespace haumea::connectors {

using metrics::ConnectionState;

ConnectionState StateOf(const ws::ClientStatus& status) {
    switch (status.state) {
        case ws::ClientState::kConnected:
            return ConnectionState::kConnected;
        case ws::ClientState::kConnecting:
            return ConnectionState::kConnecting;
        case ws::ClientState::kDisconnected:
        case ws::ClientState::kClosed:
            return ConnectionState::kDisconnected;
    }
    return ConnectionState::kDisconnected;
}

std::string ReasonOf(const ws::ClientStatus& status) {
    return status.state == ws::ClientState::kConnected ? std::string() : status.last_error;
}

void ShowState(const ws::ClientStatus& status, metrics::NodeStats& stats, int64_t now_ms) {
    const std::string reason = ReasonOf(status);
    stats.SetConnection(StateOf(status), reason, now_ms);
    if (!reason.empty()) {
        stats.CountException(reason, now_ms);
    }
}

}  // namespace haumea::connectors
