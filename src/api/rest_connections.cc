#include <charconv>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"
#include "sql/parser.h"

namespace haumea::api {
namespace {

using config::Node;
using http::Request;
using http::Response;
using rule::Connections;

constexpr std::string_view kInvalidBody = "Invalid body";

// The members of a body that defines a connection.
struct Definition {
    std::string id;
    std::string type;
    Node props = Node::MakeObject();
};

Result<Definition> ReadDefinition(const Request& request) {
    HAUMEA_TRY(const Node body, rule::ParseBody(request.body, rule::JsonInput::kStream));
    if (!body.is_object()) {
        return Failf("json: cannot unmarshal {} into Go value of type server.ConnectionRequest",
                     rule::ObjectReader::KindOf(body));
    }
    Definition definition;
    std::string error;
    rule::ObjectReader reader(body, "ConnectionRequest", error);
    reader.Read("id", definition.id);
    reader.Read("typ", definition.type);
    const Node* props = reader.ReadObject("props", "map[string]interface {}");
    if (!error.empty()) {
        return Fail(Error(std::move(error)));
    }
    if (props != nullptr) {
        definition.props = *props;
    }
    return definition;
}

Response Create(Connections& connections, const Request& request) {
    auto definition = ReadDefinition(request);
    if (!definition) {
        return Failure(definition.error(), kInvalidBody);
    }
    if (const auto valid = sql::CheckIdentifier(definition->id); !valid) {
        return Failure(valid.error());
    }
    const auto created = connections.Create(definition->id, definition->type, std::move(definition->props));
    return created ? WithWarnings(Text(201, "success"), *created)
                   : Failure(created.error(), "create connection failed");
}

Response Get(const Connections& connections, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    const auto node = connections.Describe(*id);
    return node ? Json(*node) : Failure(node.error());
}

Response Put(Connections& connections, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    auto definition = ReadDefinition(request);
    if (!definition) {
        return Failure(definition.error(), kInvalidBody);
    }
    const auto updated = connections.Update(*id, definition->type, std::move(definition->props));
    return updated ? WithWarnings(Text(200, "success"), *updated)
                   : Failure(updated.error(), "update connection failed");
}

Response Delete(Connections& connections, const Request& request) {
    const auto id = PathId(request);
    if (!id) {
        return Failure(id.error());
    }
    const auto deleted = connections.Delete(*id);
    return deleted ? Text(200, "success") : Failure(deleted.error(), "drop connection failed");
}

// The path of ?endpoint=, or of the body {"endpoint": "/x"}.
Result<std::string> EndpointOf(const Request& request) {
    std::string path = request.Query("endpoint");
    if (path.empty() && !request.body.empty()) {
        HAUMEA_TRY(path, BodyText(request, "endpoint", "EndpointRequest"));
    }
    if (path.empty()) {
        return Failf("endpoint should be defined");
    }
    if (!path.starts_with('/')) {
        return Failf("websocket endpoint should start with /: endpoint is \"{}\"", path);
    }
    return path;
}

template <typename Answer>
http::Handler OnEndpoint(const Answer& answer) {
    return [answer](const Request& request) {
        const auto path = EndpointOf(request);
        return path ? answer(*path, request) : Failure(path.error(), kInvalidBody);
    };
}

Response EmptyOr(const Result<void>& result) { return result ? Empty() : Failure(result.error()); }

Response Clients(const Connections& connections, const std::string& path) {
    const auto clients = connections.ClientsOf(path);
    return clients ? Json(*clients) : Failure(clients.error());
}

Response Kick(Connections& connections, const std::string& path, const Request& request) {
    const std::string& text = request.Variable("client");
    uint64_t client = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), client);
    if (problem != std::errc() || end != text.data() + text.size()) {
        return Failure(Errorf("client \"{}\" is no number: take the id from the list of clients", text));
    }
    return EmptyOr(connections.Kick(path, client));
}

// Clients of what the connection {id} serves: a named one, or one that the list calls "$$ws/<path>".
template <typename Answer>
http::Handler OnServedPath(const Connections& connections, const Answer& answer) {
    return [&connections, answer](const Request& request) {
        const std::string& given = request.Variable("id");
        const auto id = given.starts_with("$$") ? Result<std::string>(given) : PathId(request);
        const auto path = id ? connections.ServedPath(*id) : Result<std::string>(Fail(id.error()));
        return path ? answer(*path, request) : Failure(path.error());
    };
}

}  // namespace

void AddConnectionRoutes(http::Router& router, const Services& services) {
    if (services.connections == nullptr) {
        return;
    }
    Connections& connections = *services.connections;
    constexpr std::string_view kEndpoint = "/connection/websocket";
    router.Add("POST", kEndpoint, OnEndpoint([&connections](const std::string& path, const Request&) {
                   return EmptyOr(connections.AddEndpoint(path));
               }));
    router.Add("DELETE", kEndpoint, OnEndpoint([&connections](const std::string& path, const Request&) {
                   return EmptyOr(connections.RemoveEndpoint(path));
               }));
    router.Add("GET", kEndpoint, OnEndpoint([&connections](const std::string& path, const Request&) {
                   return Json(Node(connections.IsServed(path)));
               }));
    const auto clients = [&connections](const std::string& path, const Request&) {
        return Clients(connections, path);
    };
    const auto kick = [&connections](const std::string& path, const Request& request) {
        return Kick(connections, path, request);
    };
    router.Add("GET", "/connection/websocket/server",
               [&connections](const Request&) { return Json(connections.DataServer()); });
    router.Add("GET", "/connection/websocket/clients", OnEndpoint(clients));
    router.Add("DELETE", "/connection/websocket/clients/{client}", OnEndpoint(kick));
    router.AddEncoded("GET", "/connections/{id}/clients", OnServedPath(connections, clients));
    router.AddEncoded("DELETE", "/connections/{id}/clients/{client}", OnServedPath(connections, kick));

    router.Add("POST", "/connections",
               [&connections](const Request& request) { return Create(connections, request); });
    router.Add("GET", "/connections", [&connections](const Request& request) {
        const std::string all = request.Query("forceAll");
        return JsonAsText(config::ToJson(connections.List(all == "true" || all == "1")));
    });
    router.Add("GET", "/connections/{id}",
               [&connections](const Request& request) { return Get(connections, request); });
    router.Add("PUT", "/connections/{id}",
               [&connections](const Request& request) { return Put(connections, request); });
    router.Add("DELETE", "/connections/{id}",
               [&connections](const Request& request) { return Delete(connections, request); });
}

}  // namespace haumea::api
