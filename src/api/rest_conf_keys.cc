#include <fmt/format.h>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"

namespace haumea::api {
namespace {

using config::Node;
using http::Request;
using http::Response;
using Kind = rule::ConfKeys::Kind;

// One of the two kinds of connectors.
class ConfKeyHandlers {
  public:
    ConfKeyHandlers(const Services& services, Kind kind)
        : keys_(services.conf_keys), is_connector_(services.is_connector), kind_(kind) {}

    Response Groups(const Request& request) const {
        const std::string& type = request.Variable("type");
        const auto groups = keys_->Groups(kind_, type);
        if (!groups && !(is_connector_ && is_connector_(role(), type))) {
            return Failure(Errorf(ErrorCode::kConfig, "This plugin was not found:{}.{}", word(), type));
        }
        return Json(groups.value_or(Node::MakeObject()));
    }

    Response Put(const Request& request) const {
        const std::string& type = request.Variable("type");
        const auto body = rule::ParseBody(request.body);
        if (!body || !body->is_object()) {
            const std::string reason =
                body
                    ? fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                                  rule::ObjectReader::KindOf(*body))
                    : body.error().message;
            return Failure(Errorf(ErrorCode::kConfig, "Type conversion failed:{}.{}", type, reason));
        }
        const auto put = keys_->Put(kind_, type, request.Variable("key"), *body);
        return put ? Empty() : Failure(put.error());
    }

    Response Delete(const Request& request) const {
        const auto deleted = keys_->Delete(kind_, request.Variable("type"), request.Variable("key"));
        return deleted ? Empty() : Failure(deleted.error());
    }

  private:
    std::string_view word() const { return kind_ == Kind::kSource ? "sources" : "sinks"; }
    Services::Role role() const {
        return kind_ == Kind::kSource ? Services::Role::kSource : Services::Role::kSink;
    }

    rule::ConfKeys* keys_;
    std::function<bool(Services::Role, std::string_view)> is_connector_;
    Kind kind_;
};

// [{"<key>":"<type>"},...] as one object for each key, null when there is none.
Node Listed(const Node& stored) {
    if (stored.object().empty()) {
        return Node();
    }
    Node list = Node::MakeArray();
    for (const auto& [key, type] : stored.object()) {
        Node entry = Node::MakeObject();
        entry.Set(key, type);
        list.Append(std::move(entry));
    }
    return list;
}

}  // namespace

void AddConfKeyRoutes(http::Router& router, const Services& services) {
    if (services.conf_keys == nullptr) {
        return;
    }
    for (const Kind kind : {Kind::kSource, Kind::kSink}) {
        const ConfKeyHandlers handlers(services, kind);
        const std::string base = fmt::format("/metadata/{}", kind == Kind::kSource ? "sources" : "sinks");
        const std::string one = base + "/{type}/confKeys/{key}";
        router.Add("GET", base + "/yaml/{type}",
                   [handlers](const Request& request) { return handlers.Groups(request); });
        router.Add("PUT", one, [handlers](const Request& request) { return handlers.Put(request); });
        router.Add("DELETE", one, [handlers](const Request& request) { return handlers.Delete(request); });
    }
    router.Add("GET", "/metadata/resources", [keys = services.conf_keys](const Request&) {
        Node node = Node::MakeObject();
        node.Set("sinks", Listed(keys->Stored(Kind::kSink)));
        node.Set("sources", Listed(keys->Stored(Kind::kSource)));
        return JsonAsText(config::ToJson(node));
    });
}

}  // namespace haumea::api
