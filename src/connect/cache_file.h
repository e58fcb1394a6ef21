#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connect/backlog.h"
#include "connect/services.h"

namespace haumea::connect {

// The file of an action's cache: <data>/cache/<rule>/<sink>.db. Any rule id makes a folder name of its own:
// bytes that are not letters, digits, `-` or `_` are escaped, long ids end in a hash. Any thread.
std::string CacheFile(std::string_view data_dir, std::string_view rule_id, std::string_view sink_name);
// An action with several destinations has a folder beside that file, with a file per destination; `values`
// are those of its templates.
std::string DestinationFolder(const std::string& cache_file);
std::string DestinationFile(const std::string& cache_file, std::span<const std::string_view> values);
// Is `file` that cache or one of its destinations?
bool IsOfCache(std::string_view file, const std::string& cache_file);
// The folder of a rule's caches, which goes with the rule.
std::string CacheFolder(std::string_view data_dir, std::string_view rule_id);
// Where caches of these services do their disk work.
DiskRunner DiskOf(Services& services);
// What a sink is called in the status and in the name of its cache: <type>_<position of the action>.
std::string SinkName(std::string_view type, int index);
// Deletes the caches of a rule after whatever is being written to them. Home loop.
void RemoveCaches(Services& services, std::string_view rule_id);

}  // namespace haumea::connect
