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
// path: 301 to the cleaned one. Matching works on the decoded path: %2F separates segments. Where several
// templates fit, the one added first wins.
class Router {
  public:
    void Add(std::string_view method, std::string_view path_template, Handler handler);
    // As Add, and looked at first with the path as it was sent: %2F is then part of a variable.
    void AddEncoded(std::string_view method, std::string_view path_template, Handler handler);
    Response Dispatch(Request request) const;

  private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;  // "{id}" for variables
        Handler handler;
        bool encoded = false;
    };
    static Response Call(const Route& route, const std::vector<std::string>& segments, Request& request);

    std::vector<Route> routes_;
};

// What browsers of other origins may do: any origin, the methods POST GET PUT DELETE HEAD, the headers
// Accept, Accept-Language, Content-Type, Content-Language, Origin and Authorization. Answers OPTIONS itself
// (a method beyond the list is 405, a header 403, a preflight without method 400); other requests go through
// `next`, and their answers get Access-Control-Allow-Origin when there is an Origin.
std::function<Response(Request)> WithCors(std::function<Response(Request)> next);

}  // namespace haumea::http
