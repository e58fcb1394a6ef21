#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "connectors/websocket/dynamic_sink.h"

namespace haumea::connectors {

// One destination of a DynamicSink. Shared with the farewell of its cache, which may outlast the sink.
class DynamicSink::Target final : public ConnectionObserver, public connect::DeliveryListener {
  public:
    Target(DynamicSink& owner, std::string_view the_key) : key(the_key), owner_(&owner) {}

    void OnConnection(metrics::ConnectionState new_state, const std::string& new_reason) override {
        if (closed) {
            return;
        }
        state = new_state;
        reason = new_reason;
        if (!reason.empty()) {
            owner_->stats_->CountException(made.name + ": " + reason, owner_->scheduler_->clock().NowMs());
        }
        owner_->Changed(*this);
    }
    void SetNumbers(metrics::NodeStats::NumbersReader reader) override { numbers = std::move(reader); }
    void OnConfirmed(uint64_t mark) override {
        while (!asked.empty() && asked.front() <= mark) {
            asked.pop_front();
        }
        owner_->Confirmed();
    }
    void OnLost() override {
        if (unasked != 0 || !asked.empty()) {
            owner_->Lost();
        }
    }

    // Closing it now loses nothing and disturbs nobody.
    bool idle() const {
        const bool cache_idle = !cache.stage || cache.stage->idle();
        return cache_idle && !blocked && unasked == 0 && asked.empty() && made.sink->idle();
    }
    void Close() {
        closed = true;
        if (cache.stage) {
            cache.stage->Close();
        }
        if (cache.resend_sink) {
            cache.resend_sink->Close();
        }
        made.sink->Close();
    }

    const std::string key;
    Made made;
    connect::DestinationCaches::Cache cache;  // without a stage: none; goes before what it sends to
    int64_t used_ms = 0;
    metrics::ConnectionState state = metrics::ConnectionState::kConnecting;
    std::string reason;
    metrics::NodeStats::NumbersReader numbers;
    bool blocked = false;  // a message for it waits for the ready callback
    bool closed = false;
    size_t unasked = 0;          // messages sent since the last question of the cache
    std::deque<uint64_t> asked;  // marks that are not confirmed

  private:
    DynamicSink* owner_;
};

}  // namespace haumea::connectors
