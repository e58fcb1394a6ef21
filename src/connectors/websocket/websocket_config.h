#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "connect/properties.h"
#include "ws/client_settings.h"
#include "ws/endpoint.h"

namespace haumea::connectors {

enum class MessageType : uint8_t { kAuto, kText, kBinary };

// A property whose text is a template: its value comes with every message.
struct DynamicProperty {
    std::string name;  // "path", "requestHeader.X-Device"
    std::string text;
    std::optional<size_t> header;  // index in target.headers; empty: the path
};

// The properties of a websocket source or sink, read and checked.
struct WebSocketConfig {
    bool client_role = false;
    std::string path;
    // Client role.
    ws::ClientTarget target;
    ws::ClientBehaviour behaviour;
    // Server role.
    ws::EndpointSettings endpoint;

    ws::SlowConsumer slow_consumer = ws::SlowConsumer::kDropOldest;
    MessageType message_type = MessageType::kAuto;
    bool check_connection = false;
    // Source in client role: sent after every handshake, before anything else of this source.
    std::vector<std::string> subscribe_messages;
    // Sinks only. Then `path` and the headers in question are the templates.
    std::vector<DynamicProperty> dynamic;
    size_t max_dynamic_targets = 64;
    int64_t dynamic_target_idle_ms = 300'000;
    std::vector<std::string> warnings;
};

std::span<const connect::PropertyDoc> WebSocketPropertyDocs();

// Do these properties dial a remote (`addr` or `address` is given)?
bool IsClientRole(const config::Node& props);

// May path and header values be templates?
enum class Templates : uint8_t { kRefused, kAllowed };

// Checks everything that can be checked without a connection: certificates are read. `what` stands in front
// of errors and warnings ("sink websocket"); `datasource` is the stream's, empty for sinks.
Result<WebSocketConfig> ReadWebSocketConfig(const config::Node& props, const std::string& datasource,
                                            const std::string& what,
                                            Templates templates = Templates::kRefused);

// The configuration with `values` (one per config.dynamic) in the place of the templates, checked as if they
// had been written there; the error names the property and, unless it may be a secret, the value.
Result<WebSocketConfig> WithValues(const WebSocketConfig& config, std::span<const std::string_view> values);

}  // namespace haumea::connectors
