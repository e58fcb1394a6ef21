#pragma once

#include <string>
#include <vector>

#include "template/function.h"
#include "template/template.h"

namespace haumea::text_template {

// One execution of a template: the variable stack, the budget, the output. Lives on the stack of
// Template::Execute.
class Executor {
  public:
    Executor(const Template& source, Arena& arena, BufferBuilder& out, const Limits& limits)
        : template_(source), arena_(arena), out_(out), start_(out.size()), limits_(limits) {}

    bool Run(const Value& dot, std::string& error);

  private:
    enum class Flow : uint8_t { kNext, kBreak, kContinue, kStop };

    Flow Walk(const std::vector<Node>& nodes, const Value& dot);
    Flow Branch(const Node& node, const Value& dot);
    Flow Range(const Node& node, const Value& dot);
    Flow Iterate(const Node& node, const Value& key, const Value& item);
    Flow CallTemplate(const Node& node, const Value& dot);
    void Print(const Value& value);

    Value Evaluate(const Pipe& pipe, const Value& dot);
    Value EvaluateCommand(const Command& command, const Value& dot, const Value* piped);
    Value EvaluateOperand(const Operand& operand, const Value& dot);
    Value Fields(Value base, const Operand& operand, const Command* command, const Value* piped,
                 const Value& dot);
    Value Field(const Value& base, const std::string& name, const Operand& at);
    Value TimeMethod(const Value& time, const std::string& name, std::span<const Value> args,
                     const Operand& at);
    Value CallFunction(const Operand& name, const Command& command, const Value& dot, const Value* piped);
    Value ShortCircuit(const Operand& name, const Command& command, const Value& dot, const Value* piped);
    bool CheckArguments(const Function& function, std::span<const Value> args, const Operand& at);

    bool Spend(int64_t steps, int line);
    bool failed() const { return !error_.empty(); }
    Value Fail(int line, std::string_view at, const std::string& message);

    const Template& template_;
    Arena& arena_;
    BufferBuilder& out_;
    const size_t start_;
    const Limits& limits_;
    std::vector<Value> variables_;
    size_t frame_ = 0;  // first variable of the running body
    int64_t steps_ = 0;
    int depth_ = 0;
    std::string error_;
};

}  // namespace haumea::text_template
