#pragma once

#include <string>
#include <vector>

#include "exec/group_table.h"
#include "exec/operator.h"

namespace haumea::exec {

// GROUP BY: puts the rows of a window into groups of equal keys, in order of first appearance. Keys are
// compared as texts: 1, 1.0 and "1" are one group, null and missing too.
class GroupBy final : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnTuple(expr::Tuple&) noexcept override { return true; }
    bool OnCollection(Collection& collection) noexcept override;

  private:
    bool AssignGroups(Collection& collection) noexcept;
    bool ReadKey() noexcept;
    void ReportDropped(size_t rows) noexcept;

    GroupTable table_;
    std::vector<uint32_t> group_of_;  // by row
    std::vector<uint32_t> order_;     // rows, group by group
    std::string key_;                 // of the row that is being looked at
};

// row_number(): numbers the results from 1, as they are sorted unless ORDER BY itself needs the number.
class RowNumber final : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection& collection) noexcept override;

  private:
    const Value* Numbers(int64_t number) noexcept;
};

// ORDER BY: null is last in both directions, values of different kinds are an error.
class OrderBy final : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnTuple(expr::Tuple&) noexcept override { return true; }
    bool OnCollection(Collection& collection) noexcept override;

  private:
    bool ComputeKeys(const Collection& collection) noexcept;
    // Negative when the i-th result comes before the k-th. Sets `mismatch_` when they cannot be compared.
    int CompareResults(uint32_t i, uint32_t k) noexcept;

    std::vector<Value> keys_;  // row-major: keys of the first result, of the second ...
    std::vector<uint32_t> order_;
    std::string mismatch_;
};

}  // namespace haumea::exec
