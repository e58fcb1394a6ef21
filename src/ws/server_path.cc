#include "ws/server_path.h"

#include <algorithm>

#include "base/hex.h"

namespace haumea::ws {
namespace {

// Takes the next segment off a path that starts with '/'.
std::string_view TakeSegment(std::string_view& path) {
    path.remove_prefix(1);
    const size_t end = path.find('/');
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(segment.size());
    return segment;
}

bool IsVariable(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

std::string CheckEndpointPath(std::string_view path) {
    if (!path.starts_with('/')) {
        return "websocket endpoint should start with /";
    }
    if (path.find_first_of("?#") != std::string_view::npos) {
        return "the path that is served has no query and no fragment; leave out what begins with ? or #";
    }
    std::vector<std::string_view> variables;
    while (!path.empty()) {
        const std::string_view segment = TakeSegment(path);
        const bool plain = segment.find_first_of("{}") == std::string_view::npos;
        const bool variable = IsVariable(segment) && segment.find_first_of("{}", 1) == segment.size() - 1;
        if (!plain && !variable) {
            return "a variable of a path template is a whole segment, as in /c/{id}";
        }
        if (variable && segment.find(':') != std::string_view::npos) {
            return "a variable of a path template takes any value, without a pattern; write {id} and test "
                   "meta(id) in the rule";
        }
        if (variable && std::find(variables.begin(), variables.end(), segment) != variables.end()) {
            return "two variables of the path template have the same name; rename one";
        }
        if (variable) {
            variables.push_back(segment);
        }
        for (const char c : segment) {
            if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') {
                return "spaces and control characters have to be percent-encoded";
            }
        }
    }
    return {};
}

bool IsPathTemplate(std::string_view path) { return path.find('{') != std::string_view::npos; }

std::string CanonicalPath(std::string_view path) {
    std::string canonical;
    canonical.reserve(path.size());
    while (!path.empty()) {
        canonical += '/';
        for (const char c : PercentDecode(TakeSegment(path))) {
            if (c == '%' || c == '/') {
                canonical += c == '%' ? "%25" : "%2F";
            } else {
                canonical += c;
            }
        }
    }
    return canonical;
}

bool MatchTemplate(std::string_view pattern, std::string_view request,
                   std::vector<std::pair<std::string, std::string>>& variables) {
    while (!pattern.empty() && !request.empty()) {
        const std::string_view wanted = TakeSegment(pattern);
        std::string given = PercentDecode(TakeSegment(request));
        if (IsVariable(wanted)) {
            if (given.empty()) {
                return false;
            }
            variables.emplace_back(wanted.substr(1, wanted.size() - 2), std::move(given));
        } else if (PercentDecode(wanted) != given) {
            return false;
        }
    }
    return pattern.empty() && request.empty();
}

std::string PercentDecode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (const int byte = EscapedByte(text, i); byte >= 0) {
            decoded += static_cast<char>(byte);
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

}  // namespace haumea::ws
