#pragma once

#include <memory>
#include <span>

#include "connect/properties.h"
#include "connect/registry.h"

namespace haumea::connectors {

std::span<const connect::PropertyDoc> FileSinkPropertyDocs();
Result<std::unique_ptr<connect::MessageSink>> MakeFileSink(const connect::SinkSpec& spec,
                                                           connect::Services& services);

}  // namespace haumea::connectors
