#include "http/router.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace haumea::http {
namespace {

std::vector<std::string> Split(std::string_view path) {
    std::vector<std::string> segments;
    path.remove_prefix(path.empty() ? 0 : 1);
    while (true) {
        const size_t slash = path.find('/');
        segments.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) {
            return segments;
        }
        path.remove_prefix(slash + 1);
    }
}

bool IsVariable(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool Fits(const std::vector<std::string>& route, const std::vector<std::string>& path) {
    return std::equal(route.begin(), route.end(), path.begin(), path.end(),
                      [](const std::string& wanted, const std::string& given) {
                          return IsVariable(wanted) ? !given.empty() : wanted == given;
                      });
}

// Without empty, "." and ".." segments; a slash at the end stays.
std::string CleanPath(std::string_view path) {
    std::vector<std::string> kept;
    const std::vector<std::string> segments = Split(path);
    for (const std::string& segment : segments) {
        if (segment == "..") {
            if (!kept.empty()) {
                kept.pop_back();
            }
        } else if (!segment.empty() && segment != ".") {
            kept.push_back(segment);
        }
    }
    std::string clean;
    for (const std::string& segment : kept) {
        clean += "/" + segment;
    }
    const bool folder = segments.back().empty() || kept.empty();
    return folder ? clean + "/" : clean;
}

Response NotFound() {
    return {
        404, "text/plain; charset=utf-8", "404 page not found\n", {{"X-Content-Type-Options", "nosniff"}}};
}

// RFC 3986 3.3: what may stand in a path stays, the rest is escaped.
std::string EncodePath(std::string_view path) {
    std::string out;
    for (const char c : path) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos) {
            out.push_back(c);
        } else {
            out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
        }
    }
    return out;
}

bool IsOneOf(std::string_view method, std::initializer_list<std::string_view> methods) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
}

}  // namespace

void Router::Add(std::string_view method, std::string_view path_template, Handler handler) {
    routes_.push_back({std::string(method), Split(path_template), std::move(handler)});
}

void Router::AddEncoded(std::string_view method, std::string_view path_template, Handler handler) {
    Add(method, path_template, std::move(handler));
    routes_.back().encoded = true;
}

Response Router::Call(const Route& route, const std::vector<std::string>& segments, Request& request) {
    for (size_t i = 0; i < segments.size(); ++i) {
        if (const std::string& name = route.segments[i]; IsVariable(name)) {
            request.variables.emplace_back(name.substr(1, name.size() - 2), segments[i]);
        }
    }
    return route.handler(request);
}

Response Router::Dispatch(Request request) const {
    std::vector<std::string> sent = Split(request.path);
    for (std::string& segment : sent) {
        segment = PercentDecode(segment, false);
    }
    for (const Route& route : routes_) {
        if (route.encoded && route.method == request.method && Fits(route.segments, sent)) {
            return Call(route, sent, request);
        }
    }
    // Matching works on the decoded path, as the router of eKuiper does: %2F separates segments.
    const std::string path = PercentDecode(request.path, false);
    if (!path.starts_with('/')) {
        return NotFound();
    }
    if (const std::string clean = CleanPath(path); clean != path) {
        const std::string query = request.query.empty() ? "" : "?" + request.query;
        return {301, "", "", {{"Location", EncodePath(clean) + query}}};
    }
    const std::vector<std::string> segments = Split(path);
    bool known_path = false;
    for (const Route& route : routes_) {
        if (!Fits(route.segments, segments)) {
            continue;
        }
        known_path = true;
        if (route.method != request.method) {
            continue;
        }
        return Call(route, segments, request);
    }
    return known_path ? Response{405, "", "", {}} : NotFound();
}

namespace {

// What a preflight asks for: the headers that are not allowed anyway, or nothing when one is refused.
std::optional<std::string> AllowedHeaders(std::string_view asked) {
    std::string allowed;
    while (!asked.empty()) {
        std::string_view name = asked.substr(0, asked.find(','));
        asked.remove_prefix(std::min(asked.size(), name.size() + 1));
        name.remove_prefix(std::min(name.size(), name.find_first_not_of(" \t")));
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        const auto is = [name](std::string_view known) { return EqualsIgnoringCase(name, known); };
        if (name.empty() || is("Accept") || is("Accept-Language") || is("Content-Language") || is("Origin")) {
            continue;
        }
        if (!is("Content-Type") && !is("Authorization")) {
            return std::nullopt;
        }
        allowed += (allowed.empty() ? "" : ",") + std::string(name);
    }
    return allowed;
}

Response Preflight(const Request& request) {
    const std::string_view method = request.Header("Access-Control-Request-Method");
    if (method.empty()) {
        return {400, "", "", {}};
    }
    if (!IsOneOf(method, {"POST", "GET", "PUT", "DELETE", "HEAD"})) {
        return {405, "", "", {}};
    }
    const auto headers = AllowedHeaders(request.Header("Access-Control-Request-Headers"));
    if (!headers) {
        return {403, "", "", {}};
    }
    Response answer;
    if (!headers->empty()) {
        answer.headers.emplace_back("Access-Control-Allow-Headers", *headers);
    }
    answer.headers.emplace_back("Access-Control-Allow-Methods", std::string(method));
    answer.headers.emplace_back("Access-Control-Allow-Origin", "*");
    return answer;
}

}  // namespace

std::function<Response(Request)> WithCors(std::function<Response(Request)> next) {
    return [next = std::move(next)](Request request) -> Response {
        const bool cross_origin = !request.Header("Origin").empty();
        if (request.method == "OPTIONS") {
            return cross_origin ? Preflight(request) : Response{};
        }
        Response answer = next(std::move(request));
        if (cross_origin) {
            answer.headers.emplace_back("Access-Control-Allow-Origin", "*");
        }
        return answer;
    };
}

}  // namespace haumea::http
