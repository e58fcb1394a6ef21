#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haumea::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// ASCII letters only, as names of headers and schemes are compared.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
// The first value of that name, ignoring case; empty when absent.
std::string_view FindHeader(const Headers& headers, std::string_view name);

// For a handler whose answer depends on something that takes its time, so that nobody else waits meanwhile:
// it sets `wanted`, its answer is thrown away, and Server::RetryPostponed() calls it with the same request
// again.
struct Postponement {
    bool wanted = false;
    std::function<bool()> ready;  // is another call worth it? Empty: always
    std::shared_ptr<void> state;  // the handler's own, from one call to the next
};

// A complete request. Plain value; any thread.
struct Request {
    std::string method;
    std::string path;   // still percent-encoded, without query
    std::string query;  // without '?'
    Headers headers;
    std::string body;
    std::string remote_address;
    std::shared_ptr<Postponement> postponement;  // null where an answer cannot be postponed
    // Path variables by the router's template, decoded: {"id","rule1"}.
    std::vector<std::pair<std::string, std::string>> variables;

    // Empty when absent; header names ignore case.
    std::string_view Header(std::string_view name) const;
    const std::string& Variable(std::string_view name) const;
    // Decoded value of ?name=value; empty when absent.
    std::string Query(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::string content_type;  // empty: none
    std::string body;
    Headers headers;  // further ones
};

// "%41+b" -> "A b" when plus_is_space. Bad escapes stay as they are.
std::string PercentDecode(std::string_view text, bool plus_is_space);

}  // namespace haumea::http
