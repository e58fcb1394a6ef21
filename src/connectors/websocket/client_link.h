#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "metrics/node_stats.h"
#include "ws/client.h"

namespace haumea::connectors {

// Connection state of a client-role connection as status pages name it.
metrics::ConnectionState StateOf(const ws::ClientStatus& status);
// Why it is not connected, in words; empty when it is.
std::string ReasonOf(const ws::ClientStatus& status);

// Tells one holder of a connection what became of it and when, with the times of the connection, which may be
// older than the holder.
class ConnectionTimes {
  public:
    // show(state, reason, since_ms): twice when a connection that was lost has been dialled again meanwhile,
    // with the reason in the second.
    template <typename Show>
    void Tell(const ws::ClientStatus& status, Show&& show) {
        const metrics::ConnectionState state = StateOf(status);
        const std::string reason = ReasonOf(status);
        switch (state) {
            case metrics::ConnectionState::kConnected:
                show(state, reason, status.last_connected_ms);
                break;
            case metrics::ConnectionState::kConnecting:
                show(state, reason, status.last_try_ms);
                break;
            case metrics::ConnectionState::kDisconnected: {
                const bool tried = status.last_try_ms > status.last_disconnected_ms;
                if (std::exchange(away_since_ms_, status.last_disconnected_ms) !=
                    status.last_disconnected_ms) {
                    show(state, tried ? std::string() : reason, status.last_disconnected_ms);
                }
                if (tried) {
                    show(state, reason, status.last_try_ms);
                }
                break;
            }
        }
    }

  private:
    int64_t away_since_ms_ = 0;  // of the last disconnect that was told
};

}  // namespace haumea::connectors
