#pragma once

#include "exec/operator.h"
#include "exec/row_store.h"

namespace haumea::exec {

// Event time: holds rows back until no older ones are expected (the newest timestamp minus the tolerance for
// late ones), then releases them in order of their timestamps. Rows older than the watermark are dropped and
// counted.
class Watermark final : public Operator {
  public:
    Watermark(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats, int64_t late_tolerance_ms)
        : Operator(context, std::move(stats)),
          late_tolerance_ms_(late_tolerance_ms),
          rows_(context.window_memory, context.plan.layout->size(), 0) {}

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection&) noexcept override { return true; }

  private:
    bool Hold(const expr::Tuple& tuple) noexcept;
    void Advance(int64_t watermark_ms) noexcept;
    void Release() noexcept;

    const int64_t late_tolerance_ms_;
    int64_t watermark_ms_ = INT64_MIN;
    RowStore rows_;      // by timestamp, equal ones by arrival
    bool full_ = false;  // and said so
};

}  // namespace haumea::exec
