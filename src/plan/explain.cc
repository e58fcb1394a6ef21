#include "plan/explain.h"

#include "config/node.h"

namespace haumea::plan {

std::string ExplainText::ToString() const {
    std::string text;
    for (size_t depth = 0; depth < nodes_.size(); ++depth) {
        if (depth > 0) {
            text += '\n';
            text.append(2 * depth - 1, '\t');
        }
        config::Node line = config::Node::MakeObject();
        line.Set("op", nodes_[depth].op + "_" + std::to_string(depth));
        line.Set("info", nodes_[depth].info);
        text += config::ToJson(line, {.escape_html = false});
    }
    return text;
}

}  // namespace haumea::plan
