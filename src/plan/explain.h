#pragma once

#include <string>
#include <vector>

namespace haumea::plan {

// The text of EXPLAIN: one JSON object a line, the root first. Used while a rule is planned.
class ExplainText {
  public:
    // From the root down: "ProjectPlan", "Fields:[ demo.a ]".
    void Add(std::string op, std::string info) { nodes_.push_back({std::move(op), std::move(info)}); }
    std::string ToString() const;

  private:
    struct Node {
        std::string op;
        std::string info;
    };
    std::vector<Node> nodes_;
};

}  // namespace haumea::plan
