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

// Does the request path (percent-encoded, without query) fit? Fills `variables` with decoded values. Segments
// are compared decoded, so an encoded slash does not split one.
bool MatchPath(std::string_view endpoint, std::string_view request,
               std::vector<std::pair<std::string, std::string>>& variables);

// %41 becomes A; what is no valid escape stays.
std::string PercentDecode(std::string_view text);

}  // namespace haumea::ws
