#include "expr/evaluators.h"

#include <algorithm>
#include <string>

#include "data/go_format.h"
#include "expr/access.h"
#include "expr/like.h"
#include "expr/operators.h"

namespace haumea::expr::eval {
namespace {

using sql::BinaryOp;

Value SlotOf(const EvalContext& ctx, uint32_t slot) noexcept {
    return ctx.tuple == nullptr ? Value::Missing() : ctx.tuple->row.slots[slot];
}

template <BinaryOp Op, typename T>
bool Holds(const T& a, const T& b) noexcept {
    if constexpr (Op == BinaryOp::kEq) {
        return a == b;
    } else if constexpr (Op == BinaryOp::kNe) {
        return a != b;
    } else if constexpr (Op == BinaryOp::kLt) {
        return a < b;
    } else if constexpr (Op == BinaryOp::kLe) {
        return a <= b;
    } else if constexpr (Op == BinaryOp::kGt) {
        return a > b;
    } else {
        return a >= b;
    }
}

template <BinaryOp Op>
Value CompareValues(const Value& a, const Value& b, EvalContext& ctx) noexcept {
    if (a.type() == Type::kDouble && b.type() == Type::kDouble) {
        return Value::Bool(Holds<Op>(a.as_double(), b.as_double()));
    }
    if (a.type() == Type::kInt && b.type() == Type::kInt) {
        return Value::Bool(Holds<Op>(a.as_int(), b.as_int()));
    }
    if (a.is_string() && b.is_string()) {
        return Value::Bool(Holds<Op>(a.text(), b.text()));
    }
    return ApplyBinary(Op, a, b, ctx.arena);
}

template <BinaryOp Op>
Value CompareNodes(const Node& node, EvalContext& ctx) noexcept {
    const Value a = node.a->Run(ctx);
    const Value b = node.b->Run(ctx);
    return CompareValues<Op>(a, b, ctx);
}

template <BinaryOp Op>
Value CompareSlotNumber(const Node& node, EvalContext& ctx) noexcept {
    const Value a = SlotOf(ctx, node.slot);
    if (a.type() == Type::kDouble) {
        return Value::Bool(Holds<Op>(a.as_double(), node.number));
    }
    return ApplyBinary(Op, a, node.literal, ctx.arena);
}

template <BinaryOp Op>
Value CompareSlots(const Node& node, EvalContext& ctx) noexcept {
    return CompareValues<Op>(SlotOf(ctx, node.slot), SlotOf(ctx, node.slot2), ctx);
}

template <BinaryOp Op>
Value Arithmetic(const Node& node, EvalContext& ctx) noexcept {
    const Value a = node.a->Run(ctx);
    const Value b = node.b->Run(ctx);
    if constexpr (Op == BinaryOp::kAdd || Op == BinaryOp::kSub || Op == BinaryOp::kMul) {
        if (a.type() == Type::kDouble && b.is_number()) {
            const double x = a.as_double();
            const double y = b.number();
            return Value::Double(Op == BinaryOp::kAdd ? x + y : Op == BinaryOp::kSub ? x - y : x * y);
        }
    }
    return ApplyBinary(Op, a, b, ctx.arena);
}

template <BinaryOp Op>
Value Logic(const Node& node, EvalContext& ctx) noexcept {
    const Value a = node.a->Run(ctx);
    // AND is decided by false on the left, OR by true.
    if (a.type() == Type::kBool && a.as_bool() == (Op == BinaryOp::kOr)) {
        return a;
    }
    if (a.is_error()) {
        return a;
    }
    const Value b = node.b->Run(ctx);
    if (a.type() == Type::kBool && b.type() == Type::kBool) {
        return b;
    }
    return ApplyBinary(Op, a, b, ctx.arena);
}

Value Generic(const Node& node, EvalContext& ctx) noexcept {
    const Value a = node.a->Run(ctx);
    const Value b = node.b->Run(ctx);
    return ApplyBinary(node.op, a, b, ctx.arena);
}

// `value = item` inside IN and CASE: null never matches. kBool or kError.
Value Matches(const Value& value, const Value& item, std::string_view context, EvalContext& ctx) noexcept {
    const Value equal = ApplyBinary(BinaryOp::kEq, value, item, ctx.arena);
    return equal.is_error() ? PrefixError(context, equal, ctx.arena) : equal;
}

constexpr std::string_view kInError = "evaluate in expression error: ";
constexpr std::string_view kCaseError = "evaluate case expression error: ";

Value RefuseComposite(const Value& value, bool negated, EvalContext& ctx) noexcept {
    std::string text(ToText(negated ? BinaryOp::kNotIn : BinaryOp::kIn));
    text += " is an invalid operation for ";
    text += GoTypeName(value.type());
    return MakeError(text, ctx.arena);
}

bool IsComposite(const Value& value) noexcept {
    return value.is_array() || value.is_object() || value.type() == Type::kBytes;
}

}  // namespace

Value Literal(const Node& node, EvalContext&) noexcept { return node.literal; }
Value Slot(const Node& node, EvalContext& ctx) noexcept { return SlotOf(ctx, node.slot); }
Value Derived(const Node& node, EvalContext& ctx) noexcept {
    return ctx.tuple == nullptr || ctx.tuple->derived == nullptr ? Value::Null()
                                                                 : ctx.tuple->derived[node.slot];
}

Value MemoOfRow(const Node& node, EvalContext& ctx) noexcept {
    EvalContext::Memo& memo = ctx.memos[node.slot];
    if (memo.stamp == ctx.row_stamp) {
        return memo.value;
    }
    const uint64_t stamp = ctx.row_stamp;
    const Value value = node.a->Run(ctx);
    ctx.memos[node.slot] = {value, stamp};
    return value;
}

Value MemoOfGroup(const Node& node, EvalContext& ctx) noexcept {
    EvalContext::Memo& memo = ctx.memos[node.slot];
    if (memo.stamp == ctx.group_stamp) {
        return memo.value;
    }
    const uint64_t stamp = ctx.group_stamp;
    const Value value = node.a->Run(ctx);
    ctx.memos[node.slot] = {value, stamp};
    return value;
}

Value AggregateHitCount(const Node& node, EvalContext& ctx) noexcept {
    EvalContext::Memo& memo = ctx.memos[node.slot];
    if (memo.stamp != ctx.group_stamp) {
        memo = {Value::Int(memo.stamp == 0 ? 0 : memo.value.as_int() + 1), ctx.group_stamp};
    }
    return memo.value;
}

Value AggregateHitTime(const Node& node, EvalContext& ctx) noexcept {
    EvalContext::Memo& before = ctx.memos[node.slot];
    EvalContext::Memo& last = ctx.memos[node.slot2];
    if (last.stamp != ctx.group_stamp) {
        before.value = last.stamp == 0 ? Value::Int(0) : last.value;
        last = {Value::Int(ctx.window == nullptr ? ctx.event_time_ms : ctx.window->trigger_ms),
                ctx.group_stamp};
    }
    return before.value;
}

Node::Evaluate BinaryFor(BinaryOp op) noexcept {
    switch (op) {
        case BinaryOp::kAdd:
            return Arithmetic<BinaryOp::kAdd>;
        case BinaryOp::kSub:
            return Arithmetic<BinaryOp::kSub>;
        case BinaryOp::kMul:
            return Arithmetic<BinaryOp::kMul>;
        case BinaryOp::kAnd:
            return Logic<BinaryOp::kAnd>;
        case BinaryOp::kOr:
            return Logic<BinaryOp::kOr>;
        case BinaryOp::kEq:
            return CompareNodes<BinaryOp::kEq>;
        case BinaryOp::kNe:
            return CompareNodes<BinaryOp::kNe>;
        case BinaryOp::kLt:
            return CompareNodes<BinaryOp::kLt>;
        case BinaryOp::kLe:
            return CompareNodes<BinaryOp::kLe>;
        case BinaryOp::kGt:
            return CompareNodes<BinaryOp::kGt>;
        case BinaryOp::kGe:
            return CompareNodes<BinaryOp::kGe>;
        default:
            return Generic;
    }
}

Node::Evaluate SlotNumberFor(BinaryOp op) noexcept {
    switch (op) {
        case BinaryOp::kEq:
            return CompareSlotNumber<BinaryOp::kEq>;
        case BinaryOp::kNe:
            return CompareSlotNumber<BinaryOp::kNe>;
        case BinaryOp::kLt:
            return CompareSlotNumber<BinaryOp::kLt>;
        case BinaryOp::kLe:
            return CompareSlotNumber<BinaryOp::kLe>;
        case BinaryOp::kGt:
            return CompareSlotNumber<BinaryOp::kGt>;
        case BinaryOp::kGe:
            return CompareSlotNumber<BinaryOp::kGe>;
        default:
            return nullptr;
    }
}

Node::Evaluate SlotSlotFor(BinaryOp op) noexcept {
    switch (op) {
        case BinaryOp::kEq:
            return CompareSlots<BinaryOp::kEq>;
        case BinaryOp::kNe:
            return CompareSlots<BinaryOp::kNe>;
        case BinaryOp::kLt:
            return CompareSlots<BinaryOp::kLt>;
        case BinaryOp::kLe:
            return CompareSlots<BinaryOp::kLe>;
        case BinaryOp::kGt:
            return CompareSlots<BinaryOp::kGt>;
        case BinaryOp::kGe:
            return CompareSlots<BinaryOp::kGe>;
        default:
            return nullptr;
    }
}

Value Member(const Node& node, EvalContext& ctx) noexcept {
    return MemberOf(node.a->Run(ctx), node.text, ctx.arena);
}

// The position that a bracket expression gives; false with the error in `value` when it is no number.
static bool Position(const Node& node, EvalContext& ctx, Value& value, int64_t& position) noexcept {
    value = node.Run(ctx);
    if (value.is_error()) {
        return false;
    }
    if (value.type() == Type::kInt) {
        position = value.as_int();
        return true;
    }
    constexpr double kLimit = 9.0e18;
    if (value.type() == Type::kDouble && value.as_double() > -kLimit && value.as_double() < kLimit) {
        position = static_cast<int64_t>(value.as_double());
        return true;
    }
    value = MakeError("invalid index " + GoTyped(value) + ", expect a number", ctx.arena);
    return false;
}

Value Index(const Node& node, EvalContext& ctx) noexcept {
    const Value base = node.a->Run(ctx);
    if (base.is_error() || base.is_null()) {
        return base.is_error() ? base : Value::Null();
    }
    Value index;
    int64_t position = 0;
    return Position(*node.b, ctx, index, position) ? ElementAt(base, position, ctx.arena) : index;
}

Value SliceOf(const Node& node, EvalContext& ctx) noexcept {
    const Value base = node.a->Run(ctx);
    if (base.is_error() || base.is_null()) {
        return base.is_error() ? base : Value::Null();
    }
    Value bound;
    int64_t start = 0;
    int64_t end = kOpenEnd;
    if (node.b != nullptr && !Position(*node.b, ctx, bound, start)) {
        return bound;
    }
    if (node.c != nullptr && !Position(*node.c, ctx, bound, end)) {
        return bound;
    }
    return Slice(base, start, end, ctx.arena);
}

Value InSet(const Node& node, EvalContext& ctx) noexcept {
    const Value value = node.a->Run(ctx);
    if (value.is_error()) {
        return value;
    }
    if (IsComposite(value)) {
        return RefuseComposite(value, node.flag, ctx);
    }
    if (value.is_null()) {
        return Value::Bool(false);
    }
    for (const Node* child : node.children) {
        const Value item = child->Run(ctx);
        if (item.is_error()) {
            return item;
        }
        const Value match = Matches(value, item, kInError, ctx);
        if (match.is_error() || match.as_bool()) {
            return match.is_error() ? match : Value::Bool(!node.flag);
        }
    }
    return Value::Bool(node.flag);
}

Value InArray(const Node& node, EvalContext& ctx) noexcept {
    const Value value = node.a->Run(ctx);
    const Value array = node.b->Run(ctx);
    if (value.is_error() || array.is_error()) {
        return value.is_error() ? value : array;
    }
    if (IsComposite(value)) {
        return RefuseComposite(value, node.flag, ctx);
    }
    if (value.is_null()) {
        return Value::Bool(false);
    }
    if (!array.is_array()) {
        return Value::Bool(node.flag);
    }
    for (const Value& item : array.items()) {
        const Value match = Matches(value, item, kInError, ctx);
        if (match.is_error() || match.as_bool()) {
            return match.is_error() ? match : Value::Bool(!node.flag);
        }
    }
    return Value::Bool(node.flag);
}

Value Between(const Node& node, EvalContext& ctx) noexcept {
    const Value value = node.a->Run(ctx);
    const Value low = node.b->Run(ctx);
    const Value high = node.c->Run(ctx);
    for (const Value* operand : {&value, &low, &high}) {
        if (operand->is_error()) {
            return *operand;
        }
    }
    if (value.is_null() || low.is_null() || high.is_null()) {
        return Value::Bool(false);
    }
    const Order from = Compare(value, low);
    const Order to = Compare(value, high);
    if (!from.comparable || !to.comparable) {
        const Value& bound = from.comparable ? high : low;
        return MakeError("between operator cannot compare " + GoTyped(value) + " and " + GoTyped(bound),
                         ctx.arena);
    }
    return Value::Bool((from.sign >= 0 && to.sign <= 0 && !from.unordered && !to.unordered) != node.flag);
}

Value Like(const Node& node, EvalContext& ctx) noexcept {
    const Value value = node.a->Run(ctx);
    if (value.is_error()) {
        return value;
    }
    if (!value.is_string()) {
        std::string text = "LIKE operator left operand expects string, but found ";
        AppendGoText(text, value);
        return MakeError(text, ctx.arena);
    }
    const Value pattern = node.b->Run(ctx);
    if (pattern.is_error()) {
        return pattern;
    }
    if (!pattern.is_string()) {
        std::string text = "invalid LIKE pattern, must be a string but got ";
        AppendGoText(text, pattern);
        return MakeError(text, ctx.arena);
    }
    const std::optional<bool> matches = LikeMatch(value.text(), pattern.text());
    if (!matches) {
        return Value::Error(
            "LIKE gives up: text and pattern are too long for each other; use a shorter pattern");
    }
    return Value::Bool(*matches != node.flag);
}

Value CaseWhen(const Node& node, EvalContext& ctx) noexcept {
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        const Value condition = node.children[i]->Run(ctx);
        if (condition.is_error()) {
            return PrefixError(kCaseError, condition, ctx.arena);
        }
        if (condition.type() == Type::kBool && condition.as_bool()) {
            return node.children[i + 1]->Run(ctx);
        }
    }
    return node.a == nullptr ? Value::Null() : node.a->Run(ctx);
}

Value CaseValue(const Node& node, EvalContext& ctx) noexcept {
    const Value value = node.b->Run(ctx);
    if (value.is_error()) {
        return value;
    }
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        const Value candidate = node.children[i]->Run(ctx);
        const Value match = Matches(value, candidate, kCaseError, ctx);
        if (match.is_error()) {
            return match;
        }
        if (match.type() == Type::kBool && match.as_bool()) {
            return node.children[i + 1]->Run(ctx);
        }
    }
    return node.a == nullptr ? Value::Null() : node.a->Run(ctx);
}

Value WindowStart(const Node&, EvalContext& ctx) noexcept {
    return Value::Int(ctx.window == nullptr ? 0 : ctx.window->start_ms);
}
Value WindowEnd(const Node&, EvalContext& ctx) noexcept {
    return Value::Int(ctx.window == nullptr ? 0 : ctx.window->end_ms);
}
Value WindowTrigger(const Node&, EvalContext& ctx) noexcept {
    return Value::Int(ctx.window == nullptr ? 0 : ctx.window->trigger_ms);
}
Value EventTime(const Node&, EvalContext& ctx) noexcept { return Value::Int(ctx.event_time_ms); }
Value RuleId(const Node&, EvalContext& ctx) noexcept { return Value::String(ctx.rule_id); }

Value MetaAll(const Node&, EvalContext& ctx) noexcept {
    return ctx.tuple == nullptr || ctx.tuple->meta == nullptr ? Value::Null() : *ctx.tuple->meta;
}
Value MetaKey(const Node& node, EvalContext& ctx) noexcept {
    return ctx.tuple == nullptr || ctx.tuple->meta == nullptr ? Value::Null()
                                                              : ctx.tuple->meta->Get(node.text);
}

}  // namespace haumea::expr::eval
