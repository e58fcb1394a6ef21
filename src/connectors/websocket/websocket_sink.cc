#include "connectors/websocket/websocket_sink.h"

#include <fmt/core.h>
#include <strings.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "connect/common_properties.h"
#include "connect/services.h"
#include "connectors/websocket/client_link.h"
#include "connectors/websocket/dynamic_sink.h"
#include "connectors/websocket/websocket_config.h"
#include "connectors/websocket/websocket_numbers.h"
#include "ws/client_pool.h"
#include "ws/server.h"
#include "ws/utf8.h"

namespace haumea::connectors {

namespace {

using connect::Delivery;
using metrics::ConnectionState;

// Text frame or binary frame (contract §7); empty: `messageType: text` was asked for what is no text.
bool ChooseFrame(MessageType type, const connect::EncodedMessage& message, bool& is_text) noexcept {
    switch (type) {
        case MessageType::kAuto:
            is_text = message.is_text;
            return true;
        case MessageType::kBinary:
            is_text = false;
            return true;
        case MessageType::kText:
            is_text = true;
            return message.is_text || ws::IsValidUtf8(message.payload.view());
    }
    return false;
}

// What both roles share: the node, which `observer` may stand before, and the drops that a message itself
// causes.
class WebSocketSink : public connect::MessageSink {
  protected:
    WebSocketSink(const Clock& clock, WebSocketConfig config, ConnectionObserver* observer)
        : clock_(&clock), config_(std::move(config)), observer_(observer) {}

    void Show(ConnectionState state, const std::string& reason) { Show(state, reason, clock_->NowMs()); }
    void Show(ConnectionState state, const std::string& reason, int64_t since_ms) {
        if (observer_ != nullptr) {
            observer_->OnConnection(state, reason);
        } else {
            stats_->SetConnection(state, reason, since_ms);
        }
    }

    bool Prepare(const connect::EncodedMessage& message, bool& is_text) noexcept {
        if (ChooseFrame(config_.message_type, message, is_text)) {
            return true;
        }
        stats_->CountDropped(1, metrics::DropReason::kNotText);
        stats_->CountException("message dropped: messageType is text, but the payload is no UTF-8",
                               clock_->NowMs());
        return false;
    }

    void ShowNumbers(metrics::NodeStats::NumbersReader reader) {
        if (observer_ == nullptr) {
            stats_->SetNumbers(std::move(reader));
        } else {
            observer_->SetNumbers(std::move(reader));
        }
    }

    const Clock* clock_;
    WebSocketConfig config_;
    ConnectionObserver* observer_;
    metrics::NodeStats* stats_ = nullptr;
};

// Server role: everyone connected to the path gets the message.
class ServerSink final : public WebSocketSink {
  public:
    ServerSink(const Clock& clock, WebSocketConfig config, ConnectionObserver* observer, ws::Server& server,
               std::string rule_id)
        : WebSocketSink(clock, std::move(config), observer), server_(&server), rule_id_(std::move(rule_id)) {}

    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        HAUMEA_TRY(endpoint_, server_->Acquire(config_.path, config_.endpoint, rule_id_));
        if (!endpoint_.warning().empty()) {
            log::Warn("rule {}: sink websocket: {}", rule_id_, endpoint_.warning());
        }
        Show(ConnectionState::kConnected, "", endpoint_->stats().since_ms);
        ShowNumbers([this](metrics::Numbers& into) {
            AddNumbers(endpoint_->stats(), into);
            CountMissed();
        });
        return {};
    }

    Delivery Send(const connect::EncodedMessage& message) noexcept override {
        bool is_text = true;
        if (!endpoint_ || !Prepare(message, is_text)) {
            return Delivery::kDropped;
        }
        if (cached_ && !endpoint_->has_room()) {
            endpoint_.WhenRoom(ready_);
            return Delivery::kBlocked;
        }
        const ws::Publication publication = endpoint_->Publish(message.payload, is_text);
        CountMissed();
        switch (publication) {
            case ws::Publication::kAccepted:
                alone_ = false;
                return Delivery::kAccepted;
            case ws::Publication::kNoClient:
                DropUnheard();
                return Delivery::kDropped;
            case ws::Publication::kBlocked:
                endpoint_.WhenReady(ready_);
                return Delivery::kBlocked;
        }
        return Delivery::kDropped;
    }
    bool waits() const override { return true; }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    // A message that is in a client's backlog is done.
    bool UseConfirmation(connect::DeliveryListener& listener) override {
        static_cast<void>(listener);
        cached_ = true;
        return false;
    }
    bool idle() const override { return !endpoint_ || endpoint_->client_count() == 0; }
    void Close() override {
        if (endpoint_) {
            static_cast<void>(endpoint_->stats());
            CountMissed();
        }
        endpoint_.Reset();
        if (stats_ != nullptr) {
            ShowNumbers({});
            Show(ConnectionState::kDisconnected, "closed");
        }
    }

  private:
    // What slow clients missed since the last look. Some of it is known only when somebody looks at the
    // endpoint's numbers, so whoever reads them has these counted first: both say the same.
    void CountMissed() noexcept {
        if (const uint64_t missed = endpoint_->TakeDropped(); missed != 0) {
            stats_->CountDropped(static_cast<int64_t>(missed), metrics::DropReason::kSlowClient);
        }
    }
    void DropUnheard() noexcept {
        stats_->CountDropped(1, metrics::DropReason::kNoClient);
        // One text per silence, a counter for the rest.
        if (!std::exchange(alone_, true)) {
            stats_->CountException(
                fmt::format("no_client: messages are dropped while no client is connected to {}",
                            config_.path),
                clock_->NowMs());
        }
    }

    ws::Server* server_;
    std::string rule_id_;
    ws::EndpointRef endpoint_;
    std::function<void()> ready_;
    bool alone_ = false;
    bool cached_ = false;
};

// Client role: a remote server gets the message. records_out counts when its socket has it.
class ClientSink final : public WebSocketSink, private ws::ClientListener {
  public:
    ClientSink(const Clock& clock, WebSocketConfig config, ConnectionObserver* observer, ws::ClientPool& pool,
               bool block)
        : WebSocketSink(clock, std::move(config), observer),
          pool_(&pool),
          when_full_(WhenFullFor(config_.slow_consumer, block)) {}

    Result<void> Open(metrics::NodeStats& stats) override {
        stats_ = &stats;
        HAUMEA_TRY(client_, pool_->Acquire(config_.target, config_.behaviour, *this));
        OnState(client_->Status());
        ShowNumbers([this](metrics::Numbers& into) { AddNumbers(client_->Status(), into); });
        return {};
    }

    Delivery Send(const connect::EncodedMessage& message) noexcept override {
        bool is_text = true;
        if (!client_ || !Prepare(message, is_text)) {
            return Delivery::kDropped;
        }
        if (listener_ != nullptr && !client_->connected()) {
            return Delivery::kBlocked;
        }
        if (listener_ == nullptr && config_.slow_consumer == ws::SlowConsumer::kConflate) {
            stats_->CountDropped(static_cast<int64_t>(client_->Conflate(*this)),
                                 metrics::DropReason::kConflated);
        }
        switch (client_->Send(*this, message.payload, is_text, when_full_)) {
            case ws::SendResult::kAccepted:
                return Delivery::kQueued;
            case ws::SendResult::kBlocked:
                return Delivery::kBlocked;
            case ws::SendResult::kDropped:
                stats_->CountDropped(1, metrics::DropReason::kQueueFull);
                return Delivery::kDropped;
        }
        return Delivery::kDropped;
    }
    bool waits() const override { return when_full_ == ws::WhenFull::kBlock; }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    bool UseConfirmation(connect::DeliveryListener& listener) override {
        listener_ = &listener;
        when_full_ = ws::WhenFull::kBlock;
        return true;
    }
    bool RequestConfirmation(uint64_t mark) override { return client_ && client_->SendPing(*this, mark); }
    bool idle() const override { return !client_ || client_->Status().backlog_messages == 0; }
    void Close() override {
        if (listener_ != nullptr && client_) {
            client_->Discard(*this);  // the cache has it
        }
        listener_ = nullptr;
        client_.Reset();
        if (stats_ != nullptr) {
            ShowNumbers({});
        }
    }

  private:
    static ws::WhenFull WhenFullFor(ws::SlowConsumer policy, bool block) {
        if (block || policy == ws::SlowConsumer::kBlock) {
            return ws::WhenFull::kBlock;
        }
        return policy == ws::SlowConsumer::kDropNewest ? ws::WhenFull::kDropNewest
                                                       : ws::WhenFull::kDropOldest;
    }

    void OnState(const ws::ClientStatus& status) override {
        const std::string reason = ReasonOf(status);
        times_.Tell(status, [this](auto state, const std::string& why, int64_t since_ms) {
            Show(state, why, since_ms);
        });
        if (observer_ == nullptr && !reason.empty()) {
            stats_->CountException(reason, clock_->NowMs());
        }
        if (listener_ == nullptr || !client_) {
            return;
        }
        const bool connected = status.state == ws::ClientState::kConnected;
        if (std::exchange(was_connected_, connected) && !connected) {
            client_->Discard(*this);
            listener_->OnLost();
        } else if (connected && ready_) {
            ready_();
        }
    }
    void OnPong(uint64_t sequence) override {
        if (listener_ != nullptr) {
            listener_->OnConfirmed(sequence);
        }
    }
    void OnWritable() override {
        if (ready_) {
            ready_();
        }
    }
    void OnHandedOver(size_t count) override { stats_->CountOut(static_cast<int64_t>(count)); }
    void OnDropped(size_t count) override {
        stats_->CountDropped(static_cast<int64_t>(count), metrics::DropReason::kQueueFull);
    }

    ws::ClientPool* pool_;
    ConnectionTimes times_;
    ws::WhenFull when_full_;
    ws::ClientRef client_;
    std::function<void()> ready_;
    connect::DeliveryListener* listener_ = nullptr;  // a cache stands in front
    bool was_connected_ = false;
};

std::unique_ptr<connect::MessageSink> MakeTarget(WebSocketConfig config, const connect::SinkSpec& spec,
                                                 connect::Services& services, ConnectionObserver* observer) {
    const Clock& clock = services.scheduler->clock();
    if (config.client_role) {
        return std::make_unique<ClientSink>(clock, std::move(config), observer, *services.client_pool,
                                            spec.block_when_full);
    }
    return std::make_unique<ServerSink>(clock, std::move(config), observer, *services.data_server,
                                        spec.rule_id);
}

// A sink whose path or headers hold templates.
Result<std::unique_ptr<connect::MessageSink>> MakeDynamic(const WebSocketConfig& config,
                                                          const connect::SinkSpec& spec,
                                                          connect::Services& services) {
    DynamicSink::Settings settings;
    for (const DynamicProperty& property : config.dynamic) {
        const auto& texts = *spec.templates;
        const auto found = std::find(texts.begin(), texts.end(), property.text);
        settings.values.push_back(static_cast<size_t>(found - texts.begin()));
    }
    settings.max_targets = config.max_dynamic_targets;
    settings.idle_ms = config.dynamic_target_idle_ms;
    settings.waits = MakeTarget(config, spec, services, nullptr)->waits();
    settings.confirms = config.client_role;
    if (!config.client_role) {
        settings.can_open = [server = services.data_server] { return server->Check(); };
    }
    connect::SinkSpec target_spec;  // only what targets need
    target_spec.rule_id = spec.rule_id;
    target_spec.block_when_full = spec.block_when_full;
    auto make = [config, target_spec = std::move(target_spec), &services](
                    std::span<const std::string_view> values,
                    ConnectionObserver& observer) -> Result<DynamicSink::Made> {
        HAUMEA_TRY(WebSocketConfig filled, WithValues(config, values));
        std::string name = filled.client_role ? filled.target.Url() : filled.path;
        return DynamicSink::Made{MakeTarget(std::move(filled), target_spec, services, &observer),
                                 std::move(name)};
    };
    return std::make_unique<DynamicSink>(*services.scheduler, std::move(settings), std::move(make));
}

}  // namespace

Result<std::unique_ptr<connect::MessageSink>> MakeWebSocketSink(const connect::SinkSpec& spec,
                                                                connect::Services& services) {
    const Templates templates = spec.templates != nullptr ? Templates::kAllowed : Templates::kRefused;
    HAUMEA_TRY(WebSocketConfig config, ReadWebSocketConfig(spec.props, "", "sink websocket", templates));
    if (spec.warnings != nullptr) {
        spec.warnings->insert(spec.warnings->end(), config.warnings.begin(), config.warnings.end());
        connect::WarnUnknown(spec.props, "sink websocket",
                             {connect::CommonPropertyDocs(), WebSocketPropertyDocs()}, *spec.warnings);
    }
    if (config.client_role && services.client_pool == nullptr) {
        return Failf("sink websocket: this process has no connections in client role");
    }
    if (!config.client_role && services.data_server == nullptr) {
        return Failf("sink websocket: this process has no data server");
    }
    if (!config.dynamic.empty()) {
        return MakeDynamic(config, spec, services);
    }
    return MakeTarget(std::move(config), spec, services, nullptr);
}

Result<config::Node> RedirectWebSocketSink(const config::Node& props, const std::string& destination) {
    const size_t slash = destination.find('/');
    if (slash == std::string::npos) {
        return Failf("resendDestination is \"{}\", but has to be a path such as /late, or host:port/path",
                     destination);
    }
    config::Node other = props;
    const auto replace = [&other](std::initializer_list<const char*> names, std::string value) {
        std::erase_if(other.object(), [&names](const auto& member) {
            return std::any_of(names.begin(), names.end(), [&member](const char* name) {
                return strcasecmp(name, member.first.c_str()) == 0;
            });
        });
        other.Set(*names.begin(), std::move(value));
    };
    if (slash > 0) {
        replace({"addr", "address"}, destination.substr(0, slash));
    }
    replace({"path", "datasource"}, destination.substr(slash));
    return other;
}

}  // namespace haumea::connectors
