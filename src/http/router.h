#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace haumea::http {

using Handler = std::function<Response(const Request&)>;

// Exact templates such as /rules/{id}/start, one segment per variable. Filled at start, then read only.
// Unknown path: 404 `404 page not found\n`; known path with another method: 405 with an empty body; `//` in a
// path: 301 to the cleaned one.
class Router {
  public:
    void Add(std::string_view method, std::string_view path_template, Handler handler);
    Response Dispatch(Request request) const;

  private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;  // "{id}" for variables
        Handler handler;
    };
    std::vector<Route> routes_;
};

}  // namespace haumea::http
