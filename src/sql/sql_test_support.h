#pragma once

#include <string>
#include <string_view>

#include "sql/parser.h"
#include "sql/printer.h"

// Shared by the tests of this folder.
namespace haumea::sql::testing {

// A registry of a few functions: abs takes one argument, everything else any number; `nosuch` does not exist.
class FewFunctions final : public FunctionChecker {
  public:
    Result<std::string> ResolveName(std::string_view written) const override {
        std::string lower(written);
        for (char& c : lower) {
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        if (lower == "nosuch") {
            return Failf("function {} not found", written);
        }
        return lower;
    }
    Result<void> CheckCall(const CallExpr& call) const override {
        if (call.name == "abs" && call.args.size() != 1) {
            return Failf("validate function abs error: Expect 1 arguments but found {}.", call.args.size());
        }
        return {};
    }
    FunctionClass Classify(std::string_view name) const override { return BuiltinFunctionClass(name); }
};

// The error of a SELECT, or "" when it parses.
inline std::string SelectError(std::string_view sql) {
    const FewFunctions functions;
    const auto stmt = ParseSelect(sql, &functions);
    return stmt ? "" : stmt.error().message;
}
// The printed form of an expression, or its error.
inline std::string Printed(std::string_view text) {
    const FewFunctions functions;
    const auto expr = ParseExpression(text, &functions);
    return expr ? PrintExpr(**expr) : "error: " + expr.error().message;
}
inline std::string DdlError(std::string_view sql) {
    const auto stmt = ParseStreamStatement(sql);
    return stmt ? "" : stmt.error().message;
}

}  // namespace haumea::sql::testing
