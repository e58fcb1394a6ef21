#pragma once

#include "api/services.h"
#include "http/router.h"

// The REST interface, one function for each part of it. Called once at start; the router, the services and
// what they point to outlive the handlers.
namespace haumea::api {

// All of the below.
void AddRoutes(http::Router& router, const Services& services);

void AddServerRoutes(http::Router& router, const Services& services);  // / /ping /stop /configs /batch/req
void AddStreamRoutes(http::Router& router, const Services& services);  // /streams /tables and their details
void AddRuleRoutes(http::Router& router, const Services& services);    // /rules
void AddRuleStatusRoutes(http::Router& router, const Services& services);  // status, topo, schema, explain
void AddConnectionRoutes(http::Router& router,
                         const Services& services);                      // /connections /connection/websocket
void AddMetadataRoutes(http::Router& router, const Services& services);  // connectivity checks
void AddConfKeyRoutes(http::Router& router, const Services& services);   // groups of properties
void AddRuleTagRoutes(http::Router& router, const Services& services);   // tags and what works on many rules

}  // namespace haumea::api
