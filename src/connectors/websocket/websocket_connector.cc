#include "connectors/websocket/websocket_connector.h"

#include "connectors/websocket/websocket_config.h"
#include "connectors/websocket/websocket_sink.h"
#include "connectors/websocket/websocket_source.h"

namespace haumea::connectors {

void RegisterWebSocket(connect::Registry& registry) {
    connect::SinkDescriptor sink;
    sink.type = "websocket";
    sink.doc = "Publishes results to a WebSocket path that is served, or to a remote server.";
    sink.make_message_sink = MakeWebSocketSink;
    sink.redirect = RedirectWebSocketSink;
    sink.dynamic_properties = [](const config::Node& props) {
        std::vector<std::string> names{"path", "datasource"};
        if (IsClientRole(props)) {  // clients that connect to us send their own headers
            names.emplace_back("requestHeader");
        }
        return names;
    };
    sink.properties = WebSocketPropertyDocs();
    registry.Add(std::move(sink));
    registry.Add(connect::SourceDescriptor{
        "websocket", "Reads messages that come in on a served WebSocket path, or from a remote server.",
        MakeWebSocketSource, WebSocketPropertyDocs()});
}

}  // namespace haumea::connectors
