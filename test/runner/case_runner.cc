#include "runner/case_runner.h"

#include <re2/re2.h>

#include "runner/diff.h"
#include "runner/world.h"

namespace haumea::runner {
namespace {

constexpr std::string_view kDefaultRule = "rule";

// The text as a pattern that matches it alone.
std::string ExactPattern(std::string_view text) {
    std::string pattern = "^";
    for (const char c : text) {
        if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) {
            pattern += '\\';
        }
        pattern += c;
    }
    return pattern + "$";
}

// One run of one case.
class CaseRun {
  public:
    CaseRun(const Variant& variant, int64_t now_ms) : world_(variant, now_ms) {}

    // False: the rest of the case makes no sense.
    bool Do(const Step& step) {
        switch (step.kind) {
            case Step::Kind::kStream:
                return Check(step, world_.CreateStream(step.text));
            case Step::Kind::kRule:
                return StartRule(step);
            case Step::Kind::kMeta:
                return Check(step, world_.SetMeta(step.text));
            case Step::Kind::kEvent:
                return Check(step, world_.Send(step.name, step.text));
            case Step::Kind::kAdvance:
                world_.Advance(step.number);
                return true;
            case Step::Kind::kClock:
                return true;
            case Step::Kind::kExpect:
                Compare(step);
                return true;
            case Step::Kind::kPlanError:
                return ExpectPlanError(step);
            case Step::Kind::kStreamError:
                MatchError(step, world_.CreateStream(step.text));
                return true;
        }
        return false;
    }

    // Results that nobody asked for.
    void Finish(size_t end_line) {
        world_.Settle();
        for (const std::string& rule : world_.rules()) {
            std::vector<std::string>& rows = *world_.results(rule);
            if (!rows.empty()) {
                Failure failure;
                failure.line = end_line;
                failure.message =
                    fmt::format("rule {} gave results that no `expect` names\n{}", rule, LineDiff({}, rows));
                failure.unexpected_rule = rule;
                failure.rows = std::move(rows);
                failures_.push_back(std::move(failure));
            }
        }
    }
    CaseResult TakeResult() {
        return {.failures = std::move(failures_), .messages_held_back = world_.held_back()};
    }

  private:
    void Report(const Step& step, std::string message) {
        Failure failure;
        failure.line = step.line;
        failure.message = std::move(message);
        failures_.push_back(std::move(failure));
    }

    bool Check(const Step& step, const Result<void>& result) {
        if (!result) {
            Report(step, result.error().message);
        }
        return result.has_value();
    }

    bool StartRule(const Step& step) {
        const auto options = ParseRuleOptions(step.options);
        if (!options) {
            Report(step, options.error().message);
            return false;
        }
        last_rule_ = step.name.empty() ? kDefaultRule : step.name;
        return Check(step, world_.StartRule(last_rule_, step.text, *options));
    }

    void Compare(const Step& step) {
        world_.Settle();
        std::vector<std::string>* results = world_.results(step.name.empty() ? last_rule_ : step.name);
        if (results == nullptr) {
            Report(step, fmt::format("there is no rule {}", step.name));
            return;
        }
        const std::vector<std::string> got = std::exchange(*results, {});
        if (got != step.rows) {
            Failure failure;
            failure.line = step.line;
            failure.message = fmt::format("results differ (- expected, + got)\n{}", LineDiff(step.rows, got));
            failure.step = &step;
            failure.rows = got;
            failures_.push_back(std::move(failure));
        }
    }

    bool ExpectPlanError(const Step& step) {
        const auto options = ParseRuleOptions(step.options);
        if (!options) {
            Report(step, options.error().message);
            return false;
        }
        MatchError(step, world_.TryPlan(step.text, *options));
        return true;
    }

    void MatchError(const Step& step, const Result<void>& result) {
        if (result) {
            Report(step, fmt::format("expected an error like /{}/, but it was accepted", step.pattern));
            return;
        }
        const std::string& message = result.error().message;
        const re2::RE2 pattern(step.pattern, re2::RE2::Quiet);
        if (!pattern.ok()) {
            Report(step, fmt::format("bad pattern: {}", pattern.error()));
        } else if (!re2::RE2::PartialMatch(message, pattern)) {
            Failure failure;
            failure.line = step.line;
            failure.message =
                fmt::format("error differs (- expected, + got)\n  - /{}/\n  + {}", step.pattern, message);
            failure.step = &step;
            failure.pattern = ExactPattern(message);
            failures_.push_back(std::move(failure));
        }
    }

    World world_;
    std::string last_rule_{kDefaultRule};
    std::vector<Failure> failures_;
};

}  // namespace

CaseResult RunCase(const TestFile& file, const Case& test_case, const Variant& variant) {
    int64_t now_ms = 0;
    for (const auto* steps : {&file.preamble, &test_case.steps}) {
        for (const Step& step : *steps) {
            now_ms = step.kind == Step::Kind::kClock ? step.number : now_ms;
        }
    }
    CaseRun run(variant, now_ms);
    for (const auto* steps : {&file.preamble, &test_case.steps}) {
        for (const Step& step : *steps) {
            if (!run.Do(step)) {
                return run.TakeResult();
            }
        }
    }
    run.Finish(test_case.end_line);
    return run.TakeResult();
}

}  // namespace haumea::runner
