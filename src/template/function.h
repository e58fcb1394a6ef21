#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "data/value.h"

namespace haumea::text_template {

// What a template function may use. Lives for one execution.
struct CallContext {
    Arena& arena;
    size_t max_bytes;  // a result longer than this is an error
};

// Arguments are checked against the signature before the call; a failure is Value::Error(text).
using Call = Value (*)(std::span<const Value> args, CallContext& ctx);

// Whether a call may look at all of its arguments, or at a few places of them only.
enum class Reads : uint8_t { kAll, kLittle };

// One function. `signature` has one letter per parameter: a any, s string, i integer, b boolean, l list, m
// map; a final `*` lets the last letter repeat.
struct Function {
    std::string_view name;
    std::string_view signature;
    Call call = nullptr;        // null: `and`, `or`, which evaluate their arguments one by one
    Reads reads = Reads::kAll;  // kAll: the size of the arguments counts as steps
};

// Null when there is no such function. Any thread.
const Function* FindFunction(std::string_view name);

// The families; each is one file.
std::span<const Function> ComparisonFunctions();
std::span<const Function> PrintFunctions();
std::span<const Function> StringFunctions();
std::span<const Function> NumberFunctions();
std::span<const Function> ListFunctions();
std::span<const Function> MapFunctions();
std::span<const Function> EncodingFunctions();
std::span<const Function> PatternFunctions();
std::span<const Function> TimeFunctions();

// False for false, 0, "", empty lists and maps, nil and what is missing.
bool Truth(const Value& value);
// Go's name of the dynamic type: "float64", "map[string]interface {}", "<nil>".
std::string_view GoTypeName(const Value& value);

// Helpers for results.
Value MakeText(CallContext& ctx, std::string_view text);
Value MakeError(CallContext& ctx, std::string_view text);

}  // namespace haumea::text_template
