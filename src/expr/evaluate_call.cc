#include <algorithm>
#include <array>
#include <string>

#include "expr/evaluators.h"
#include "expr/fn_support.h"
#include "expr/operators.h"

namespace haumea::expr::eval {
namespace {

FunctionContext ContextFor(const Node& node, EvalContext& ctx) noexcept {
    return {.arena = ctx.arena,
            .clock = ctx.clock,
            .rule_id = ctx.rule_id,
            .event_time_ms = ctx.event_time_ms,
            .state = node.state};
}

Value Named(const Node& node, const Value& result, EvalContext& ctx) noexcept {
    if (!result.is_error()) [[likely]] {
        return result;
    }
    std::string prefix = "call func ";
    prefix += node.text;
    prefix += " error: ";
    return PrefixError(prefix, result, ctx.arena);
}

// repeat(repeat(repeat(x, 1000), 1000), 1000) takes few bytes and would be shown as 4 GB.
constexpr size_t kMaxAggregateBytes = size_t{256} << 20U;

Value Bounded(const Value& result, size_t limit) noexcept {
    const bool nested = result.is_array() || result.is_object();
    if (!nested || TextBytes(result, limit) <= limit) [[likely]] {
        return result;
    }
    return Value::Error(limit == kMaxResultBytes ? "the result is longer than 16 MiB"
                                                 : "the result is longer than 256 MiB");
}

}  // namespace

Value Call(const Node& node, EvalContext& ctx) noexcept {
    constexpr size_t kInline = 8;
    std::array<Value, kInline> few;
    const size_t count = node.children.size();
    Value* args = count <= kInline ? few.data() : ctx.arena.AllocateArray<Value>(count);
    bool any_null = false;
    for (size_t i = 0; i < count; ++i) {
        args[i] = node.children[i]->Run(ctx);
        if (args[i].is_error()) {
            return args[i];
        }
        any_null |= args[i].is_null();
    }
    if (any_null && node.function->null_rule == NullRule::kNullIfAny) {
        return Value::Null();
    }
    FunctionContext context = ContextFor(node, ctx);
    return Named(node, Bounded(node.function->scalar({args, count}, context), kMaxResultBytes), ctx);
}

// The arguments are evaluated for every row of the group, each row in its own right.
Value Aggregate(const Node& node, EvalContext& ctx) noexcept {
    const std::span<const Tuple> group = ctx.group;
    auto* columns = ctx.arena.AllocateArray<std::span<const Value>>(node.children.size());
    const Tuple* tuple = ctx.tuple;
    const uint64_t row_stamp = ctx.row_stamp;
    const int64_t event_time = ctx.event_time_ms;
    for (size_t i = 0; i < node.children.size(); ++i) {
        const Node& child = *node.children[i];
        auto* values = ctx.arena.AllocateArray<Value>(group.size());
        for (size_t k = 0; k < group.size(); ++k) {
            ctx.SwitchRow(&group[k]);
            ctx.event_time_ms = group[k].row.timestamp_ms;
            values[k] = child.Run(ctx);
            if (values[k].is_error()) {
                const Value error = values[k];
                ctx.tuple = tuple;
                ctx.row_stamp = row_stamp;
                ctx.event_time_ms = event_time;
                return error;
            }
        }
        columns[i] = {values, group.size()};
    }
    ctx.tuple = tuple;
    ctx.row_stamp = row_stamp;
    ctx.event_time_ms = event_time;
    // Nothing to aggregate: no result, not even a count of 0.
    if (group.empty()) {
        return Value::Null();
    }
    FunctionContext context = ContextFor(node, ctx);
    return Named(
        node, Bounded(node.function->aggregate({columns, node.children.size()}, context), kMaxAggregateBytes),
        ctx);
}

size_t MaxRowFields(const WildcardState& state, const EvalContext& ctx) noexcept {
    return state.slots.size() + state.replacements.size() +
           (ctx.tuple == nullptr ? 0 : ctx.tuple->row.rest.size());
}

void InsertField(Field* fields, size_t& count, std::string_view key, const Value& value) noexcept {
    Field* end = fields + count;
    Field* at =
        std::lower_bound(fields, end, key, [](const Field& f, std::string_view k) { return f.key < k; });
    if (at != end && at->key == key) {
        at->value = value;
        return;
    }
    std::copy_backward(at, end, end + 1);
    *at = {key, value};
    ++count;
}

Value AppendRowFields(const WildcardState& state, EvalContext& ctx, Field* out, size_t& count) noexcept {
    if (ctx.tuple != nullptr) {
        const Row& row = ctx.tuple->row;
        // Both parts are sorted by key.
        auto rest = row.rest.begin();
        const auto take_rest = [&] {
            if (!std::binary_search(state.hidden.begin(), state.hidden.end(), rest->key)) {
                out[count++] = *rest;
            }
            ++rest;
        };
        for (const uint32_t slot : state.slots) {
            if (row.slots[slot].is_missing()) {
                continue;
            }
            const std::string_view key = state.layout->keys()[slot];
            while (rest != row.rest.end() && rest->key < key) {
                take_rest();
            }
            out[count++] = {key, row.slots[slot]};
        }
        while (rest != row.rest.end()) {
            take_rest();
        }
    }
    for (const WildcardState::Replacement& replacement : state.replacements) {
        const Value value = replacement.node->Run(ctx);
        if (value.is_error()) {
            return value;
        }
        if (!value.is_null()) {
            InsertField(out, count, replacement.key, value);
        }
    }
    return Value::Null();
}

Value WholeRow(const Node& node, EvalContext& ctx) noexcept {
    const auto& state = static_cast<const WildcardState&>(*node.state);
    Field* fields = ctx.arena.AllocateArray<Field>(MaxRowFields(state, ctx));
    size_t count = 0;
    if (const Value error = AppendRowFields(state, ctx, fields, count); error.is_error()) {
        return error;
    }
    return Value::Object({fields, count});
}

}  // namespace haumea::expr::eval
