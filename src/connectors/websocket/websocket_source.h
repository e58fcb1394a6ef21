#pragma once

#include <memory>

#include "connect/registry.h"

namespace haumea::connectors {

Result<std::unique_ptr<connect::Source>> MakeWebSocketSource(const connect::SourceSpec& spec,
                                                             connect::Services& services);

}  // namespace haumea::connectors
