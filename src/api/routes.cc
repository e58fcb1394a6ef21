#include "api/routes.h"

namespace haumea::api {

void AddRoutes(http::Router& router, const Services& services) {
    // Fixed paths such as /rules/status/all come before templates that would also fit.
    AddServerRoutes(router, services);
    AddStreamRoutes(router, services);
    AddRuleTagRoutes(router, services);
    AddRuleStatusRoutes(router, services);
    AddRuleRoutes(router, services);
    AddConnectionRoutes(router, services);
    AddMetadataRoutes(router, services);
    AddConfKeyRoutes(router, services);
}

}  // namespace haumea::api
