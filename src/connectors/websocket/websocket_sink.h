#pragma once

#include <memory>

#include "connect/registry.h"

namespace haumea::connectors {

Result<std::unique_ptr<connect::MessageSink>> MakeWebSocketSink(const connect::SinkSpec& spec,
                                                                connect::Services& services);

}  // namespace haumea::connectors
