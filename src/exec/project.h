#pragma once

#include <vector>

#include "exec/operator.h"

namespace haumea::exec {

// The select list and LIMIT: turns rows and groups into output objects and hands them to the results.
class Project final : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection& collection) noexcept override;

  private:
    // The object for what is current in the context; false when a field failed.
    bool BuildRow(Value& row) noexcept;
    size_t AppendSorted(Field* out) noexcept;
    bool IsShown(const plan::OutputField& field, Value& value) const noexcept;

    void ReportDropped(size_t rows) noexcept;

    std::vector<Value> values_;  // of the select list, for one row
    std::vector<Value> rows_;
};

}  // namespace haumea::exec
