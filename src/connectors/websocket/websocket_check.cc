#include "connectors/websocket/websocket_check.h"

#include <algorithm>
#include <array>

namespace haumea::connectors {
namespace {

constexpr std::array<std::string_view, 6> kOfMessages = {
    "messageType", "checkConnection", "path", "datasource", "maxDynamicTargets", "dynamicTargetIdle"};

std::string Lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return lower;
}

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view candidate) { return Lower(candidate) == Lower(name); });
}

}  // namespace

Result<void> CheckEndpointConnected(const WebSocketConfig& config, const ws::Server& server) {
    const ws::Endpoint* endpoint = server.Find(config.path);
    if (endpoint == nullptr) {
        return Fail(Errorf(ErrorCode::kIo, "websocket has no endpoint {}", config.path));
    }
    if (endpoint->client_count() == 0) {
        return Fail(Errorf(ErrorCode::kIo, "websocket endpoint {} has no connection", config.path));
    }
    return {};
}

config::Node UseConnection(const config::Node& props, const config::Node& connection,
                           std::vector<std::string>* hidden) {
    constexpr std::array<std::string_view, 2> kPaths = {"path", "datasource"};
    const bool has_path =
        connection.FindNoCase("path") != nullptr || connection.FindNoCase("datasource") != nullptr;
    config::Node merged = config::Node::MakeObject();
    for (const auto& [name, value] : props.object()) {
        const bool of_connection =
            connect::IsIn(WebSocketPropertyDocs(), name) && !IsOneOf(name, kOfMessages);
        const bool replaced = has_path && IsOneOf(name, kPaths);
        const config::Node* other = connection.FindNoCase(name);
        if (!of_connection && !replaced && other == nullptr) {
            merged.Set(name, value);
            continue;
        }
        const bool empty = value.is_null() || (value.is_string() && value.as_string().empty());
        if (hidden != nullptr && !empty &&
            (other == nullptr || config::ToJson(*other) != config::ToJson(value))) {
            hidden->push_back(name);
        }
    }
    for (const auto& [name, value] : connection.object()) {
        merged.Set(name, value);
    }
    return merged;
}

}  // namespace haumea::connectors
