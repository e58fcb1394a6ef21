#pragma once

#include "base/arena.h"
#include "config/node.h"
#include "data/value.h"

namespace haumea::runner {

// The tree as a value; everything it points to lives in `arena`.
Value ToValue(const config::Node& node, Arena& arena);

}  // namespace haumea::runner
