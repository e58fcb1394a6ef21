#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Sink `log`: every result as a line of the log.
void RegisterLog(connect::Registry& registry);

}  // namespace haumea::connectors
