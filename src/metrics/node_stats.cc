#include "metrics/node_stats.h"

namespace haumea::metrics {

std::string_view NodeStats::KindName(Kind kind) noexcept {
    switch (kind) {
        case Kind::kSource:
            return "source";
        case Kind::kOperator:
            return "op";
        case Kind::kSink:
            return "sink";
    }
    return "";
}

void NodeStats::CountException(std::string text, int64_t now_ms) {
    Add(exceptions, 1);
    const std::lock_guard lock(mutex_);
    texts_.last_exception = std::move(text);
    texts_.last_exception_ms = now_ms;
}

void NodeStats::SetConnection(ConnectionState state, const std::string& reason, int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    const ConnectionState before = std::exchange(texts_.connection, state);
    if (!reason.empty()) {
        texts_.last_disconnected_message = reason;
    }
    switch (state) {
        case ConnectionState::kConnected:
            texts_.last_connected_ms = now_ms;
            break;
        case ConnectionState::kConnecting:
            texts_.last_try_ms = now_ms;
            break;
        case ConnectionState::kDisconnected:
            // While it is away, every further report is of an attempt to come back.
            if (before == ConnectionState::kConnected || texts_.last_disconnected_ms == 0) {
                texts_.last_disconnected_ms = now_ms;
            } else {
                texts_.last_try_ms = now_ms;
            }
            break;
    }
}

NodeStats::Texts NodeStats::texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
}

}  // namespace haumea::metrics
