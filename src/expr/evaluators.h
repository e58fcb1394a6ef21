#pragma once

#include "expr/node.h"

// The functions that nodes run; chosen by the Compiler. Each reads the members of Node that its comment
// names.
namespace haumea::expr::eval {

Value Literal(const Node& node, EvalContext& ctx) noexcept;      // literal
Value Slot(const Node& node, EvalContext& ctx) noexcept;         // slot
Value Derived(const Node& node, EvalContext& ctx) noexcept;      // slot: index into Tuple::derived
Value MemoOfRow(const Node& node, EvalContext& ctx) noexcept;    // a, slot: memo
Value MemoOfGroup(const Node& node, EvalContext& ctx) noexcept;  // a, slot: memo
// The specialised evaluation of `op` with operands a and b.
Node::Evaluate BinaryFor(sql::BinaryOp op) noexcept;
// `column op number`: slot, number, literal, op. Comparisons only.
Node::Evaluate SlotNumberFor(sql::BinaryOp op) noexcept;
// `column op column`: slot, slot2, op. Comparisons only.
Node::Evaluate SlotSlotFor(sql::BinaryOp op) noexcept;
Value Member(const Node& node, EvalContext& ctx) noexcept;     // a, text
Value Index(const Node& node, EvalContext& ctx) noexcept;      // a, b: index
Value SliceOf(const Node& node, EvalContext& ctx) noexcept;    // a, b: start, c: end; null = open
Value InSet(const Node& node, EvalContext& ctx) noexcept;      // a, children, flag: NOT
Value InArray(const Node& node, EvalContext& ctx) noexcept;    // a, b: array, flag: NOT
Value Between(const Node& node, EvalContext& ctx) noexcept;    // a, b: low, c: high, flag: NOT
Value Like(const Node& node, EvalContext& ctx) noexcept;       // a, b: pattern, flag: NOT
Value CaseWhen(const Node& node, EvalContext& ctx) noexcept;   // children: condition, result...; a: else
Value CaseValue(const Node& node, EvalContext& ctx) noexcept;  // b: value; children, a as above
Value Call(const Node& node, EvalContext& ctx) noexcept;       // function, state, children, text: name
Value Aggregate(const Node& node, EvalContext& ctx) noexcept;  // function, state, children, text: name
Value WholeRow(const Node& node, EvalContext& ctx) noexcept;   // state: WildcardState
Value WindowStart(const Node& node, EvalContext& ctx) noexcept;
Value WindowEnd(const Node& node, EvalContext& ctx) noexcept;
Value WindowTrigger(const Node& node, EvalContext& ctx) noexcept;
Value EventTime(const Node& node, EvalContext& ctx) noexcept;
// How often, and in which window before this one, the node ran for a group. One memo each (slot; slot2 for
// the time): their values are plain numbers and outlive the batch.
Value AggregateHitCount(const Node& node, EvalContext& ctx) noexcept;
Value AggregateHitTime(const Node& node, EvalContext& ctx) noexcept;
Value RuleId(const Node& node, EvalContext& ctx) noexcept;
Value MetaAll(const Node& node, EvalContext& ctx) noexcept;
Value MetaKey(const Node& node, EvalContext& ctx) noexcept;  // text

// What WholeRow leaves out or replaces. Owned by the Program.
struct WildcardState final : FunctionState {
    const RowLayout* layout = nullptr;
    std::vector<uint32_t> slots;      // shown slots, sorted by key
    std::vector<std::string> hidden;  // EXCEPT: keys that are not shown, sorted
    // REPLACE: a null leaves the column as it is.
    struct Replacement {
        std::string key;
        const Node* node;
    };
    std::vector<Replacement> replacements;
};
// Writes the fields of the row to `out`, sorted by key. Returns the first error, else null.
Value AppendRowFields(const WildcardState& state, EvalContext& ctx, Field* out, size_t& count) noexcept;
// Adds or replaces `key` in fields that are sorted by key; there is room for one more.
void InsertField(Field* fields, size_t& count, std::string_view key, const Value& value) noexcept;
// Upper bound of what AppendRowFields writes.
size_t MaxRowFields(const WildcardState& state, const EvalContext& ctx) noexcept;

}  // namespace haumea::expr::eval
