#pragma once

#include <cstdint>
#include <string>

#include "config/node.h"
#include "rule/rule.h"

// How clients see a rule. Control thread.
namespace haumea::rule {

// GET /rules/{id}/status: state, times, warnings if any, then the counters of all nodes in the order of the
// plan. Operators have the first nine metrics, sources and sinks all fourteen.
config::Node StatusJson(const Rule& rule, int64_t now_ms);
// One value of GET /rules/status/all: state, and the newest exception of all nodes of a running rule.
config::Node BriefStatusJson(const Rule& rule);
// One element of GET /rules.
config::Node ListEntryJson(const Rule& rule);

}  // namespace haumea::rule
