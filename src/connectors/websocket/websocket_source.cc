#include "connectors/websocket/websocket_source.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "connect/services.h"
#include "connectors/websocket/client_link.h"
#include "connectors/websocket/websocket_config.h"
#include "connectors/websocket/websocket_numbers.h"
#include "ws/client_pool.h"
#include "ws/server.h"

namespace haumea::connectors {

namespace {

using connect::Flow;
using metrics::ConnectionState;

Value TextObject(const std::vector<std::pair<std::string, std::string>>& pairs, Arena& arena) {
    Field* fields = arena.AllocateArray<Field>(pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
        fields[i] = {pairs[i].first, Value::String(pairs[i].second)};
    }
    return Value::Object({fields, SortFields({fields, pairs.size()})});
}

// Metadata of what a client sends: remoteAddress, path, query, headers, pathVariables; the variables also by
// their own names, which the fixed ones hide.
Ref<connect::Metadata> MetadataOf(const ws::ClientInfo& client) {
    Arena arena;
    std::vector<Field> fields;
    for (const auto& [name, value] : client.path_variables) {
        fields.push_back({name, Value::String(value)});
    }
    fields.push_back({"headers", TextObject(client.headers, arena)});
    fields.push_back({"path", Value::String(client.path)});
    fields.push_back({"pathVariables", TextObject(client.path_variables, arena)});
    fields.push_back({"query", Value::String(client.query)});
    fields.push_back({"remoteAddress", Value::String(client.remote_address)});
    const size_t count = SortFields(fields);
    return MakeRef<connect::Metadata>(Value::Object({fields.data(), count}));
}

// Of what a remote sends: the same names, of the request that was sent to it.
Ref<connect::Metadata> MetadataOf(const WebSocketConfig& config) {
    Arena arena;
    const std::string_view target = config.path;
    const size_t question = target.find('?');
    const std::string_view query =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    const std::string address = config.target.HostPortText();
    Field fields[] = {{"headers", TextObject({}, arena)},
                      {"path", Value::String(target.substr(0, question))},
                      {"pathVariables", TextObject({}, arena)},
                      {"query", Value::String(query)},
                      {"remoteAddress", Value::String(address)}};
    return MakeRef<connect::Metadata>(Value::Object({fields, SortFields(fields)}));
}

// Server role: what clients of the path send.
class ServerSource final : public connect::Source, private ws::EndpointListener {
  public:
    ServerSource(const Clock& clock, WebSocketConfig config, ws::Server& server, std::string rule_id)
        : clock_(&clock), config_(std::move(config)), server_(&server), rule_id_(std::move(rule_id)) {}

    Result<void> Start(connect::SourceListener& listener) override {
        listener_ = &listener;
        HAUMEA_TRY(endpoint_, server_->Acquire(config_.path, config_.endpoint, rule_id_));
        if (!endpoint_.warning().empty()) {
            log::Warn("rule {}: source websocket: {}", rule_id_, endpoint_.warning());
        }
        endpoint_.Subscribe(this);
        listener.OnConnection(ConnectionState::kConnected, "", endpoint_->stats().since_ms);
        return {};
    }
    void Stop() override {
        endpoint_.Reset();
        metadata_.clear();
    }
    void Resume() override {
        if (endpoint_) {
            endpoint_.Resume();
        }
    }
    void ReadNumbers(metrics::Numbers& into) const override {
        if (endpoint_) {
            AddNumbers(endpoint_->stats(), into);
        }
    }

  private:
    ws::Intake OnMessage(const BufferView& payload, bool is_text,
                         const ws::ClientInfo& client) noexcept override {
        static_cast<void>(is_text);
        // Made with the first message of a client, shared by all of its messages.
        auto& metadata = metadata_[client.id];
        if (!metadata) {
            metadata = MetadataOf(client);
        }
        const Ref<connect::Metadata> held = metadata;
        return listener_->OnBytes(payload, clock_->NowMs(), held) == Flow::kPause ? ws::Intake::kPause
                                                                                  : ws::Intake::kContinue;
    }
    void OnConnect(const ws::ClientInfo& client) noexcept override { static_cast<void>(client); }
    void OnDisconnect(const ws::ClientInfo& client, ws::CloseCode code,
                      const std::string& reason) noexcept override {
        static_cast<void>(code);
        static_cast<void>(reason);
        metadata_.erase(client.id);
    }

    const Clock* clock_;
    WebSocketConfig config_;
    ws::Server* server_;
    std::string rule_id_;
    connect::SourceListener* listener_ = nullptr;
    std::unordered_map<uint64_t, Ref<connect::Metadata>> metadata_;  // by client
    ws::EndpointRef endpoint_;
};

// Client role: what a remote server sends.
class ClientSource final : public connect::Source, private ws::ClientListener {
  public:
    ClientSource(const Clock& clock, WebSocketConfig config, ws::ClientPool& pool)
        : clock_(&clock), config_(std::move(config)), pool_(&pool) {}

    Result<void> Start(connect::SourceListener& listener) override {
        listener_ = &listener;
        const std::string url = config_.target.Url();
        metadata_ = MetadataOf(config_);
        HAUMEA_TRY(client_, pool_->Acquire(config_.target, config_.behaviour, *this));
        for (const std::string& warning : client_.warnings()) {
            log::Warn("source websocket {}: {}", url, warning);
        }
        OnState(client_->Status());
        return {};
    }
    void Stop() override {
        if (client_) {
            client_->ResumeReading(*this);
        }
        client_.Reset();
    }
    void Resume() override {
        if (client_) {
            client_->ResumeReading(*this);
        }
    }
    void ReadNumbers(metrics::Numbers& into) const override {
        if (client_) {
            AddNumbers(client_->Status(), into);
        }
    }

  private:
    void OnMessage(const BufferView& payload, bool is_text) override {
        static_cast<void>(is_text);
        // The rule may keep the message beyond this call.
        const Flow flow =
            payload.owner ? listener_->OnBytes(payload, clock_->NowMs(), metadata_)
                          : listener_->OnBytes(BufferView::Copy(payload.view()), clock_->NowMs(), metadata_);
        if (flow == Flow::kPause && client_) {
            client_->PauseReading(*this);
        }
    }
    void OnState(const ws::ClientStatus& status) override {
        const bool connected = status.state == ws::ClientState::kConnected;
        if (client_ && !std::exchange(connected_, connected) && connected) {
            Subscribe();
        }
        times_.Tell(status, [this](ConnectionState state, const std::string& reason, int64_t since_ms) {
            listener_->OnConnection(state, reason, since_ms);
        });
    }
    // A server that pushes on request has to be asked again after every connecting.
    void Subscribe() {
        client_->Discard(*this);  // what a connection that ended at once did not take
        for (const std::string& text : config_.subscribe_messages) {
            if (client_->Send(*this, BufferView::Copy(text), true, ws::WhenFull::kDropNewest) !=
                ws::SendResult::kAccepted) {
                listener_->OnError(
                    Errorf("source websocket: no room to send subscribeMessages, too much waits for {}",
                           config_.target.Url()));
                return;
            }
        }
    }

    const Clock* clock_;
    WebSocketConfig config_;
    ws::ClientPool* pool_;
    connect::SourceListener* listener_ = nullptr;
    Ref<connect::Metadata> metadata_;
    ws::ClientRef client_;
    bool connected_ = false;
    ConnectionTimes times_;
};

}  // namespace

Result<std::unique_ptr<connect::Source>> MakeWebSocketSource(const connect::SourceSpec& spec,
                                                             connect::Services& services) {
    HAUMEA_TRY(WebSocketConfig config, ReadWebSocketConfig(spec.props, spec.datasource, "source websocket"));
    for (const std::string& warning : config.warnings) {
        log::Warn("{}", warning);
    }
    const Clock& clock = services.scheduler->clock();
    if (config.client_role) {
        if (services.client_pool == nullptr) {
            return Failf("source websocket: this process has no connections in client role");
        }
        return std::make_unique<ClientSource>(clock, std::move(config), *services.client_pool);
    }
    if (services.data_server == nullptr) {
        return Failf("source websocket: this process has no data server");
    }
    return std::make_unique<ServerSource>(clock, std::move(config), *services.data_server, spec.rule_id);
}

}  // namespace haumea::connectors
