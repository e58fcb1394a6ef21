#include "runner/diff.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

namespace haumea::runner {
namespace {

constexpr size_t kMaxShownLines = 60;

}  // namespace

std::string LineDiff(const std::vector<std::string>& expected, const std::vector<std::string>& got) {
    // common[i][j]: length of the longest common subsequence of what is left from i and j.
    std::vector<std::vector<size_t>> common(expected.size() + 1, std::vector<size_t>(got.size() + 1, 0));
    for (size_t i = expected.size(); i-- > 0;) {
        for (size_t j = got.size(); j-- > 0;) {
            common[i][j] = expected[i] == got[j] ? common[i + 1][j + 1] + 1
                                                 : std::max(common[i + 1][j], common[i][j + 1]);
        }
    }
    std::string text;
    size_t lines = 0;
    const auto add = [&text, &lines](std::string_view mark, const std::string& line) {
        if (++lines > kMaxShownLines) {
            return;
        }
        text += text.empty() ? "" : "\n";
        text += mark;
        text += line;
    };
    size_t i = 0;
    size_t j = 0;
    while (i < expected.size() || j < got.size()) {
        if (i < expected.size() && j < got.size() && expected[i] == got[j]) {
            add("    ", expected[i++]);
            ++j;
        } else if (j == got.size() || (i < expected.size() && common[i + 1][j] >= common[i][j + 1])) {
            add("  - ", expected[i++]);
        } else {
            add("  + ", got[j++]);
        }
    }
    if (lines > kMaxShownLines) {
        text += fmt::format("\n  ... {} more lines", lines - kMaxShownLines);
    }
    return text;
}

}  // namespace haumea::runner
