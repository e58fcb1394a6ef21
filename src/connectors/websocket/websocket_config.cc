#include "connectors/websocket/websocket_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "connectors/websocket/websocket_tls.h"
#include "template/template.h"
#include "ws/client.h"
#include "ws/client_handshake.h"
#include "ws/server_path.h"

namespace haumea::connectors {

namespace {

using connect::PropertyReader;

constexpr connect::PropertyDoc kDocs[] = {
    {"addr", "string", "", "host:port of the remote server; empty: serve `path` on the data server"},
    {"address", "string", "", "alias of addr"},
    {"path", "string", "", "path to request (may carry a query) or to serve; starts with /"},
    {"datasource", "string", "", "alias of path"},
    {"scheme", "string", "ws", "ws or wss; wss as soon as a TLS property is set"},
    {"insecureSkipVerify", "boolean", "false", "do not verify the server's certificate"},
    {"certificationPath", "string", "", "client certificate, PEM file"},
    {"privateKeyPath", "string", "", "its key, PEM file"},
    {"rootCaPath", "string", "", "CA of the server's certificate, PEM file"},
    {"certificationRaw", "string", "", "client certificate, base64 of PEM"},
    {"certficationRaw", "string", "", "older spelling of certificationRaw"},
    {"privateKeyRaw", "string", "", "its key, base64 of PEM"},
    {"rootCARaw", "string", "", "CA, base64 of PEM"},
    {"tlsMinVersion", "string", "tls1.2", "tls1.2 or tls1.3"},
    {"renegotiationSupport", "string", "", "accepted without effect"},
    {"maxConnRetry", "integer", "", "accepted without effect"},
    {"checkConnection", "boolean", "false", "the rule starts only when the connection exists"},
    {"requestHeader", "map", "", "further headers of the handshake: text or list of texts each"},
    {"messageType", "string", "auto", "auto, text or binary frames"},
    {"permessageDeflate", "boolean or map", "false",
     "compression of frames (RFC 7692): true, or {enabled, threshold, level, windowBits}"},
    {"subprotocols", "list", "", "subprotocols in order of preference; one has to be agreed on"},
    {"slowConsumer", "string", "drop_oldest", "drop_oldest, drop_newest, conflate, disconnect or block"},
    {"blockTimeout", "duration", "10s",
     "slowConsumer block: a client that holds up all for longer is closed"},
    {"connectTimeout", "duration", "10s", "DNS, TCP, TLS and HTTP together"},
    {"reconnectInitialDelay", "duration", "100ms", "first delay before dialling again"},
    {"reconnectMaxDelay", "duration", "10s", "longest delay"},
    {"reconnectMultiplier", "number", "2", "growth of the delay"},
    {"pingInterval", "duration", "30s", "silence after which a ping is sent; 0: never"},
    {"pongTimeout", "duration", "10s", "wait for its answer; 0: for ever"},
    {"writeTimeout", "duration", "10s", "client role: no progress for that long is a dead remote"},
    {"backlogMessages", "integer", "65536", "messages that may wait for a client or the remote"},
    {"backlogBytes", "integer", "16777216", "their bytes"},
    {"maxMessageBytes", "integer", "16777216", "largest incoming message"},
    {"maxFragments", "integer", "131072", "most frames of one incoming message"},
    {"maxControlFramesPerSecond", "integer", "1000",
     "server role: pings of a client beyond it, and one more per message of its own, end in 1008"},
    {"closeTimeout", "duration", "2s", "time for the close handshake"},
    {"maxClients", "integer", "10000", "server role: clients of the endpoint"},
    {"handshakeTimeout", "duration", "5s",
     "of the data server as a whole: set it as source.handshakeTimeout"},
    {"maxClientsPerAddress", "integer", "10000",
     "of the data server as a whole: set it as source.maxClientsPerAddress"},
    {"subscribeMessages", "list", "",
     "source, client role: texts to send after every connecting, such as subscriptions"},
    {"metadataHeaders", "list", "", "server role: request headers that meta() shows"},
    {"proxy", "string", "",
     "client role: HTTP proxy to go through by CONNECT, http://user:password@host:port; the environment "
     "(HTTP_PROXY) is not looked at"},
    {"maxDynamicTargets", "integer", "64",
     "templates in path or headers: destinations open at a time. Server role: such a path exists from its "
     "first message on, which finds no client (no_client; with enableCache it waits for one); create it "
     "before "
     "as a managed endpoint, and the first message arrives too"},
    {"dynamicTargetIdle", "duration", "5m", "after that long without a message such a destination is closed"},
};

constexpr std::array<std::string_view, 5> kPolicies = {"drop_oldest", "drop_newest", "conflate", "disconnect",
                                                       "block"};
constexpr std::array<std::string_view, 3> kMessageTypes = {"auto", "text", "binary"};
// "http://user:secret@host" -> "http://******@host".
std::string MaskUserInfo(const std::string& url) {
    const size_t at = url.rfind('@');
    const size_t scheme_end = url.find("://");
    const size_t begin = scheme_end == std::string::npos || scheme_end > at ? 0 : scheme_end + 3;
    return at == std::string::npos ? url : fmt::format("{}******{}", url.substr(0, begin), url.substr(at));
}

constexpr int64_t kMaxDurationMs = 24LL * 3600 * 1000;

int64_t ReadDuration(PropertyReader& reader, std::string_view name, int64_t default_ms, int64_t least_ms) {
    const int64_t value = reader.DurationMs(name, default_ms);
    if (value < least_ms || value > kMaxDurationMs) {
        reader.Refuse(
            Errorf("property {} is {} ms, but has to lie between {} ms and 24 h", name, value, least_ms));
        return default_ms;
    }
    return value;
}

// Properties of the data server, and those that only eKuiper knows.
void WarnOfOthers(PropertyReader& reader, WebSocketConfig& config) {
    for (const std::string_view name : {"handshakeTimeout", "maxClientsPerAddress"}) {
        if (reader.Has(name)) {
            config.warnings.push_back(fmt::format(
                "{}: {} belongs to the data server, not to one path: set source.{} in the configuration",
                reader.what(), name, name));
        }
    }
    for (const std::string_view name : {"renegotiationSupport", "maxConnRetry"}) {
        if (reader.Has(name)) {
            config.warnings.push_back(
                fmt::format("{}: property {} is accepted without effect", reader.what(), name));
        }
    }
    constexpr std::array<std::string_view, 4> kOfClients = {"reconnectInitialDelay", "reconnectMaxDelay",
                                                            "reconnectMultiplier", "writeTimeout"};
    constexpr std::array<std::string_view, 4> kOfServers = {"maxClients", "maxControlFramesPerSecond",
                                                            "blockTimeout", "metadataHeaders"};
    for (const std::string_view name : config.client_role ? kOfServers : kOfClients) {
        if (reader.Has(name)) {
            config.warnings.push_back(fmt::format("{}: property {} has no effect with{} addr", reader.what(),
                                                  name, config.client_role ? "" : "out"));
        }
    }
}

void ReadHeaders(PropertyReader& reader, WebSocketConfig& config) {
    const config::Node* headers = reader.Map("requestHeader");
    if (headers == nullptr) {
        return;
    }
    if (!config.client_role && !headers->object().empty()) {
        config.warnings.push_back(fmt::format(
            "{}: requestHeader has no effect without addr: clients that connect send their own headers",
            reader.what()));
    }
    const auto add = [&config](const std::string& name, const std::string& value) {
        if (config.client_role && text_template::IsTemplate(value)) {
            config.dynamic.push_back({"requestHeader." + name, value, config.target.headers.size()});
        }
        config.target.headers.emplace_back(name, value);
    };
    // The type, not the value: it may be a secret.
    const auto refuse = [&reader](const std::string& name, const config::Node& value) {
        reader.Refuse(
            Errorf("property requestHeader.{} is of type {}, but has to be a text or a list of texts", name,
                   value.kind_name()));
    };
    for (const auto& [name, value] : headers->object()) {
        if (value.is_string()) {
            add(name, value.as_string());
            continue;
        }
        if (!value.is_array()) {
            refuse(name, value);
            return;
        }
        for (const config::Node& item : value.array()) {
            if (!item.is_string()) {
                refuse(name, item);
                return;
            }
            add(name, item.as_string());
        }
    }
}

// What cannot be a template says so instead of looking for a file of that name.
void RefuseTemplates(PropertyReader& reader, const config::Node& props) {
    for (const std::string_view name : {"addr", "address", "scheme", "certificationPath", "privateKeyPath",
                                        "rootCaPath", "certificationRaw", "certficationRaw", "privateKeyRaw",
                                        "rootCARaw", "tlsMinVersion", "proxy", "connectionSelector"}) {
        const config::Node* value = props.FindNoCase(name);
        if (value != nullptr && value->is_string() && text_template::IsTemplate(value->as_string())) {
            reader.Refuse(
                Errorf("property {} may not hold a template: only path, the values of requestHeader "
                       "and resendDestination of a sink may",
                       name));
        }
    }
}

// Templates need messages that fill them.
void CheckDynamic(PropertyReader& reader, const WebSocketConfig& config, Templates templates) {
    if (config.dynamic.empty()) {
        return;
    }
    const std::string& name = config.dynamic.front().name;
    if (templates == Templates::kRefused) {
        reader.Refuse(
            Errorf("property {} may not hold a template here: there is no message to fill it", name));
    } else if (config.check_connection) {
        reader.Refuse(
            Errorf("property checkConnection is true, but {} holds a template: which connections there are "
                   "depends on the messages: leave checkConnection out",
                   name));
    }
}

ws::SlowConsumer ReadPolicy(PropertyReader& reader) {
    const std::string policy = reader.Choice("slowConsumer", kPolicies, kPolicies[0]);
    for (size_t i = 0; i < kPolicies.size(); ++i) {
        if (policy == kPolicies[i]) {
            return static_cast<ws::SlowConsumer>(i);  // the order of the enumeration
        }
    }
    return ws::SlowConsumer::kDropOldest;
}
static_assert(static_cast<int>(ws::SlowConsumer::kDropOldest) == 0 &&
              static_cast<int>(ws::SlowConsumer::kDropNewest) == 1 &&
              static_cast<int>(ws::SlowConsumer::kConflate) == 2 &&
              static_cast<int>(ws::SlowConsumer::kDisconnect) == 3 &&
              static_cast<int>(ws::SlowConsumer::kBlock) == 4);

// permessageDeflate: true, or an object that tunes it (and means true unless it says otherwise).
void ReadDeflate(PropertyReader& reader, WebSocketConfig& config) {
    constexpr std::string_view kName = "permessageDeflate";
    ws::DeflateTuning tuning;
    bool enabled = false;
    const config::Node* value = reader.Any(kName);
    if (value == nullptr || !value->is_object()) {
        enabled = reader.Bool(kName, false);
    } else {
        PropertyReader inner(*value, fmt::format("property {}", kName));
        enabled = inner.Bool("enabled", true);
        tuning.threshold = static_cast<size_t>(inner.IntInRange("threshold", 256, 0, 1LL << 31));
        tuning.level = static_cast<int>(inner.IntInRange("level", 6, 1, 9));
        tuning.window_bits = static_cast<uint8_t>(inner.IntInRange("windowBits", 15, 8, 15));
        if (auto good = inner.status(); !good) {
            reader.Refuse(std::move(good.error()));
        }
        for (const auto& [name, member] : value->object()) {
            constexpr std::array<std::string_view, 4> kKnown = {"enabled", "threshold", "level",
                                                                "windowBits"};
            if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
                config.warnings.push_back(
                    fmt::format("{}: unknown property {}.{} has no effect", reader.what(), kName, name));
            }
        }
    }
    config.endpoint.permessage_deflate = config.target.deflate.enabled = enabled;
    config.endpoint.deflate = config.behaviour.deflate = tuning;
    config.target.deflate.client_max_window_bits = tuning.window_bits;
}

void ReadProxy(PropertyReader& reader, WebSocketConfig& config) {
    const std::string text = reader.String("proxy");
    if (text.empty()) {
        return;
    }
    if (!config.client_role) {
        config.warnings.push_back(
            fmt::format("{}: property proxy has no effect without addr", reader.what()));
        return;
    }
    auto proxy = ws::ParseProxy(text);
    if (!proxy) {
        reader.Refuse(Errorf("property proxy is \"{}\": {}", MaskUserInfo(text), proxy.error().message));
        return;
    }
    config.target.proxy = std::move(*proxy);
}

void ReadConnectionSettings(PropertyReader& reader, WebSocketConfig& config) {
    ws::ClientBehaviour& client = config.behaviour;
    ws::EndpointSettings& endpoint = config.endpoint;
    client.connect_timeout_ms = ReadDuration(reader, "connectTimeout", client.connect_timeout_ms, 1);
    client.reconnect.initial_ms =
        ReadDuration(reader, "reconnectInitialDelay", client.reconnect.initial_ms, 1);
    client.reconnect.max_ms = ReadDuration(reader, "reconnectMaxDelay", client.reconnect.max_ms, 1);
    if (client.reconnect.initial_ms > client.reconnect.max_ms) {
        config.warnings.push_back(fmt::format(
            "{}: reconnectInitialDelay is {} ms, longer than reconnectMaxDelay with {} ms, which counts",
            reader.what(), client.reconnect.initial_ms, client.reconnect.max_ms));
    }
    if (const config::Node* multiplier = reader.Any("reconnectMultiplier")) {
        if (!multiplier->is_number() || multiplier->as_double() < 1 || multiplier->as_double() > 100) {
            reader.Refuse(Errorf("property reconnectMultiplier is {}, but has to be a number from 1 to 100",
                                 config::ToJson(*multiplier)));
        } else {
            client.reconnect.multiplier = multiplier->as_double();
        }
    }
    client.ping_interval_ms = endpoint.ping_interval_ms =
        ReadDuration(reader, "pingInterval", client.ping_interval_ms, 0);
    client.pong_timeout_ms = endpoint.pong_timeout_ms =
        ReadDuration(reader, "pongTimeout", client.pong_timeout_ms, 0);
    client.write_timeout_ms = ReadDuration(reader, "writeTimeout", client.write_timeout_ms, 0);
    client.close_timeout_ms = endpoint.close_timeout_ms =
        ReadDuration(reader, "closeTimeout", client.close_timeout_ms, 0);
    const int64_t max_message = reader.IntInRange("maxMessageBytes", 16 << 20, 1, 1LL << 31);
    client.max_message_bytes = endpoint.max_message_bytes = static_cast<uint64_t>(max_message);
    const int64_t backlog_bytes = reader.IntInRange("backlogBytes", 16 << 20, 1, 1LL << 40);
    const int64_t backlog_messages = reader.IntInRange("backlogMessages", 65'536, 1, 100'000'000);
    endpoint.backlog = {static_cast<uint64_t>(backlog_messages), static_cast<uint64_t>(backlog_bytes)};
    client.backlog_bytes = static_cast<size_t>(backlog_bytes);
    client.backlog_messages =
        static_cast<size_t>(reader.IntInRange("bufferLength", backlog_messages, 1, 100'000'000));
    endpoint.max_clients = static_cast<size_t>(reader.IntInRange("maxClients", 10'000, 1, 10'000'000));
    endpoint.block_timeout_ms = ReadDuration(reader, "blockTimeout", endpoint.block_timeout_ms, 1);
    endpoint.max_fragments = client.max_fragments =
        static_cast<uint64_t>(reader.IntInRange("maxFragments", 131'072, 1, 1LL << 40));
    endpoint.max_control_frames_per_second =
        static_cast<uint32_t>(reader.IntInRange("maxControlFramesPerSecond", 1'000, 1, 10'000'000));
    ReadDeflate(reader, config);
    endpoint.subprotocols = reader.Strings("subprotocols");
    if (auto checked = ws::CheckSubprotocols(endpoint.subprotocols); !checked) {
        reader.Refuse(Errorf("property subprotocols: {}", checked.error().message));
    }
    config.target.subprotocols = endpoint.subprotocols;
    endpoint.metadata_headers = reader.Strings("metadataHeaders");
    config.slow_consumer = endpoint.slow_consumer = ReadPolicy(reader);
}

// The first words alone are what users and tools look for, and all there is to say of a path that is missing.
Error PathError(const WebSocketConfig& config, std::string_view property) {
    const std::string given = config.path.empty() ? ""
                                                  : fmt::format(": {0} is \"{1}\", write \"/{1}\"", property,
                                                                connect::WithoutQuery(config.path));
    return Errorf("websocket endpoint should start with /{}{}", given,
                  config.client_role ? " (eKuiper 1.x let the path of a client go without)" : "");
}

// What the properties say of a remote has to make a request that no server takes for another one, also where
// it is not sent.
void CheckTarget(PropertyReader& reader, const WebSocketConfig& config) {
    ws::ClientTarget sample = config.target;
    sample.host = config.client_role ? sample.host : "localhost";
    // Values of templates are checked with each message, what stands around them now.
    for (const DynamicProperty& property : config.dynamic) {
        (property.header ? sample.headers[*property.header].second : sample.path) = "/";
    }
    if (auto checked = ws::Client::Check(sample); !checked) {
        reader.Refuse(std::move(checked.error()));
    }
}

void ReadTarget(PropertyReader& reader, const std::string& addr, WebSocketConfig& config) {
    auto host = ws::ParseHostPort(addr, config.target.tls ? 443 : 80);
    if (!host) {
        reader.Refuse(Errorf("property addr: {}", host.error().message));
        return;
    }
    config.target.host = std::move(host->host);
    config.target.port = host->port;
    config.target.path = config.path;
    CheckTarget(reader, config);
}

}  // namespace

std::span<const connect::PropertyDoc> WebSocketPropertyDocs() { return kDocs; }

bool IsClientRole(const config::Node& props) {
    for (const char* name : {"addr", "address"}) {
        const config::Node* value = props.FindNoCase(name);
        if (value != nullptr && !(value->is_string() && value->as_string().empty())) {
            return true;
        }
    }
    return false;
}

Result<WebSocketConfig> ReadWebSocketConfig(const config::Node& props, const std::string& datasource,
                                            const std::string& what, Templates templates) {
    HAUMEA_TRY_VOID(connect::CheckNames(props, what));
    PropertyReader reader(props, what);
    WebSocketConfig config;
    config.path = datasource.empty() ? reader.Aliased("path", "datasource") : datasource;
    const std::string addr = reader.Aliased("addr", "address");
    config.client_role = !addr.empty();
    HAUMEA_TRY_VOID(reader.status());
    const bool dynamic_path = text_template::IsTemplate(config.path);
    if (!config.path.starts_with('/') && !config.path.starts_with("{{")) {
        const bool is_path = datasource.empty() && !reader.String("path").empty();
        return Fail(PathError(config, is_path || config.path.empty() ? "path" : "datasource"));
    }
    if (dynamic_path) {
        config.dynamic.push_back({"path", config.path, std::nullopt});
    }
    config.check_connection = reader.Bool("checkConnection", false);
    config.subscribe_messages = reader.Strings("subscribeMessages");
    if (!config.subscribe_messages.empty() && (!config.client_role || !what.starts_with("source"))) {
        config.warnings.push_back(
            fmt::format("{}: subscribeMessages has an effect only for a source with addr", what));
    }
    const std::string type = reader.Choice("messageType", kMessageTypes, kMessageTypes[0]);
    config.message_type = type == "text"     ? MessageType::kText
                          : type == "binary" ? MessageType::kBinary
                                             : MessageType::kAuto;
    RefuseTemplates(reader, props);
    ReadTls(reader, config);
    WarnOfOthers(reader, config);
    ReadHeaders(reader, config);
    CheckDynamic(reader, config, templates);
    ReadProxy(reader, config);
    ReadConnectionSettings(reader, config);
    config.max_dynamic_targets = static_cast<size_t>(reader.IntInRange("maxDynamicTargets", 64, 1, 4096));
    config.dynamic_target_idle_ms =
        ReadDuration(reader, "dynamicTargetIdle", config.dynamic_target_idle_ms, 1);
    HAUMEA_TRY_VOID(reader.status());
    if (config.client_role) {
        ReadTarget(reader, addr, config);
    } else if (const std::string problem = dynamic_path ? "" : ws::CheckEndpointPath(config.path);
               !problem.empty()) {
        reader.Refuse(Errorf("property path is \"{}\": {}", connect::WithoutQuery(config.path), problem));
    } else {
        CheckTarget(reader, config);
    }
    HAUMEA_TRY_VOID(reader.status());
    return config;
}

namespace {

// What is wrong with the value of a template, empty when nothing is.
std::string Problem(std::string_view value, const DynamicProperty& property, bool client_role) {
    constexpr size_t kMaxBytes = 4096;
    if (value.size() > kMaxBytes) {
        return fmt::format("it has {} bytes, more than {}", value.size(), kMaxBytes);
    }
    const bool is_path = !property.header;
    for (size_t at = 0; at < value.size(); ++at) {
        const auto byte = static_cast<unsigned char>(value[at]);
        if (byte < ' ' || byte == 0x7f || (is_path && byte == ' ')) {
            return byte == ' ' ? fmt::format("it has a space at byte {}: use urlquery or replace", at)
                               : fmt::format("it has the control character 0x{:02x} at byte {}", byte, at);
        }
    }
    if (value.find("<no value>") != std::string_view::npos) {
        return "a field that the template names is missing or null in the message";
    }
    if (is_path && !value.starts_with('/')) {
        return "websocket endpoint should start with /";
    }
    if (is_path && !client_role && value.find_first_of("{}") != std::string_view::npos) {
        return "it has braces, which would serve more than one path";
    }
    return "";
}

// "names" of what may be a secret are enough.
std::string ShownValue(std::string_view value, const DynamicProperty& property) {
    if (property.header) {
        return "not shown";
    }
    constexpr size_t kShown = 120;
    std::string text = "\"";
    for (const char c : value.substr(0, kShown)) {
        const auto byte = static_cast<unsigned char>(c);
        text += byte < ' ' || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
    return text + (value.size() > kShown ? "...\"" : "\"");
}

}  // namespace

Result<WebSocketConfig> WithValues(const WebSocketConfig& config, std::span<const std::string_view> values) {
    WebSocketConfig filled = config;
    const auto fail = [](const DynamicProperty& property, std::string_view value, std::string_view problem) {
        return Failf("property {}: the value of its template is {}: {}", property.name,
                     ShownValue(value, property), problem);
    };
    for (size_t i = 0; i < config.dynamic.size(); ++i) {
        const DynamicProperty& property = config.dynamic[i];
        if (const std::string problem = Problem(values[i], property, config.client_role); !problem.empty()) {
            return fail(property, values[i], problem);
        }
        if (property.header) {
            filled.target.headers[*property.header].second = values[i];
        } else {
            filled.path = filled.target.path = values[i];
        }
    }
    filled.dynamic.clear();
    const DynamicProperty& first = config.dynamic.front();
    if (config.client_role) {
        if (auto checked = ws::Client::Check(filled.target); !checked) {
            return fail(first, values.front(), checked.error().message);
        }
    } else if (const std::string problem = ws::CheckEndpointPath(filled.path); !problem.empty()) {
        return fail(first, values.front(), problem);
    }
    return filled;
}

}  // namespace haumea::connectors
