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

}  // namespace haumea::connectors
