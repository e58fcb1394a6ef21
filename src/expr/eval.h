#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/clock.h"
#include "data/row.h"
#include "data/value.h"

namespace haumea::expr {

// One row on its way through the operators: the decoded message and what operators added to it. Trivially
// copyable; everything it points to lives as long as the batch or, inside a window, as long as the window
// keeps it.
struct Tuple {
    Row row;
    const Value* meta = nullptr;     // kObject of the source's metadata, or null
    const Value* derived = nullptr;  // results of window functions, by index; null when the rule has none
};

// The time range of the window that is being evaluated, epoch milliseconds.
struct WindowRange {
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    int64_t trigger_ms = 0;
};

// Everything an expression sees while it is evaluated. Owned by the operator chain of one rule, reused from
// row to row; home loop only.
class EvalContext {
  public:
    EvalContext(Arena& result_arena, const Clock& rule_clock, std::string_view rule)
        : arena(result_arena), clock(rule_clock), rule_id(rule) {}

    Arena& arena;  // results live here until the batch ends
    const Clock& clock;
    std::string_view rule_id;

    // The row of columns; null in the result of an empty window, where every column is missing.
    const Tuple* tuple = nullptr;
    // What aggregates range over: the group, the window, or the row alone.
    std::span<const Tuple> group;
    const WindowRange* window = nullptr;  // null without a window
    // Result of event_time(): the row's timestamp, or the trigger of the window in an aggregate query.
    int64_t event_time_ms = 0;

    // Values computed once per row (aliases) or once per group (aggregates). A value is valid while its
    // stamp equals the current one; Switch...() starts a new row or group.
    struct Memo {
        Value value;
        uint64_t stamp = 0;
    };
    std::vector<Memo> memos;
    uint64_t row_stamp = 0;
    uint64_t group_stamp = 0;

    void SwitchRow(const Tuple* next) noexcept {
        tuple = next;
        row_stamp = ++last_stamp_;
    }
    void SwitchGroup(std::span<const Tuple> tuples) noexcept {
        group = tuples;
        group_stamp = ++last_stamp_;
    }

  private:
    uint64_t last_stamp_ = 0;
};

}  // namespace haumea::expr
