#pragma once

#include "base/result.h"
#include "config/node.h"
#include "rule/conf_keys.h"
#include "rule/connections.h"
#include "rule/registry.h"

namespace haumea::engine {

// A property map for the connectivity check, which came back as REST has shown it: its masks stand for the
// secrets of the named connection, rule or conf key that goes to the same place (contract §5). Fails on a
// mask that stands for nothing, naming the property: secrets are not for another address, proxy or CA.
// `rules` may be null; `kind` says whose conf keys may be meant. Control thread.
Result<config::Node> WithStoredSecrets(const config::Node& given, const rule::Connections& connections,
                                       const rule::Registry* rules, const rule::ConfKeys& conf_keys,
                                       rule::ConfKeys::Kind kind);

}  // namespace haumea::engine
