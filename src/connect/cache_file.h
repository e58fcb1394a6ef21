#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "connect/backlog.h"
#include "connect/services.h"

namespace haumea::connect {

// The file of an action's cache: <data>/cache/<rule>/<sink>.db. Any rule id makes a folder name of its own:
// bytes that are not letters, digits, `-` or `_` are escaped, long ids end in a hash. Any thread.
std::string CacheFile(std::string_view data_dir, std::string_view rule_id, std::string_view sink_name);
// Its folder, which goes with the rule.
std::string CacheFolder(std::string_view data_dir, std::string_view rule_id);
// Where caches of these services do their disk work.
DiskRunner DiskOf(Services& services);
// Deletes the caches of a rule after whatever is being written to them. Home loop.
void RemoveCaches(Services& services, std::string_view rule_id);

}  // namespace haumea::connect
