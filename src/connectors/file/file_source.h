#pragma once

#include <memory>

#include "connect/registry.h"

namespace haumea::connectors {

Result<std::unique_ptr<connect::Source>> MakeFileSource(const connect::SourceSpec& spec,
                                                        connect::Services& services);

}  // namespace haumea::connectors
