#pragma once

#include <string>
#include <string_view>

#include "template/function.h"
#include "template/template.h"
#include "template/variable_stack.h"

namespace haumea::text_template {

// The values of one execution: pipelines, variables, calls, the budget of steps and bytes, and the first
// failure, which ends everything. Owned by the Executor; one thread.
class Evaluator {
  public:
    // `name` stands in error texts. All arguments outlive the evaluator.
    Evaluator(const std::string& name, Arena& arena, const Limits& limits)
        : name_(name),
          arena_(arena),
          arena_start_(arena.reserved_bytes()),
          limits_(limits),
          variables_(arena) {}

    // The value of a pipeline, given to its variables too. Null when it failed.
    Value Evaluate(const Pipe& pipe, const Value& dot);

    // Variables seen by the running body, by their index there.
    Value& variable(size_t index) noexcept { return variables_[frame_ + index]; }
    // Variables declared after Scope() are forgotten by LeaveScope().
    size_t Scope() const noexcept { return variables_.size(); }
    void LeaveScope(size_t scope) { variables_.resize(scope); }
    // A body of its own, whose only variable is $ = `dot`; LeaveBody takes what EnterBody gave.
    struct Frame {
        size_t outer;
        size_t scope;
    };
    Frame EnterBody(const Value& dot) {
        const Frame frame{.outer = frame_, .scope = variables_.size()};
        frame_ = frame.scope;
        variables_.push_back(dot);
        return frame;
    }
    void LeaveBody(Frame frame) {
        variables_.resize(frame.scope);
        frame_ = frame.outer;
    }

    // Counts work; false when the execution is to end (this or an earlier failure).
    bool Spend(int64_t steps, int line) {
        steps_ += steps;
        const bool within = steps_ <= limits_.max_steps && arena_.reserved_bytes() - arena_start_ <=
                                                               kValuesPerOutput * limits_.max_output_bytes;
        return within ? !failed() : Overspent(line);
    }
    bool failed() const noexcept { return !error_.empty(); }
    // The first failure is kept. `at`: the words of the template concerned, or empty. -> null
    Value Fail(int line, std::string_view at, const std::string& message);
    Value Fail(const Operand& at, const std::string& message);
    const std::string& error() const noexcept { return error_; }

  private:
    static constexpr size_t kValuesPerOutput = 4;
    static constexpr int64_t kBytesPerStep = 64;  // read or made by a function

    Value EvaluateCommand(const Command& command, const Value& dot, const Value* piped);
    Value EvaluateOperand(const Operand& operand, const Value& dot);
    Value Fields(Value base, const Operand& operand, const Command* command, const Value* piped,
                 const Value& dot);
    Value Field(const Value& base, const std::string& name, const Operand& at);
    Value CallFunction(const Operand& name, const Command& command, const Value& dot, const Value* piped);
    Value ShortCircuit(const Operand& name, const Command& command, const Value& dot, const Value* piped);
    // Counts what a function may have to read of its arguments.
    bool SpendOn(std::span<const Value> args, int line);
    bool CheckArguments(const Function& function, std::span<const Value> args, const Operand& at);
    bool Overspent(int line);
    std::string_view TypeShown(const Value& value);

    const std::string& name_;
    Arena& arena_;
    const size_t arena_start_;
    const Limits& limits_;
    VariableStack variables_;
    size_t frame_ = 0;  // first variable of the running body
    int64_t steps_ = 0;
    std::string error_;
};

}  // namespace haumea::text_template
