#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/arena.h"
#include "data/value.h"

namespace haumea::expr {

struct FunctionContext;

// What one call of an analytic function remembers from row to row: lag, latest, changed_col, had_changed,
// acc_*. One for each partition of OVER (PARTITION BY ...). Owned by the operator that runs the call; home
// loop only.
class AnalyticState {
  public:
    virtual ~AnalyticState() = default;
    // The result for the next row. `counts`: OVER (WHEN ...) holds, or there is none; otherwise nothing is
    // remembered. The result lives in ctx.arena or in what `args` point to.
    virtual Value Next(std::span<const Value> args, bool counts, FunctionContext& ctx) noexcept = 0;
    // Memory that is held beside the object itself.
    virtual size_t bytes() const noexcept { return 0; }
};

// One value that outlives the row that it came with.
class OwnedValue {
  public:
    const Value& get() const noexcept { return value_; }
    void Set(const Value& value) {
        arena_.Reset();
        value_ = CopyValue(value, arena_);
    }
    size_t bytes() const noexcept { return sizeof(OwnedValue) + arena_.reserved_bytes(); }

  private:
    static constexpr size_t kFirstChunk = 64;
    Arena arena_{kFirstChunk};
    Value value_;
};

}  // namespace haumea::expr
