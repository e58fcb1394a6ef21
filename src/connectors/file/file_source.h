#pragma once

#include <memory>

#include <span>

#include "connect/registry.h"

namespace haumea::connectors {

Result<std::unique_ptr<connect::Source>> MakeFileSource(const connect::SourceSpec& spec,
                                                        connect::Services& services);

std::span<const connect::PropertyDoc> FileSourcePropertyDocs();

}  // namespace haumea::connectors
