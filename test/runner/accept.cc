#include "runner/accept.h"

#include <algorithm>

namespace haumea::runner {
namespace {

// Lines [begin, end), from 1, give way to `lines`.
struct Edit {
    size_t begin;
    size_t end;
    std::vector<std::string> lines;
};

std::string ErrorDirective(const Step& step, const std::string& pattern) {
    return fmt::format("{} error {}/{}/", step.kind == Step::Kind::kPlanError ? "plan" : "stream",
                       step.options.empty() ? "" : step.options + " ", pattern);
}

std::vector<Edit> MakeEdits(const std::vector<Failure>& failures) {
    std::vector<Edit> edits;
    for (const Failure& failure : failures) {
        if (!failure.unexpected_rule.empty()) {
            std::vector<std::string> lines{"expect " + failure.unexpected_rule};
            lines.insert(lines.end(), failure.rows.begin(), failure.rows.end());
            edits.push_back({failure.line, failure.line, std::move(lines)});
        } else if (failure.step == nullptr) {
            continue;
        } else if (failure.step->kind == Step::Kind::kExpect) {
            edits.push_back({failure.step->line + 1, failure.step->rows_end, failure.rows});
        } else {
            edits.push_back({failure.step->line,
                             failure.step->line + 1,
                             {ErrorDirective(*failure.step, failure.pattern)}});
        }
    }
    std::ranges::stable_sort(edits, {}, &Edit::begin);
    return edits;
}

}  // namespace

std::string AcceptResults(const TestFile& file, const std::vector<Failure>& failures) {
    std::string text;
    const auto add = [&text](const std::string& line) {
        text += line;
        text += '\n';
    };
    size_t at = 1;
    for (const Edit& edit : MakeEdits(failures)) {
        for (; at < edit.begin && at <= file.lines.size(); ++at) {
            add(file.lines[at - 1]);
        }
        std::ranges::for_each(edit.lines, add);
        at = std::max(at, edit.end);
    }
    for (; at <= file.lines.size(); ++at) {
        add(file.lines[at - 1]);
    }
    return text;
}

}  // namespace haumea::runner
