#pragma once

#include <string_view>

#include "expr/function.h"

namespace haumea::expr {

// A scalar function with a fixed number of arguments: what the tables of most families consist of.
inline FunctionDescriptor FixedScalar(std::string_view family, NullRule null_rule, std::string_view name,
                                      std::string_view signature, std::string_view doc, int arity,
                                      ScalarFunction function, CheckFunction check, std::string_view example,
                                      std::string_view result) {
    return {.name = name,
            .family = family,
            .signature = signature,
            .doc = doc,
            .example = example,
            .example_result = result,
            .min_args = arity,
            .max_args = arity,
            .check = check,
            .null_rule = null_rule,
            .scalar = function};
}

// An aggregate function with a fixed number of arguments.
inline FunctionDescriptor FixedAggregate(std::string_view name, std::string_view signature,
                                         std::string_view doc, int arity, AggregateFunction function,
                                         CheckFunction check) {
    return {.name = name,
            .kind = sql::FunctionClass::kAggregate,
            .family = "aggregate",
            .signature = signature,
            .doc = doc,
            .min_args = arity,
            .max_args = arity,
            .check = check,
            .aggregate = function};
}

}  // namespace haumea::expr
