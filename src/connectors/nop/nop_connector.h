#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Sink `nop`: counts results and forgets them.
void RegisterNop(connect::Registry& registry);

}  // namespace haumea::connectors
