#pragma once

#include <string>
#include <string_view>

#include "config/node.h"

// Secrets in the properties of connections, as REST shows and takes them. Any thread.
namespace haumea::rule {

inline constexpr std::string_view kMask = "******";

// Does a property or header of this name hold a secret?
bool IsSecretName(std::string_view name);
// A copy whose secret texts are masked, in nested objects and lists and in the query of a path too.
config::Node MaskSecrets(const config::Node& props);
// A copy of `given` in which every mask is replaced by what stands there in `stored`. In a list that is what
// stands in the same item, wherever it was: the one that looks the same when masked, else the action of the
// same type and remote (connectionSelector, addr, scheme; path if it takes that to tell them apart). A mask
// for which that cannot be told stays.
config::Node UnmaskSecrets(const config::Node& given, const config::Node& stored);
// The name of the first property that still holds a mask; empty when none does.
std::string FindMask(const config::Node& props);
// The same, looking only where a secret would stand: other texts may hold asterisks.
std::string FindMaskedSecret(const config::Node& props);

}  // namespace haumea::rule
