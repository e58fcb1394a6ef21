#pragma once

#include "base/arena.h"
#include "config/node.h"
#include "data/value.h"

namespace haumea::connect {

// A setting as data: objects sorted by key, every number a float as in a JSON message.
Value ToValue(const config::Node& node, Arena& arena);

}  // namespace haumea::connect
