#pragma once

#include <string>
#include <vector>

#include "runner/test_file.h"
#include "runner/variant.h"

namespace haumea::runner {

// Where a case differs from what its file says.
struct Failure {
    size_t line = 0;
    std::string message;  // may have several lines
    // What the file should say for the case to pass; null when rewriting cannot help.
    const Step* step = nullptr;
    std::vector<std::string> rows;  // kExpect
    std::string pattern;            // kPlanError, kStreamError
    std::string unexpected_rule;    // results that no `expect` asked for: to be added to the case
};

struct CaseResult {
    std::vector<Failure> failures;
    size_t messages_held_back = 0;  // because the action asked to wait
};

// Runs one case in a world of its own.
CaseResult RunCase(const TestFile& file, const Case& test_case, const Variant& variant);

}  // namespace haumea::runner
