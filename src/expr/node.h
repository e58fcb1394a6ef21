#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "data/value.h"
#include "expr/eval.h"
#include "expr/function.h"
#include "sql/ast.h"

namespace haumea::expr {

// One compiled expression node: a function and what it works on. Which members are used is the business of
// the evaluation function that the compiler chose. Immutable after compilation, owned by a Program.
struct Node {
    using Evaluate = Value (*)(const Node& node, EvalContext& ctx) noexcept;

    Evaluate evaluate = nullptr;
    const Node* a = nullptr;
    const Node* b = nullptr;
    const Node* c = nullptr;
    uint32_t slot = 0;   // column slot, memo or derived index
    uint32_t slot2 = 0;  // second column slot of fused nodes
    sql::BinaryOp op = sql::BinaryOp::kAdd;
    bool flag = false;  // negation of IN, BETWEEN, LIKE; row or group memo
    Value literal;
    double number = 0;      // numeric literal of fused comparisons
    std::string_view text;  // key of an object, column name
    std::span<const Node* const> children;
    const FunctionDescriptor* function = nullptr;
    const FunctionState* state = nullptr;

    Value Run(EvalContext& ctx) const noexcept { return evaluate(*this, ctx); }
};

// Owns the nodes, literals and function states of all expressions of one rule. Filled while the rule is
// planned, then read by its home loop.
class Program {
  public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    Node* NewNode(Node::Evaluate evaluate) {
        nodes_.emplace_back();
        nodes_.back().evaluate = evaluate;
        return &nodes_.back();
    }
    std::span<const Node* const> Keep(const std::vector<const Node*>& nodes) {
        auto* copy = arena_.AllocateArray<const Node*>(nodes.size());
        std::copy(nodes.begin(), nodes.end(), copy);
        return {copy, nodes.size()};
    }
    std::string_view Keep(std::string_view text) { return arena_.Copy(text); }
    Value Keep(const Value& value) { return CopyValue(value, arena_); }
    const FunctionState* Keep(std::unique_ptr<FunctionState> state) {
        states_.push_back(std::move(state));
        return states_.back().get();
    }
    uint32_t NewMemo() { return memos_++; }
    // Size of EvalContext::memos.
    uint32_t memos() const { return memos_; }
    Arena& arena() { return arena_; }

  private:
    std::deque<Node> nodes_;
    Arena arena_;
    std::vector<std::unique_ptr<FunctionState>> states_;
    uint32_t memos_ = 0;
};

}  // namespace haumea::expr
