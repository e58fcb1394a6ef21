#pragma once

#include <string>
#include <vector>

#include "data/buffer.h"
#include "template/evaluator.h"
#include "template/template.h"

namespace haumea::text_template {

// One execution of a template: walks the nodes and writes the output; values are the evaluator's. Lives on
// the stack of Template::Execute.
class Executor {
  public:
    Executor(const Template& source, Arena& arena, BufferBuilder& out, const Limits& limits)
        : template_(source),
          arena_(arena),
          out_(out),
          start_(out.size()),
          limits_(limits),
          values_(source.name(), arena, limits) {}

    bool Run(const Value& dot, std::string& error);

  private:
    enum class Flow : uint8_t { kNext, kBreak, kContinue, kStop };

    Flow Walk(const std::vector<Node>& nodes, const Value& dot);
    Flow Branch(const Node& node, const Value& dot);
    Flow Range(const Node& node, const Value& dot);
    Flow Iterate(const Node& node, const Value& key, const Value& item);
    Flow CallTemplate(const Node& node, const Value& dot);
    void Print(const Value& value);

    const Template& template_;
    Arena& arena_;
    BufferBuilder& out_;
    const size_t start_;
    const Limits& limits_;
    Evaluator values_;
    int depth_ = 0;
};

}  // namespace haumea::text_template
