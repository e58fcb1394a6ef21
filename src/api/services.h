#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "config/node.h"
#include "rule/catalog.h"
#include "rule/conf_keys.h"
#include "rule/connections.h"
#include "rule/registry.h"

namespace haumea::api {

// What the REST handlers work on. Filled by the engine; not owned. Handlers run on the control thread, one at
// a time.
struct Services {
    rule::Catalog* catalog = nullptr;
    rule::Registry* rules = nullptr;
    const Clock* clock = nullptr;
    int64_t started_ms = 0;
    // Ends the process a moment later, so that the answer still goes out.
    std::function<void()> stop;
    // A change of settings at run time, after its kinds were checked here. May be empty: then only the log
    // level changes.
    std::function<Result<void>(const config::Node& patch)> configure;
    // Null: this process has no connections of its own.
    rule::Connections* connections = nullptr;
    // Null: there are no stored groups of properties.
    rule::ConfKeys* conf_keys = nullptr;
    // The connectivity check of a property map. Empty: nothing can be checked.
    enum class Role : uint8_t { kSource, kSink };
    std::function<Result<void>(Role role, std::string_view type, const config::Node& props)> check = {};
    // Is that a type of connector in this build? Empty: none is.
    std::function<bool(Role role, std::string_view type)> is_connector = {};
};

}  // namespace haumea::api
