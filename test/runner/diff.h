#pragma once

#include <string>
#include <vector>

namespace haumea::runner {

// Lines of both lists in order: `  - ` only expected, `  + ` only got, `    ` in both. Long
// differences are cut.
std::string LineDiff(const std::vector<std::string>& expected, const std::vector<std::string>& got);

}  // namespace haumea::runner
