#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exec/operator.h"
#include "expr/analytic.h"

namespace haumea::exec {

// Runs the analytic calls of a rule, once for each row that passes the watermark and before WHERE or a window
// sees it. Their results go into the computed slots of the row; a call that fails drops the row. What the
// calls remember is counted against the rule's windowBytes: without room there is no new partition.
class Analytic final : public Operator {
  public:
    Analytic(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats);
    ~Analytic() override;

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    bool OnCollection(Collection&) noexcept override { return true; }

  private:
    struct Partition {
        std::unique_ptr<expr::AnalyticState> state;
        size_t bytes = 0;  // counted
    };
    struct TextHash {
        using is_transparent = void;
        size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Partitions = std::unordered_map<std::string, Partition, TextHash, std::equal_to<>>;

    // False: an expression failed, and the failure has been reported.
    bool RunCall(size_t index, Value& result) noexcept;
    bool ReadKey(const plan::AnalyticCall& call) noexcept;
    // Null: there is no room for another one.
    Partition* Find(size_t index) noexcept;
    void Count(Partition& partition) noexcept;

    std::vector<Partitions> partitions_;  // by call
    std::vector<Value> args_;
    std::string key_;
};

}  // namespace haumea::exec
