#pragma once

#include "connect/registry.h"

namespace haumea::connectors {

// Source and sink `file`.
void RegisterFile(connect::Registry& registry);

}  // namespace haumea::connectors
