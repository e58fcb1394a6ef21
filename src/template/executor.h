#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "template/function.h"
#include "template/template.h"

namespace haumea::text_template {

// Values of variables. The usual few stand in the object itself, more in the arena.
class VariableStack {
  public:
    explicit VariableStack(Arena& arena) : arena_(&arena) {}
    VariableStack(const VariableStack&) = delete;
    VariableStack& operator=(const VariableStack&) = delete;

    size_t size() const noexcept { return size_; }
    Value& operator[](size_t index) noexcept { return values_[index]; }
    void push_back(const Value& value) {
        resize(size_ + 1);
        values_[size_ - 1] = value;
    }
    // New ones are missing.
    void resize(size_t size) {
        if (size > capacity_) {
            const size_t capacity = std::max(size, 2 * capacity_);
            Value* more = arena_->AllocateArray<Value>(capacity);
            std::copy_n(values_, size_, more);
            values_ = more;
            capacity_ = capacity;
        }
        if (size > size_) {
            std::fill_n(values_ + size_, size - size_, Value());
        }
        size_ = size;
    }

  private:
    Arena* arena_;
    std::array<Value, 16> first_;
    Value* values_ = first_.data();
    size_t size_ = 0;
    size_t capacity_ = first_.size();
};

// One execution of a template: the variable stack, the budget, the output. Lives on the stack of
// Template::Execute.
class Executor {
  public:
    Executor(const Template& source, Arena& arena, BufferBuilder& out, const Limits& limits)
        : template_(source),
          arena_(arena),
          out_(out),
          start_(out.size()),
          arena_start_(arena.reserved_bytes()),
          limits_(limits),
          variables_(arena) {}

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
    const size_t arena_start_;
    const Limits& limits_;
    VariableStack variables_;
    size_t frame_ = 0;  // first variable of the running body
    int64_t steps_ = 0;
    int depth_ = 0;
    std::string error_;
};

}  // namespace haumea::text_template
