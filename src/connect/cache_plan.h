#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include "config/node.h"
#include "connect/services.h"

namespace haumea::connect {

// What becomes of the caches of a rule that gets a new definition: they belong to actions, not to places in
// the list. By names of sinks (SinkName).
struct CachePlan {
    std::map<std::string, std::string> moves;  // from, to: the same action stands elsewhere
    std::set<std::string> kept;                // the same action, or what its place has become
    std::set<std::string> gone;                // there is no such action any more

    bool changes_nothing() const noexcept { return moves.empty() && gone.empty(); }
};

// An action is the same when its type and its properties are; what is left over of a type keeps its place.
CachePlan PlanCaches(std::span<const config::Node> before, std::span<const config::Node> after);

// Before the old pipeline ends: nobody opens a cache of the rule until the function that is returned has
// been called, with whether the new definition counts. Then caches move, or go, and the new run opens them.
// Home loop, as what is returned.
std::function<void(bool replaced)> HoldCaches(Services& services, const std::string& rule_id, CachePlan plan);

}  // namespace haumea::connect
