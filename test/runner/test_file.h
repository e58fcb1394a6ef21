#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace haumea::runner {

// One directive of a .test file with what belongs to it; see test/runner/README.md for the format.
struct Step {
    enum class Kind : uint8_t {
        kStream,       // text: a CREATE statement
        kRule,         // name, options, text: the SQL
        kMeta,         // text: JSON object, metadata of the events that follow
        kEvent,        // name of the stream, text: payload
        kAdvance,      // number: milliseconds
        kClock,        // number: time at which the case starts
        kExpect,       // name of the rule, rows
        kPlanError,    // options, text: the SQL, pattern
        kStreamError,  // text: the statement, pattern
    };
    Kind kind;
    size_t line = 0;  // from 1
    std::string name;
    std::string options;  // JSON, empty when not given
    std::string text;
    std::string pattern;
    int64_t number = 0;
    std::vector<std::string> rows;
    size_t rows_end = 0;  // line behind the last row: where a rewrite of the rows ends
};

// The steps between two `----` lines; runs in a world of its own.
struct Case {
    size_t first_line = 0;
    size_t end_line = 0;  // of the `----` behind it, or one behind the last line
    std::vector<Step> steps;
};

// A parsed .test file. A plain value.
struct TestFile {
    std::string path;
    std::vector<std::string> lines;
    std::vector<Step> preamble;  // streams and clock that every case starts with
    std::vector<Case> cases;
};

// Errors are `<path>:<line>: <reason>`.
Result<TestFile> ParseTestFile(std::string path, std::string_view text);

}  // namespace haumea::runner
