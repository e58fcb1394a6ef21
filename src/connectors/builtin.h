#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Adds every connector of this build: an explicit list, no static initialisers.
void RegisterBuiltinConnectors(connect::Registry& registry);

}  // namespace haumea::connectors
