// Runs .test files: rules on virtual time against recorded results. See README.md beside this file.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runner/accept.h"

namespace haumea::runner {
namespace {

struct Arguments {
    bool accept = false;
    std::string config;
    std::vector<std::string> files;
};

constexpr std::string_view kUsage =
    "usage: sql_test_runner [--accept] [--config VARIANT.json] FILE.test ...\n"
    "  --accept   rewrite the expectations of the files with what the rules give; review the result\n"
    "  --config   run the cases as the variant says\n";

Result<Arguments> ParseArguments(int count, char** values) {
    Arguments arguments;
    for (int i = 1; i < count; ++i) {
        const std::string_view value = values[i];
        if (value == "--accept") {
            arguments.accept = true;
        } else if (value == "--config" && i + 1 < count) {
            arguments.config = values[++i];
        } else if (value.starts_with("--")) {
            return Failf("unknown or incomplete option {}\n{}", value, kUsage);
        } else {
            arguments.files.emplace_back(value);
        }
    }
    if (arguments.files.empty()) {
        return Failf("no .test file given\n{}", kUsage);
    }
    if (arguments.accept && !arguments.config.empty()) {
        return Failf("--accept rewrites from the plain run; leave out --config");
    }
    return arguments;
}

Result<std::string> ReadFile(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        return Failf("cannot read {}", path);
    }
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

Result<Variant> ReadVariant(const std::string& path) {
    if (path.empty()) {
        return Variant{};
    }
    HAUMEA_TRY(const std::string text, ReadFile(path));
    auto variant = ParseVariant(std::filesystem::path(path).stem().string(), text);
    if (!variant) {
        return Fail(std::move(variant.error()).With(path));
    }
    return variant;
}

Result<void> Rewrite(const TestFile& file, const std::vector<Failure>& failures) {
    std::ofstream out(file.path, std::ios::binary | std::ios::trunc);
    out << AcceptResults(file, failures);
    if (!out.flush()) {
        return Failf("cannot write {}", file.path);
    }
    return {};
}

// Number of failures that are left.
Result<size_t> RunFile(const std::string& path, const Variant& variant, bool accept) {
    HAUMEA_TRY(const std::string text, ReadFile(path));
    HAUMEA_TRY(const TestFile file, ParseTestFile(path, text));
    std::vector<Failure> failures;
    size_t held_back = 0;
    for (const Case& test_case : file.cases) {
        CaseResult result = RunCase(file, test_case, variant);
        held_back += result.messages_held_back;
        std::ranges::move(result.failures, std::back_inserter(failures));
    }
    size_t left = 0;
    for (const Failure& failure : failures) {
        const bool healed = accept && (failure.step != nullptr || !failure.unexpected_rule.empty());
        left += healed ? 0 : 1;
        fmt::print("{}:{}: {}{}\n", path, failure.line, healed ? "accepted: " : "", failure.message);
    }
    if (accept && left < failures.size()) {
        HAUMEA_TRY_VOID(Rewrite(file, failures));
    }
    fmt::print("{}: {} cases, {} failures", path, file.cases.size(), left);
    if (!variant.name.empty()) {
        fmt::print(", variant {}, {} messages held back", variant.name, held_back);
    }
    fmt::print("\n");
    return left;
}

Result<size_t> RunAll(int count, char** values) {
    HAUMEA_TRY(const Arguments arguments, ParseArguments(count, values));
    HAUMEA_TRY(const Variant variant, ReadVariant(arguments.config));
    size_t failures = 0;
    for (const std::string& path : arguments.files) {
        HAUMEA_TRY(const size_t left, RunFile(path, variant, arguments.accept));
        failures += left;
    }
    return failures;
}

}  // namespace
}  // namespace haumea::runner

int main(int count, char** values) {
    const auto failures = haumea::runner::RunAll(count, values);
    if (!failures) {
        fmt::print(stderr, "{}\n", failures.error().message);
        return 2;
    }
    return *failures == 0 ? 0 : 1;
}
