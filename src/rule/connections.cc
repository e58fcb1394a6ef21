#include "rule/connections.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "connectors/websocket/websocket_config.h"
#include "rule/connections_numbers.h"
#include "rule/connections_secrets.h"
#include "sql/parser.h"

namespace haumea::rule {
namespace {

using config::Node;

// Names of holders that are no rules: a rule's id has no blank.
constexpr std::string_view kManaged = "managed endpoint";
constexpr std::string_view kNamedPrefix = "connection ";
constexpr std::string_view kWebSocket = "websocket";

bool IsRule(std::string_view holder) { return holder.find(' ') == std::string_view::npos; }

using State = ConnectionState;

Node ToNode(std::string_view id, Node props, bool named, const State& state, size_t references) {
    Node node = Node::MakeObject();
    node.Set("id", id);
    node.Set("typ", kWebSocket);
    node.Set("props", std::move(props));
    node.Set("isNamed", named);
    node.Set("status", state.status);
    if (!state.error.empty()) {
        node.Set("err", state.error);
    }
    if (references > 0) {
        node.Set("refCount", static_cast<int64_t>(references));
    }
    if (!state.stats.is_null()) {
        node.Set("stats", state.stats);
    }
    return node;
}

constexpr int64_t kRetryMs = 1'000;

Result<connectors::WebSocketConfig> ReadProps(const Node& props) {
    if (const std::string masked = FindMask(props); !masked.empty()) {
        return Failf("property {} is masked, but there is no stored value to keep: give the value", masked);
    }
    HAUMEA_TRY(connectors::WebSocketConfig config, connectors::ReadWebSocketConfig(props, "", "connection"));
    connect::WarnUnknown(props, "connection", {connectors::WebSocketPropertyDocs()}, config.warnings);
    return config;
}

bool IsWebSocket(std::string_view type) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    return std::equal(type.begin(), type.end(), kWebSocket.begin(), kWebSocket.end(), same);
}

Result<void> CheckType(const std::string& id, const std::string& type) {
    if (id.empty() || type.empty()) {
        return Failf("connection id and type should be defined");
    }
    if (!IsWebSocket(type)) {
        return Failf("connection type {} is not supported: typ has to be websocket", type);
    }
    return {};
}

// Of the ids of connections without a name.
constexpr std::string_view kAnonymousPrefix = "$$ws/";

Error NotExisted(std::string_view id) { return Errorf("connection {} not existed", id); }
Error OnlyEndpoints(std::string_view id) {
    return Errorf("connection {} dials a remote server: only an endpoint has clients", id);
}

Node ToNode(const ws::ClientSnapshot& client) {
    Node node = Node::MakeObject();
    node.Set("id", client.id);
    node.Set("address", client.remote_address);
    node.Set("path", client.path);
    node.Set("since", client.since_ms);
    node.Set("backlogMessages", client.backlog_messages);
    node.Set("backlogBytes", client.backlog_bytes);
    node.Set("dropped", client.dropped);
    node.Set("messagesIn", client.messages_in);
    if (client.ping_rtt_us >= 0) {
        node.Set("pingRoundTripUs", client.ping_rtt_us);
    }
    return node;
}

}  // namespace

// A named connection's share, in an endpoint or in a connection to a remote. Home loop only.
class Connections::Open final : private ws::ClientListener {
  public:
    static Result<std::unique_ptr<Open>> Make(const Environment& environment, const std::string& id,
                                              const connectors::WebSocketConfig& config) {
        auto open = std::make_unique<Open>();
        if (config.client_role) {
            HAUMEA_TRY(open->client_, environment.clients->Acquire(config.target, config.behaviour, *open));
        } else {
            HAUMEA_TRY(open->endpoint_,
                       environment.data_server->Acquire(config.path, config.endpoint,
                                                        fmt::format("{}{}", kNamedPrefix, id)));
        }
        return open;
    }
    State state() { return client_ ? StateOf(client_->Status()) : StateOf(endpoint_->stats()); }
    bool Is(const ws::Client& client) const { return client_ && &*client_ == &client; }

  private:
    ws::ClientRef client_;
    ws::EndpointRef endpoint_;
};

Connections::Connections(Environment environment, store::KeyValue& endpoints, store::KeyValue& named)
    : environment_(std::move(environment)),
      endpoints_table_(&endpoints),
      named_table_(&named),
      retry_(*environment_.control) {}

Connections::~Connections() {
    OnHome([this] {
        endpoints_.clear();
        named_.clear();
    });
}

void Connections::OnHome(const std::function<void()>& task) const {
    if (!environment_.home.run_sync) {
        task();
    } else if (!environment_.home.run_sync(task)) {
        task();  // the loop has ended: nobody else touches it any more
    }
}

Result<void> Connections::Load() {
    HAUMEA_TRY(const std::vector<store::KeyValue::Entry> paths, endpoints_table_->All());
    for (const auto& [path, text] : paths) {
        if (const auto held = Hold(path); !held) {
            log::Error("managed endpoint {}: {}", path, held.error().message);
            not_held_.push_back(path);
        }
    }
    HAUMEA_TRY(const std::vector<store::KeyValue::Entry> entries, named_table_->All());
    for (const auto& [id, text] : entries) {
        const Result<Node> stored = config::ParseJson(text);
        const Node* props = stored ? stored->Find("props") : nullptr;
        Named& named = named_[id];
        if (props == nullptr || !props->is_object()) {
            named.props = Node::MakeObject();
            named.error = "its stored definition cannot be read: put it anew";
        } else {
            named.props = *props;
            const auto opened = Reopen(id, named, *props);
            named.error = opened ? "" : opened.error().message;
        }
        if (!named.error.empty()) {
            log::Error("connection {}: {}", id, named.error);
        }
    }
    RetryLater();
    return {};
}

void Connections::RetryLater() {
    const bool failed = std::any_of(named_.begin(), named_.end(),
                                    [](const auto& entry) { return !entry.second.error.empty(); });
    if (failed || !not_held_.empty()) {
        retry_.Start(kRetryMs, [this] { Retry(); });
    }
}

void Connections::Retry() {
    std::erase_if(not_held_, [this](const std::string& path) {
        return endpoints_.contains(path) || Hold(path).has_value();
    });
    for (auto& [id, named] : named_) {
        if (named.error.empty()) {
            continue;
        }
        const auto opened = Reopen(id, named, named.props);
        named.error = opened ? "" : opened.error().message;
        if (opened) {
            log::Info("connection {}: is there now", id);
        }
    }
    RetryLater();
}

Result<void> Connections::Hold(const std::string& path) {
    Result<ws::EndpointRef> held;
    OnHome([&] {
        held = environment_.data_server->Acquire(path, ws::EndpointSettings{}, std::string(kManaged));
        if (held) {
            endpoints_.insert_or_assign(path, std::move(*held));
        }
    });
    return held ? Result<void>() : Result<void>(Fail(held.error()));
}

Result<void> Connections::AddEndpoint(const std::string& path) {
    if (!path.starts_with('/')) {
        return Failf("websocket endpoint should start with /: endpoint is \"{}\"", path);
    }
    const bool is_new = !endpoints_.contains(path);
    if (is_new) {
        HAUMEA_TRY_VOID(Hold(path));
    }
    Result<void> stored = endpoints_table_->Set(path, "{}");
    if (!stored && is_new) {
        OnHome([&] { endpoints_.erase(path); });
    }
    return stored;
}

Result<void> Connections::RemoveEndpoint(const std::string& path) {
    std::vector<std::string> users;
    OnHome([&] {
        if (ws::Endpoint* endpoint = environment_.data_server->Find(path)) {
            users = endpoint->holders();
        }
    });
    std::erase(users, kManaged);
    std::sort(users.begin(), users.end());
    users.erase(std::unique(users.begin(), users.end()), users.end());
    if (!users.empty()) {
        return Failf("websocket endpoint {} is used by {}: stop or delete them first", path,
                     fmt::join(users, ", "));
    }
    HAUMEA_TRY([[maybe_unused]] const bool existed, endpoints_table_->Delete(path));
    std::erase(not_held_, path);
    OnHome([&] { endpoints_.erase(path); });
    return {};
}

bool Connections::IsServed(const std::string& path) const {
    bool served = false;
    OnHome([&] { served = environment_.data_server->Find(path) != nullptr; });
    return served;
}

Result<Connections::Warnings> Connections::Reopen(const std::string& id, Named& named, const Node& props) {
    HAUMEA_TRY(connectors::WebSocketConfig config, ReadProps(props));
    Result<std::unique_ptr<Open>> opened;
    const auto old = ReadProps(named.props);
    Result<void> back;
    OnHome([&] {
        // The port stays open and clients stay connected until it is known who serves them.
        environment_.data_server->HoldEndpoints();
        // An endpoint has the settings of who came first: let go of the old one before.
        named.open.reset();
        opened = Open::Make(environment_, id, config);
        if (opened) {
            named.open = std::move(*opened);
        } else if (!old) {
            back = Fail(old.error());
        } else if (auto again = Open::Make(environment_, id, *old)) {
            named.open = std::move(*again);
        } else {
            back = Fail(std::move(again.error()));
        }
        environment_.data_server->LetGo();
    });
    if (opened) {
        named.path = config.client_role ? "" : config.path;
        return std::move(config.warnings);
    }
    if (!back) {
        named.error = back.error().message;
        RetryLater();
    }
    return Fail(std::move(opened.error()));
}

Result<void> Connections::Store(const std::string& id, const Node& props) {
    Node node = Node::MakeObject();
    node.Set("typ", kWebSocket);
    node.Set("props", props);
    return named_table_->Set(id, config::ToJson(node, {.escape_html = false}));
}

Result<Connections::Warnings> Connections::Create(const std::string& id, const std::string& type,
                                                  Node props) {
    HAUMEA_TRY_VOID(CheckType(id, type));
    if (Find(id) != nullptr) {
        return Failf("connection {} already been created", id);
    }
    Named named;
    HAUMEA_TRY(Warnings warnings, Reopen(id, named, props));
    named.props = std::move(props);
    if (auto stored = Store(id, named.props); !stored) {
        OnHome([&] { named.open.reset(); });
        return Fail(std::move(stored.error()));
    }
    named_.emplace(id, std::move(named));
    return warnings;
}

Result<void> Connections::RefuseInUse(const std::string& id) const {
    const auto users = environment_.references ? environment_.references(id) : std::vector<std::string>();
    if (users.empty()) {
        return {};
    }
    return Failf("connection {} can't be dropped due to rule references [{}]", id, fmt::join(users, " "));
}

Result<Connections::Warnings> Connections::Update(const std::string& id, const std::string& type,
                                                  Node props) {
    const auto found = named_.find(id);
    if (found == named_.end()) {
        return Fail(NotExisted(id));
    }
    HAUMEA_TRY_VOID(CheckType(id, type));
    HAUMEA_TRY_VOID(RefuseInUse(id));
    props = UnmaskSecrets(props, found->second.props);
    HAUMEA_TRY_VOID(ReadProps(props));
    // Stored first: on a full disk nobody's connection is touched.
    HAUMEA_TRY_VOID(Store(id, props));
    auto warnings = Reopen(id, found->second, props);
    if (!warnings) {
        if (const auto back = Store(id, found->second.props); !back) {
            log::Error("connection {}: the new definition, which cannot be opened, stays stored: {}", id,
                       back.error().message);
        }
        return Fail(std::move(warnings.error()));
    }
    found->second.props = std::move(props);
    found->second.error.clear();
    return std::move(*warnings);
}

Result<void> Connections::Delete(const std::string& id) {
    const auto found = named_.find(id);
    if (found == named_.end()) {
        return {};
    }
    HAUMEA_TRY_VOID(RefuseInUse(id));
    HAUMEA_TRY([[maybe_unused]] const bool existed, named_table_->Delete(id));
    OnHome([&] { named_.erase(found); });
    return {};
}

const Connections::Named* Connections::Find(std::string_view id) const {
    const auto found = named_.find(id);
    return found == named_.end() ? nullptr : &found->second;
}

ConnectionState Connections::StateOfNamed(const Named& named) const {
    State state{"disconnected", named.error, Node()};
    OnHome([&] {
        if (named.open) {
            state = named.open->state();
        }
    });
    return state;
}

Node Connections::Show(const std::string& id, const Named& named) const {
    const State state = StateOfNamed(named);
    const size_t references = environment_.references ? environment_.references(id).size() : 0;
    return ToNode(id, MaskSecrets(named.props), true, state, references);
}

Result<Node> Connections::Describe(const std::string& id) const {
    const Named* named = Find(id);
    if (named == nullptr) {
        return Fail(NotExisted(id));
    }
    return Show(id, *named);
}

Node Connections::List(bool all) const {
    Node list = Node::MakeArray();
    for (const auto& [id, named] : named_) {
        list.Append(Show(id, named));
    }
    if (all) {
        OnHome([&] { AppendAnonymous(list); });
    }
    return list;
}

// On the home loop. What a named connection holds is listed under its name.
void Connections::AppendAnonymous(Node& list) const {
    for (ws::Endpoint* endpoint : environment_.data_server->endpoints()) {
        const std::vector<std::string> holders = endpoint->holders();
        const bool is_named = std::any_of(holders.begin(), holders.end(), [](const std::string& holder) {
            return holder.starts_with(kNamedPrefix);
        });
        if (!is_named) {
            Node props = Node::MakeObject();
            props.Set("path", endpoint->path());
            const auto rules = std::count_if(holders.begin(), holders.end(), IsRule);
            list.Append(ToNode(fmt::format("{}{}", kAnonymousPrefix, endpoint->path()), std::move(props),
                               false, StateOf(endpoint->stats()), static_cast<size_t>(rules)));
        }
    }
    for (const ws::Client* client : environment_.clients->clients()) {
        const bool is_named = std::any_of(named_.begin(), named_.end(), [client](const auto& entry) {
            return entry.second.open && entry.second.open->Is(*client);
        });
        if (!is_named) {
            const ws::ClientTarget& target = client->target();
            Node props = Node::MakeObject();
            props.Set("addr", target.host.find(':') == std::string::npos
                                  ? fmt::format("{}:{}", target.host, target.port)
                                  : fmt::format("[{}]:{}", target.host, target.port));
            props.Set("path", target.path.substr(0, target.path.find('?')));
            props.Set("scheme", target.tls ? "wss" : "ws");
            if (target.proxy) {
                props.Set("proxy", target.proxy->Name());
            }
            list.Append(ToNode(fmt::format("{}{}", kAnonymousPrefix, environment_.clients->name(*client)),
                               std::move(props), false, StateOf(client->Status()),
                               environment_.clients->shares(*client)));
        }
    }
}

Result<Node> Connections::Select(std::string_view selector) const {
    if (const Named* named = Find(selector)) {
        return named->props;
    }
    const size_t dot = selector.find('.');
    if (dot != std::string_view::npos && IsWebSocket(selector.substr(0, dot))) {
        const Node* type = environment_.configured.FindNoCase(selector.substr(0, dot));
        const Node* props = type == nullptr ? nullptr : type->FindNoCase(selector.substr(dot + 1));
        if (props != nullptr && props->is_object()) {
            return *props;
        }
    }
    return Fail(NotExisted(selector));
}

Result<Node> Connections::ClientsOf(const std::string& path) const {
    std::vector<ws::ClientSnapshot> clients;
    bool served = false;
    OnHome([&] {
        if (ws::Endpoint* endpoint = environment_.data_server->Find(path)) {
            served = true;
            clients = endpoint->clients();
        }
    });
    if (!served) {
        return Fail(Errorf(ErrorCode::kNotFound, "websocket has no endpoint {}", path));
    }
    Node list = Node::MakeArray();
    for (const ws::ClientSnapshot& client : clients) {
        list.Append(ToNode(client));
    }
    return list;
}

Node Connections::DataServer() const {
    Node node;
    OnHome([&] { node = StateOf(*environment_.data_server); });
    return node;
}

std::vector<config::Node> Connections::AllProperties() const {
    std::vector<config::Node> all;
    for (const auto& [id, named] : named_) {
        all.push_back(named.props);
    }
    return all;
}

void Connections::WriteMetrics(metrics::PrometheusText& text) const {
    AllNumbers all;
    OnHome([&] { all = ReadAllNumbers(*environment_.data_server, *environment_.clients); });
    WriteAll(text, all);
    text.Family("kuiper_conn_status_gauge", metrics::PrometheusText::FamilyType::kGauge,
                "Named connections: 1 connected, 0 connecting, -1 disconnected");
    for (const auto& [id, named] : named_) {
        text.Sample({{"name", id}}, StateValue(StateOfNamed(named).status));
    }
}

Result<void> Connections::Kick(const std::string& path, uint64_t client) {
    bool kicked = false;
    OnHome([&] {
        if (ws::Endpoint* endpoint = environment_.data_server->Find(path)) {
            kicked = endpoint->Kick(client, "disconnected by an administrator");
        }
    });
    if (!kicked) {
        return Fail(Errorf(ErrorCode::kNotFound, "websocket endpoint {} has no client {}", path, client));
    }
    return {};
}

Result<std::string> Connections::ServedPath(const std::string& id) const {
    if (id.starts_with(kAnonymousPrefix)) {
        std::string path = id.substr(kAnonymousPrefix.size());
        return path.starts_with('/') ? Result<std::string>(std::move(path)) : Fail(OnlyEndpoints(id));
    }
    const Named* named = Find(id);
    if (named == nullptr) {
        return Fail(NotExisted(id));
    }
    if (named->path.empty()) {
        return Fail(OnlyEndpoints(id));
    }
    return named->path;
}

}  // namespace haumea::rule
