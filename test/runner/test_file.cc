#include "runner/test_file.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace haumea::runner {
namespace {

constexpr std::string_view kSeparator = "----";
constexpr std::string_view kBlanks = " \t";

std::string_view Trim(std::string_view text) {
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Cuts the first word off `rest`.
std::string_view TakeWord(std::string_view& rest) {
    rest = Trim(rest);
    const size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest = Trim(rest.substr(end));
    return word;
}

std::string Upper(std::string_view text) {
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return upper;
}

// `demo (a BIGINT) timestamp=ts strict_validation=true` -> the CREATE statement.
std::optional<std::string> ExpandStream(std::string_view rest) {
    const size_t name_end = std::min(rest.find_first_of(" \t("), rest.size());
    std::string statement = fmt::format("CREATE STREAM {} ", rest.substr(0, name_end));
    rest = Trim(rest.substr(name_end));
    if (rest.starts_with('(')) {
        const size_t close = rest.rfind(')');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        statement += rest.substr(0, close + 1);
        rest = Trim(rest.substr(close + 1));
    } else {
        statement += "()";
    }
    statement += R"( WITH (DATASOURCE="test")";
    while (!rest.empty()) {
        const std::string_view option = TakeWord(rest);
        const size_t equals = option.find('=');
        if (equals == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view value = option.substr(equals + 1);
        const bool flag = value == "true" || value == "false";
        statement += fmt::format(", {}={}", Upper(option.substr(0, equals)),
                                 flag ? Upper(value) : fmt::format("\"{}\"", value));
    }
    return statement + ")";
}

class FileParser {
  public:
    explicit FileParser(std::string path) { file_.path = std::move(path); }

    Result<TestFile> Parse(std::string_view text) {
        SplitLines(text);
        while (at_ < file_.lines.size()) {
            const std::string_view line = Trim(file_.lines[at_]);
            if (line == kSeparator) {
                EndCase();
                ++at_;
                current_.first_line = at_ + 1;
            } else if (line.empty() || line.starts_with('#')) {
                ++at_;
            } else {
                HAUMEA_TRY(Step step, ParseStep(line));
                current_.steps.push_back(std::move(step));
            }
        }
        EndCase();
        if (file_.cases.empty()) {
            return Fail(At(1, "no cases: a case needs `expect`, `plan error` or `stream error`"));
        }
        return std::move(file_);
    }

  private:
    struct Directive {
        std::string_view word;
        Result<void> (FileParser::*read)(std::string_view rest, Step& step);
    };
    static const Directive* FindDirective(std::string_view word);

    static bool StartsDirective(std::string_view line) {
        const std::string_view word = TakeWord(line);
        return word == kSeparator || word.starts_with('#') || FindDirective(word) != nullptr;
    }

    Error At(size_t line, std::string_view reason) const {
        return Errorf("{}:{}: {}", file_.path, line, reason);
    }

    void SplitLines(std::string_view text) {
        while (!text.empty()) {
            const size_t end = text.find('\n');
            file_.lines.emplace_back(text.substr(0, end));
            text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        }
    }

    // The first section is the preamble when it only sets the scene.
    void EndCase() {
        current_.end_line = at_ + 1;
        const bool scene_only = std::ranges::all_of(current_.steps, [](const Step& step) {
            return step.kind == Step::Kind::kStream || step.kind == Step::Kind::kClock;
        });
        if (scene_only && file_.cases.empty()) {
            std::ranges::move(current_.steps, std::back_inserter(file_.preamble));
        } else if (!current_.steps.empty()) {
            file_.cases.push_back(std::move(current_));
        }
        current_ = {};
        current_.first_line = at_ + 1;
    }

    Result<Step> ParseStep(std::string_view line) {
        Step step{};
        step.line = ++at_;
        std::string_view rest = line;
        const std::string_view word = TakeWord(rest);
        const auto* found = FindDirective(word);
        if (found == nullptr) {
            return Fail(At(step.line, fmt::format("unknown directive `{}`", word)));
        }
        HAUMEA_TRY_VOID((this->*found->read)(rest, step));
        return step;
    }

    Result<void> ReadCreate(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kStream;
        step.text = TakeText(fmt::format("CREATE {}", rest));
        return {};
    }

    Result<void> ReadStream(std::string_view rest, Step& step) {
        std::string_view after_error = rest;
        if (TakeWord(after_error) == "error") {
            step.kind = Step::Kind::kStreamError;
            HAUMEA_TRY_VOID(ParsePattern(after_error, step));
            step.text = TakeText({});
            return {};
        }
        step.kind = Step::Kind::kStream;
        auto statement = ExpandStream(rest);
        if (!statement) {
            return Fail(At(step.line, "expected `stream NAME [(COLUMNS)] [option=value ...]`"));
        }
        step.text = std::move(*statement);
        return {};
    }

    Result<void> ReadRule(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kRule;
        step.name = rest.starts_with('{') ? std::string_view() : TakeWord(rest);
        step.options = rest;
        step.text = TakeText({});
        if (step.text.empty()) {
            return Fail(At(step.line, "expected the SQL of the rule in the next line"));
        }
        return {};
    }

    Result<void> ReadPlanError(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kPlanError;
        if (TakeWord(rest) != "error") {
            return Fail(At(step.line, "expected `plan error [{options}] /regex/`"));
        }
        HAUMEA_TRY_VOID(ParsePattern(rest, step));
        step.text = TakeText({});
        return {};
    }

    Result<void> ReadMeta(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kMeta;
        step.text = rest;
        return {};
    }

    Result<void> ReadEvent(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kEvent;
        step.name = TakeWord(rest);
        step.text = rest;
        return {};
    }

    Result<void> ReadAdvance(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kAdvance;
        return ReadMilliseconds(rest, step);
    }

    Result<void> ReadClock(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kClock;
        return ReadMilliseconds(rest, step);
    }

    Result<void> ReadMilliseconds(std::string_view rest, Step& step) const {
        const char* end = rest.data() + rest.size();
        const auto [stop, failed] = std::from_chars(rest.data(), end, step.number);
        if (failed != std::errc() || stop != end) {
            return Fail(At(step.line, fmt::format("expected milliseconds, got `{}`", rest)));
        }
        return {};
    }

    Result<void> ReadExpectation(std::string_view rest, Step& step) {
        step.kind = Step::Kind::kExpect;
        step.name = rest;
        while (at_ < file_.lines.size()) {
            const std::string& line = file_.lines[at_];
            if (Trim(line).empty() || StartsDirective(line)) {
                break;
            }
            step.rows.push_back(line);
            ++at_;
        }
        step.rows_end = at_ + 1;
        return {};
    }

    Result<void> ParsePattern(std::string_view rest, Step& step) const {
        rest = Trim(rest);
        if (rest.starts_with('{')) {
            const size_t end = rest.find("} /");
            if (end == std::string_view::npos) {
                return Fail(At(step.line, "expected `{options} /regex/`"));
            }
            step.options = rest.substr(0, end + 1);
            rest = Trim(rest.substr(end + 1));
        }
        if (rest.size() < 2 || !rest.starts_with('/') || !rest.ends_with('/')) {
            return Fail(At(step.line, "expected a regular expression between slashes"));
        }
        step.pattern = rest.substr(1, rest.size() - 2);
        return {};
    }

    // `text` and the lines up to an empty one or the next directive. Without `text` the first line belongs to
    // it whatever it is (a CREATE after `stream error`).
    std::string TakeText(std::string text) {
        while (at_ < file_.lines.size()) {
            const std::string_view line = Trim(file_.lines[at_]);
            if (line.empty() || (StartsDirective(line) && !text.empty())) {
                break;
            }
            text += text.empty() ? "" : "\n";
            text += line;
            ++at_;
        }
        return text;
    }

    TestFile file_;
    Case current_{.first_line = 1, .end_line = 0, .steps = {}};
    size_t at_ = 0;
};

const FileParser::Directive* FileParser::FindDirective(std::string_view word) {
    static constexpr Directive kDirectives[] = {
        {"CREATE", &FileParser::ReadCreate},     {"stream", &FileParser::ReadStream},
        {"rule", &FileParser::ReadRule},         {"plan", &FileParser::ReadPlanError},
        {"meta", &FileParser::ReadMeta},         {"event", &FileParser::ReadEvent},
        {"advance", &FileParser::ReadAdvance},   {"clock", &FileParser::ReadClock},
        {"expect", &FileParser::ReadExpectation}};
    const auto* found = std::ranges::find(kDirectives, word, &Directive::word);
    return found == std::end(kDirectives) ? nullptr : found;
}

}  // namespace

Result<TestFile> ParseTestFile(std::string path, std::string_view text) {
    return FileParser(std::move(path)).Parse(text);
}

}  // namespace haumea::runner
