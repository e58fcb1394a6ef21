#include "engine/connector_factory.h"

#include <utility>

#include "config/node.h"
#include "connect/common_properties.h"
#include "connect/properties.h"
#include "connect/shared_source.h"
#include "connectors/websocket/websocket_check.h"
#include "rule/connections_secrets.h"

namespace haumea::engine {
namespace {

constexpr std::string_view kWebSocket = "websocket";
constexpr std::string_view kFile = "file";
constexpr std::string_view kSelector = "connectionSelector";

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return out;
}

// Members of `upper` replace those of `lower` with the same name, whatever its case.
void Overlay(config::Node& lower, const config::Node& upper) {
    if (!upper.is_object()) {
        return;
    }
    for (const auto& [key, value] : upper.object()) {
        std::erase_if(lower.object(),
                      [&key = key](const auto& member) { return Lower(member.first) == Lower(key); });
        lower.Set(key, value);
    }
}

// Empty when there is none.
std::string SelectorIn(const config::Node& props) {
    const config::Node* selector = props.FindNoCase(kSelector);
    return selector != nullptr && selector->is_string() ? selector->as_string() : "";
}

// What the block `sink:` of the configuration says of caches, as properties.
config::Node CacheDefaults(const config::SinkSettings& sink) {
    config::Node props = config::Node::MakeObject();
    const config::SinkSettings standard;
    const auto set = [&props](const char* name, const auto& value, const auto& usual) {
        if (value != usual) {
            props.Set(name, value);
        }
    };
    set("enableCache", sink.enable_cache, standard.enable_cache);
    set("memoryCacheThreshold", sink.memory_cache_threshold, standard.memory_cache_threshold);
    set("maxDiskCache", sink.max_disk_cache, standard.max_disk_cache);
    set("bufferPageSize", sink.buffer_page_size, standard.buffer_page_size);
    set("resendInterval", sink.resend_interval.value, standard.resend_interval.value);
    set("cleanCacheAtStop", sink.clean_cache_at_stop, standard.clean_cache_at_stop);
    set("resendAlterQueue", sink.resend_alter_queue, standard.resend_alter_queue);
    set("resendPriority", sink.resend_priority, standard.resend_priority);
    set("resendIndicatorField", sink.resend_indicator_field, standard.resend_indicator_field);
    set("resendDestination", sink.resend_destination, standard.resend_destination);
    return props;
}

}  // namespace

Result<config::Node> ConnectorFactory::Complete(const config::Node& props,
                                                std::vector<std::string>* notes) const {
    if (const config::Node* given = props.FindNoCase(kSelector);
        given != nullptr && !given->is_string() && !given->is_null()) {
        return Fail(
            Errorf(ErrorCode::kExecutor,
                   "property connectionSelector is {} (type {}), but the name of a connection in quotes "
                   "is needed",
                   config::ToJson(*given), given->kind_name()));
    }
    const std::string selector = SelectorIn(props);
    if (selector.empty()) {
        return props;
    }
    const auto selected = connections_.Select(selector);
    if (!selected) {
        return Fail(
            Errorf(ErrorCode::kExecutor,
                   "property connectionSelector: {}: create it with POST /connections, or name one of "
                   "etc/connections/connection.yaml as websocket.<name>",
                   selected.error().message));
    }
    const config::Node& connection = *selected;
    std::vector<std::string> hidden;
    config::Node merged =
        connectors::UseConnection(rule::UnmaskSecrets(props, connection), connection, &hidden);
    if (notes != nullptr && !hidden.empty()) {
        std::string names;
        for (const std::string& name : hidden) {
            names += (names.empty() ? "" : ", ") + name;
        }
        notes->push_back(fmt::format(
            "connectionSelector: {} has no effect, what connection {} says of the connection counts", names,
            selector));
    }
    return merged;
}

Result<config::Node> ConnectorFactory::CompleteAction(const std::string& type, const config::Node& given,
                                                      std::vector<std::string>* notes) const {
    HAUMEA_TRY(const config::Node props, SinkProperties(type, given));
    return type == kWebSocket ? Complete(props, notes) : Result<config::Node>(props);
}

Result<void> ConnectorFactory::CheckConnection(const std::string& user, const std::string& what,
                                               const config::Node& props,
                                               const std::string& datasource) const {
    const config::Node* wanted = props.FindNoCase("checkConnection");
    if (wanted == nullptr || !wanted->is_bool() || !wanted->as_bool()) {
        return {};
    }
    HAUMEA_TRY(const connectors::WebSocketConfig config,
               connectors::ReadWebSocketConfig(props, datasource, what));
    return connectivity_.Require(user, config);
}

std::vector<std::string> ConnectorFactory::SelectorsOf(const config::Node& action) const {
    std::vector<std::string> selectors;
    if (!action.is_object()) {
        return selectors;
    }
    for (const auto& [type, given] : action.object()) {
        const auto props = SinkProperties(type, given);
        if (std::string selector = props ? SelectorIn(*props) : ""; !selector.empty()) {
            selectors.push_back(std::move(selector));
        }
    }
    return selectors;
}

std::vector<std::string> ConnectorFactory::SelectorsOf(const sql::StreamDef& stream) const {
    const auto props = SourceProperties(stream, Lower(stream.options.type));
    std::string selector = props ? SelectorIn(*props) : "";
    return selector.empty() ? std::vector<std::string>() : std::vector<std::string>{std::move(selector)};
}

Result<config::Node> ConnectorFactory::SourceProperties(const sql::StreamDef& stream,
                                                        const std::string& type) const {
    config::Node props = conf_keys_.Properties(rule::ConfKeys::Kind::kSource, type, stream.options.conf_key);
    if (!props.is_object()) {
        props = config::Node::MakeObject();
    }
    if (!stream.options.extra.empty()) {
        HAUMEA_TRY(const config::Node extra, config::ParseJson(stream.options.extra));
        Overlay(props, extra);
    }
    // The statement's own options always win, also when they are empty.
    config::Node own = config::Node::MakeObject();
    own.Set("datasource", stream.options.datasource);
    own.Set("format", stream.options.format.empty() ? "json" : Lower(stream.options.format));
    own.Set("key", stream.options.key);
    own.Set("delimiter", stream.options.delimiter);
    Overlay(props, own);
    return props;
}

Result<connect::DecodeProperties> ConnectorFactory::DecodePropertiesOf(const sql::StreamDef& stream) {
    const std::string type = Lower(stream.options.type);
    HAUMEA_TRY(const config::Node props, SourceProperties(stream, type));
    auto decode = connect::ReadDecodeProperties(props, "stream " + stream.name);
    if (!decode) {
        return Fail(std::move(decode.error()).WithCode(ErrorCode::kExecutor));
    }
    if (type == kFile) {
        decode->decompression.clear();  // the source reads the file through it
    }
    if (const connect::SourceDescriptor* source = registry_.FindSource(type)) {
        connect::WarnUnknown(
            props, fmt::format("source {}", type),
            {connect::DecodePropertyDocs(), connect::CommonSourcePropertyDocs(), source->properties},
            decode->warnings);
    }
    if (const std::string& key = stream.options.conf_key; !key.empty() && Lower(key) != "default") {
        bool found = true;
        static_cast<void>(conf_keys_.Properties(rule::ConfKeys::Kind::kSource, type, key, &found));
        if (!found) {
            decode->warnings.push_back(fmt::format(
                "stream {}: CONF_KEY \"{}\" is no group of etc/sources/{}.yaml, nor of those put to "
                "/metadata/sources/{}/confKeys: the default properties hold",
                stream.name, key, type, type));
        }
    }
    if (type == kWebSocket) {
        HAUMEA_TRY(const config::Node complete, Complete(props));
        const auto config = connectors::ReadWebSocketConfig(
            complete, SelectorIn(props).empty() ? stream.options.datasource : "", "source websocket");
        if (config) {
            decode->warnings.insert(decode->warnings.end(), config->warnings.begin(), config->warnings.end());
        }
    }
    return decode;
}

Result<std::unique_ptr<connect::Source>> ConnectorFactory::MakeSource(const sql::StreamDef& stream,
                                                                      const std::string& rule_id) {
    const bool table = stream.kind == sql::StreamKind::kTable;
    const std::string type =
        stream.options.type.empty() ? (table ? "file" : "mqtt") : Lower(stream.options.type);
    const connect::SourceDescriptor* descriptor = registry_.FindSource(type);
    if (descriptor == nullptr) {
        return Fail(Errorf(ErrorCode::kExecutor, "source type {} not found", type));
    }
    connect::SourceSpec spec;
    spec.rule_id = rule_id;
    spec.stream = stream.name;
    spec.type = type;
    spec.datasource = stream.options.datasource;
    spec.format = stream.options.format.empty() ? "json" : Lower(stream.options.format);
    HAUMEA_TRY(spec.props, SourceProperties(stream, type));
    if (type == kWebSocket && !SelectorIn(spec.props).empty()) {
        HAUMEA_TRY(spec.props, Complete(spec.props));
        spec.datasource.clear();  // the connection's path, or else the stream's, is among the properties
    }
    auto source = descriptor->make(spec, services_);
    if (!source) {
        return Fail(std::move(source.error()).WithCode(ErrorCode::kExecutor));
    }
    if (type == kWebSocket) {
        HAUMEA_TRY_VOID(CheckConnection(fmt::format("{} {}", rule_id, stream.name), "source websocket",
                                        spec.props, spec.datasource));
    }
    // A topic is shared as it is: every rule has its own place there, and the bus sees who waits for whom.
    const bool shared = stream.options.shared && type != "memory";
    if (!shared || services_.shared_sources == nullptr) {
        return source;
    }
    // What was made above proved that it can be made; the first rule that starts makes the one that runs.
    spec.rule_id = "$$shared_" + stream.name;
    return services_.shared_sources->Join(
        stream.name, [descriptor, spec, services = &services_] { return descriptor->make(spec, *services); });
}

Result<std::shared_ptr<connect::Unpacker>> ConnectorFactory::UnpackerFor(
    const sql::StreamDef& stream, const connect::DecodeProperties& decode) {
    using connect::Unpacker;
    if (!stream.options.shared || services_.shared_sources == nullptr) {
        return Unpacker::Make(decode, Unpacker::Shared::kNo);
    }
    std::erase_if(unpackers_, [](const auto& entry) { return entry.second.expired(); });
    auto& known =
        unpackers_[fmt::format("{} {} {}", stream.name, decode.decompression, decode.max_decompressed_bytes)];
    if (auto running = known.lock()) {
        return running;
    }
    HAUMEA_TRY(auto made, Unpacker::Make(decode, Unpacker::Shared::kYes));
    known = made;
    return made;
}

Result<config::Node> ConnectorFactory::SinkProperties(const std::string& type,
                                                      const config::Node& given) const {
    if (auto good = connect::CheckNames(given, fmt::format("sink {}", type)); !good) {
        return Fail(std::move(good.error()).WithCode(ErrorCode::kExecutor));
    }
    config::Node props = CacheDefaults(sink_settings_);
    const config::Node* resource = given.FindNoCase("resourceId");
    if (resource != nullptr && resource->is_string()) {
        bool found = true;
        const config::Node base =
            conf_keys_.Properties(rule::ConfKeys::Kind::kSink, type, resource->as_string(), &found);
        if (!found) {
            return Fail(
                Errorf(ErrorCode::kExecutor,
                       "sink {}: resourceId \"{}\" is no group of etc/sinks/{}.yaml, nor of those put to "
                       "/metadata/sinks/{}/confKeys",
                       type, resource->as_string(), type, type));
        }
        Overlay(props, base);
    }
    Overlay(props, rule::UnmaskSecrets(given, props));
    return props;
}

Result<std::vector<std::unique_ptr<connect::Action>>> ConnectorFactory::MakeActions(
    const config::Node& action, int index, const std::string& rule_id, const exec::RuleOptions& options) {
    std::vector<std::unique_ptr<connect::Action>> actions;
    if (!action.is_object()) {
        return Fail(Errorf(ErrorCode::kExecutor,
                           "action {} is a {}, expected an object such as {{\"websocket\":{{...}}}}", index,
                           action.kind_name()));
    }
    connect::ActionOptions action_options;
    action_options.send_error = options.send_error;
    action_options.buffer_length = options.buffer_length;
    action_options.disable_buffer_full_discard = options.disable_buffer_full_discard;
    action_options.send_nil_field = options.send_nil_field;
    for (const auto& [type, given] : action.object()) {
        if (registry_.FindSink(type) == nullptr) {
            return Fail(Errorf(ErrorCode::kExecutor, "sink {} is not defined", type));
        }
        if (!given.is_object() && !given.is_null()) {
            return Fail(Errorf(ErrorCode::kExecutor,
                               "expect map[string]interface{{}} type for the action properties, but found {}",
                               config::ToJson(given)));
        }
        connect::SinkSpec spec;
        spec.rule_id = rule_id;
        spec.type = type;
        spec.index = index;
        HAUMEA_TRY(spec.props, CompleteAction(type, given, &spec.notes));
        HAUMEA_TRY(auto made, connect::MakeAction(registry_, spec, action_options, services_));
        if (type == kWebSocket) {
            HAUMEA_TRY_VOID(
                CheckConnection(fmt::format("{} {}", rule_id, index), "sink websocket", spec.props, ""));
        }
        actions.push_back(std::move(made));
    }
    return actions;
}

}  // namespace haumea::engine
