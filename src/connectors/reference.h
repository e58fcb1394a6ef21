#pragma once

#include <string>

#include "connect/registry.h"

namespace haumea::connectors {

// docs/reference/connectors.md: every source and sink of `registry` with its properties, written from their
// tables. Any thread.
std::string WriteReference(const connect::Registry& registry);

}  // namespace haumea::connectors
