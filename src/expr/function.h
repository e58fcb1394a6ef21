#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "base/result.h"
#include "data/value.h"
#include "sql/ast.h"
#include "sql/parser.h"

namespace haumea::expr {

// What a function may use beside its arguments. Lives for one call; home loop of the rule.
struct FunctionContext {
    Arena& arena;  // results live here
    const Clock& clock;
    std::string_view rule_id;
    int64_t event_time_ms = 0;                   // timestamp of the row
    const class FunctionState* state = nullptr;  // of the call site, from FunctionDescriptor::prepare
};

// What a call site keeps between rows: a compiled regular expression, a parsed time zone. Owned by the
// expression node.
class FunctionState {
  public:
    virtual ~FunctionState() = default;
};

// A result, or Value::Error(text in ctx.arena or static memory) with the reason, without stage prefixes.
using ScalarFunction = Value (*)(std::span<const Value> args, FunctionContext& ctx) noexcept;
// args[i]: the values of argument i over all rows of the group (FILTER applied), each of the same length, in
// order of arrival. `*` gives the whole rows as objects.
using AggregateFunction = Value (*)(std::span<const std::span<const Value>> args,
                                    FunctionContext& ctx) noexcept;
// literals[i] is kMissing where argument i is no literal. Null result: no state. An error refuses the
// statement.
using PrepareFunction = Result<std::unique_ptr<FunctionState>> (*)(std::span<const Value> literals);
// A fresh state of an analytic function, for one partition.
using MakeAnalytic = std::unique_ptr<class AnalyticState> (*)();
// The whole text after `validate function x error: `, or empty when the call is fine.
using CheckFunction = std::string (*)(const sql::CallExpr& call);

// What happens when an argument is null or missing.
enum class NullRule : uint8_t {
    kPass,      // the function sees it
    kNullIfAny  // null without calling the function; empty arrays and objects count as null here
};

// One function: the single place from which parsing, checks, evaluation, REST metadata and the reference page
// come.
struct FunctionDescriptor {
    std::string_view name;  // lower case
    std::vector<std::string_view> aliases = {};
    sql::FunctionClass kind = sql::FunctionClass::kScalar;
    std::string_view family = {};          // "math", "string" ...: chapter of the reference page
    std::string_view signature = {};       // "abs(number)"
    std::string_view doc = {};             // one sentence
    std::string_view example = {};         // an expression over literals ...
    std::string_view example_result = {};  // ... and its value as JSON; run as a test. Empty: none (volatile)
    int min_args = 0;
    int max_args = -1;              // -1: any number
    CheckFunction check = nullptr;  // beyond the number of arguments
    NullRule null_rule = NullRule::kPass;
    bool pure = true;  // same arguments, same result: may be folded
    ScalarFunction scalar = nullptr;
    AggregateFunction aggregate = nullptr;
    MakeAnalytic analytic = nullptr;  // kAnalytic: an operator runs the call (expr/analytic.h)
    PrepareFunction prepare = nullptr;
    // Not a function of values: the compiler implements it (meta, window_start, row_number ...), by name.
    bool builtin_form = false;
};

// All functions; made once at start, then read only: any thread.
class FunctionRegistry final : public sql::FunctionChecker {
  public:
    // With every function of this build.
    static const FunctionRegistry& Builtin();

    const FunctionDescriptor* Find(std::string_view registered_name) const;
    // By family, in the order of the reference page. Aliases are not repeated.
    const std::deque<FunctionDescriptor>& all() const { return functions_; }

    Result<std::string> ResolveName(std::string_view written) const override;
    Result<void> CheckCall(const sql::CallExpr& call) const override;
    sql::FunctionClass Classify(std::string_view registered_name) const override;

    void Add(FunctionDescriptor descriptor);

  private:
    std::deque<FunctionDescriptor> functions_;  // does not move them: Find hands out addresses
    std::unordered_map<std::string_view, const FunctionDescriptor*>
        by_name_;  // aliases too; views into functions_
};

}  // namespace haumea::expr
