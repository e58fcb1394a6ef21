#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haumea::ws {

// Paths of endpoints: "/api/data", or a template "/c/{id}/{name}" whose variables stand for one whole,
// non-empty segment each.

// What is wrong with it as the path of an endpoint; empty when nothing is.
std::string CheckEndpointPath(std::string_view path);

// Does it have variables?
bool IsPathTemplate(std::string_view path);

// One spelling for all that mean the same path: "/%41" is "/A", but an encoded slash does not split a
// segment.
std::string CanonicalPath(std::string_view path);

// Does the request path (percent-encoded, without query) fit the template? Fills `variables` with decoded
// values.
bool MatchTemplate(std::string_view pattern, std::string_view request,
                   std::vector<std::pair<std::string, std::string>>& variables);

// %41 becomes A; what is no valid escape stays.
std::string PercentDecode(std::string_view text);

}  // namespace haumea::ws
