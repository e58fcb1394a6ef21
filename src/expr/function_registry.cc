#include <fmt/format.h>

#include "base/assert.h"
#include "expr/fn_support.h"
#include "expr/function.h"
#include "sql/functions.h"

namespace haumea::expr {

namespace {

std::string CountError(const FunctionDescriptor& function, size_t count) {
    if (function.min_args == function.max_args) {
        return fmt::format("Expect {} arguments but found {}.", function.min_args, count);
    }
    if (count < static_cast<size_t>(function.min_args)) {
        return fmt::format("At least has {} argument but found {}.", function.min_args, count);
    }
    return fmt::format("At most has {} arguments but found {}.", function.max_args, count);
}

bool CountFits(const FunctionDescriptor& function, size_t count) {
    return count >= static_cast<size_t>(function.min_args) &&
           (function.max_args < 0 || count <= static_cast<size_t>(function.max_args));
}

}  // namespace

const FunctionRegistry& FunctionRegistry::Builtin() {
    static const FunctionRegistry registry = [] {
        FunctionRegistry all;
        AddBasicAggregates(all);
        AddStatisticAggregates(all);
        AddRowAggregates(all);
        AddMathFunctions(all);
        AddBitFunctions(all);
        AddStringFunctions(all);
        AddPatternFunctions(all);
        AddNumberFormatFunctions(all);
        AddDatetimeFunctions(all);
        AddClockFunctions(all);
        AddConversionFunctions(all);
        AddHashFunctions(all);
        AddCompressionFunctions(all);
        AddJsonFunctions(all);
        AddArrayFunctions(all);
        AddArrayMakers(all);
        AddObjectFunctions(all);
        AddMiscFunctions(all);
        AddAnalyticFunctions(all);
        AddBuiltinForms(all);
        return all;
    }();
    return registry;
}

void FunctionRegistry::Add(FunctionDescriptor descriptor) {
    const FunctionDescriptor& kept = functions_.emplace_back(std::move(descriptor));
    HAUMEA_CHECK(by_name_.emplace(kept.name, &kept).second);
    for (const std::string_view alias : kept.aliases) {
        HAUMEA_CHECK(by_name_.emplace(alias, &kept).second);
    }
}

const FunctionDescriptor* FunctionRegistry::Find(std::string_view registered_name) const {
    const auto found = by_name_.find(registered_name);
    return found == by_name_.end() ? nullptr : found->second;
}

Result<std::string> FunctionRegistry::ResolveName(std::string_view written) const {
    std::string name = sql::ToLower(written);
    if (Find(name) == nullptr) {
        return Failf("function {} not found", written);
    }
    return name;
}

Result<void> FunctionRegistry::CheckCall(const sql::CallExpr& call) const {
    const FunctionDescriptor* function = Find(call.name);
    if (function == nullptr) {
        return Failf("function {} not found", call.written);
    }
    const bool exact = function->min_args == function->max_args;
    std::string error;
    if (exact && !CountFits(*function, call.args.size())) {
        error = CountError(*function, call.args.size());
    } else if (function->check != nullptr) {
        error = function->check(call);
    }
    // A check may have its own words for the number of arguments, hence it comes first.
    if (error.empty() && !CountFits(*function, call.args.size())) {
        error = CountError(*function, call.args.size());
    }
    if (!error.empty()) {
        return Failf("validate function {} error: {}", call.name, error);
    }
    return {};
}

sql::FunctionClass FunctionRegistry::Classify(std::string_view registered_name) const {
    const FunctionDescriptor* function = Find(registered_name);
    return function == nullptr ? sql::FunctionClass::kScalar : function->kind;
}

}  // namespace haumea::expr
