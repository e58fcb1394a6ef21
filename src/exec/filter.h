#pragma once

#include "exec/operator.h"

namespace haumea::exec {

// WHERE, and FILTER of a window: rows for which the condition is true go on. Of a collection the rest goes
// on; nothing does when no row is left.
class Filter final : public Operator {
  public:
    Filter(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats, const expr::Node& condition)
        : Operator(context, std::move(stats)), condition_(condition) {}

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection& collection) noexcept override;

  private:
    const expr::Node& condition_;
    std::string reason_;
};

// HAVING: groups for which the condition is true go on. Without groups the whole collection passes or not.
class Having final : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection& collection) noexcept override;

  private:
    std::string reason_;
};

}  // namespace haumea::exec
