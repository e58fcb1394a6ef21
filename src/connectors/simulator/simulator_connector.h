#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Source `simulator`: rows from its own configuration, in a fixed rhythm.
void RegisterSimulator(connect::Registry& registry);

}  // namespace haumea::connectors
