#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Source and sink `memory`: rows from rule to rule by topic, within this process.
void RegisterMemory(connect::Registry& registry);

}  // namespace haumea::connectors
