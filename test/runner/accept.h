#pragma once

#include <string>
#include <vector>

#include "runner/case_runner.h"

namespace haumea::runner {

// The text of the file with its expectations as the failures say they should be. Failures that rewriting
// cannot heal change nothing.
std::string AcceptResults(const TestFile& file, const std::vector<Failure>& failures);

}  // namespace haumea::runner
