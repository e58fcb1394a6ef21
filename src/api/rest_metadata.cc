#include <fmt/format.h>

#include "api/responses.h"
#include "api/routes.h"
#include "rule/json_text.h"
#include "rule/object_reader.h"

namespace haumea::api {
namespace {

using http::Request;
using http::Response;

Response Check(const Services& services, Services::Role role, const Request& request) {
    const std::string& type = request.Variable("type");
    if (type != "websocket" || !services.check) {
        return Failure(Errorf("{} {} doesn't support ping connection",
                              role == Services::Role::kSource ? "source" : "sink", type));
    }
    const auto props = rule::ParseBody(request.body);
    if (!props) {
        return Failure(props.error());
    }
    if (!props->is_object()) {
        return Failure(Errorf("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                              rule::ObjectReader::KindOf(*props)));
    }
    const auto checked = services.check(role, type, *props);
    return checked ? Empty() : Failure(Error(checked.error().message));
}

}  // namespace

void AddMetadataRoutes(http::Router& router, const Services& services) {
    router.Add("POST", "/metadata/sources/connection/{type}", [services](const Request& request) {
        return Check(services, Services::Role::kSource, request);
    });
    router.Add("POST", "/metadata/sinks/connection/{type}", [services](const Request& request) {
        return Check(services, Services::Role::kSink, request);
    });
    router.Add("POST", "/metadata/lookups/connection/{type}", [](const Request& request) {
        const std::string& type = request.Variable("type");
        return Failure(type == "memory" ? Errorf("lookup source memory doesn't support ping connection")
                                        : Errorf("lookup source type {} not found", type));
    });
}

}  // namespace haumea::api
