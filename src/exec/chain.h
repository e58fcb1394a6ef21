#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/operator.h"
#include "exec/rule_pipeline.h"

namespace haumea::exec {

// The operators of one rule in their order, with their statistics nodes. Owned by the pipeline.
struct OperatorChain {
    std::vector<std::unique_ptr<Operator>> operators;
    Operator* first = nullptr;
    // Nodes of decoding, which the pipeline itself does: null when the rule has none.
    std::shared_ptr<metrics::NodeStats> decompress;
    std::shared_ptr<metrics::NodeStats> decoder;
    std::shared_ptr<metrics::NodeStats> preprocessor;
    // All nodes after the source, in the order of the status JSON.
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes;
};

// What comes from the source is compressed.
enum class Decompress : bool { kNo, kYes };

// Connectors that deliver rows instead of bytes.
bool DeliversRows(const sql::StreamDef& stream);

// Numbers the nodes as eKuiper does: the source is 1, every planned node takes the next number.
OperatorChain BuildChain(RuleContext& context, const RuleOptions& options, Decompress decompress);

}  // namespace haumea::exec
