#include "template/executor.h"

#include <fmt/core.h>

#include "data/go_format.h"
#include "data/number_text.h"

namespace haumea::text_template {

bool Template::Execute(const Value& dot, Arena& arena, BufferBuilder& out, std::string& error,
                       const Limits& limits) const {
    return Executor(*this, arena, out, limits).Run(dot, error);
}

bool Executor::Run(const Value& dot, std::string& error) {
    values_.EnterBody(dot);
    Walk(template_.bodies().at(""), dot);
    if (values_.failed()) {
        out_.Truncate(start_);
        error = values_.error();
        return false;
    }
    return true;
}

Executor::Flow Executor::Walk(const std::vector<Node>& nodes, const Value& dot) {
    for (const Node& node : nodes) {
        if (!values_.Spend(1, node.line)) {
            return Flow::kStop;
        }
        Flow flow = Flow::kNext;
        switch (node.kind) {
            case Node::Kind::kText:
                out_.Append(node.text);
                break;
            case Node::Kind::kAction: {
                const Value value = values_.Evaluate(*node.pipe, dot);
                if (!values_.failed() && node.pipe->variables.empty()) {
                    Print(value);
                }
                break;
            }
            case Node::Kind::kIf:
            case Node::Kind::kWith:
                flow = Branch(node, dot);
                break;
            case Node::Kind::kRange:
                flow = Range(node, dot);
                break;
            case Node::Kind::kTemplate:
                flow = CallTemplate(node, dot);
                break;
            case Node::Kind::kBreak:
                return Flow::kBreak;
            case Node::Kind::kContinue:
                return Flow::kContinue;
        }
        if (out_.size() - start_ > limits_.max_output_bytes) {
            values_.Fail(node.line, "",
                         fmt::format("the output is larger than {} bytes (sink.templateMaxBytes)",
                                     limits_.max_output_bytes));
        }
        if (values_.failed()) {
            return Flow::kStop;
        }
        if (flow != Flow::kNext) {
            return flow;
        }
    }
    return Flow::kNext;
}

Executor::Flow Executor::Branch(const Node& node, const Value& dot) {
    const size_t scope = values_.Scope();
    const Value value = values_.Evaluate(*node.pipe, dot);
    if (values_.failed()) {
        return Flow::kStop;
    }
    Flow flow = Flow::kNext;
    if (Truth(value)) {
        flow = Walk(node.body, node.kind == Node::Kind::kWith ? value : dot);
    } else {
        flow = Walk(node.otherwise, dot);
    }
    values_.LeaveScope(scope);
    return flow;
}

Executor::Flow Executor::Iterate(const Node& node, const Value& key, const Value& item) {
    const Pipe& pipe = *node.pipe;
    if (!values_.Spend(1, node.line)) {
        return Flow::kStop;
    }
    if (pipe.variables.size() == 1) {
        values_.variable(pipe.variables[0]) = item;
    } else if (pipe.variables.size() == 2) {
        values_.variable(pipe.variables[0]) = key;
        values_.variable(pipe.variables[1]) = item;
    }
    const size_t scope = values_.Scope();
    const Flow flow = Walk(node.body, item);
    values_.LeaveScope(scope);
    return flow == Flow::kContinue ? Flow::kNext : flow;
}

Executor::Flow Executor::Range(const Node& node, const Value& dot) {
    const size_t scope = values_.Scope();
    const Value value = values_.Evaluate(*node.pipe, dot);
    if (values_.failed()) {
        return Flow::kStop;
    }
    Flow flow = Flow::kNext;
    size_t rounds = 0;
    if (value.is_array()) {
        for (const Value& item : value.items()) {
            if ((flow = Iterate(node, Value::Int(static_cast<int64_t>(rounds++)), item)) != Flow::kNext) {
                break;
            }
        }
    } else if (value.is_object()) {
        for (const haumea::Field& field : value.fields()) {
            ++rounds;
            if ((flow = Iterate(node, Value::String(field.key), field.value)) != Flow::kNext) {
                break;
            }
        }
    } else if (value.type() == Type::kInt) {
        if (node.pipe->variables.size() > 1) {
            values_.Fail(node.line, "",
                         fmt::format("can't use {} to iterate over more than one variable", value.as_int()));
            return Flow::kStop;
        }
        for (int64_t i = 0; i < value.as_int(); ++i) {
            ++rounds;
            if ((flow = Iterate(node, Value::Int(i), Value::Int(i))) != Flow::kNext) {
                break;
            }
        }
    } else if (!value.is_null()) {
        values_.Fail(node.line, "", fmt::format("range can't iterate over {}", GoText(value)));
        return Flow::kStop;
    }
    flow = flow == Flow::kBreak ? Flow::kNext : flow;
    if (rounds == 0 && flow == Flow::kNext) {
        flow = Walk(node.otherwise, dot);
    }
    values_.LeaveScope(scope);
    return flow;
}

Executor::Flow Executor::CallTemplate(const Node& node, const Value& dot) {
    const auto body = template_.bodies().find(node.text);
    if (node.text.empty() || body == template_.bodies().end()) {
        values_.Fail(node.line, fmt::format("{{{{template \"{}\"}}}}", node.text),
                     fmt::format("template \"{}\" not defined", node.text));
        return Flow::kStop;
    }
    if (++depth_ > limits_.max_depth) {
        values_.Fail(node.line, "", fmt::format("exceeded maximum template depth ({})", limits_.max_depth));
        return Flow::kStop;
    }
    const Value argument = node.pipe != nullptr ? values_.Evaluate(*node.pipe, dot) : Value::Null();
    if (values_.failed()) {
        return Flow::kStop;
    }
    const Evaluator::Frame frame = values_.EnterBody(argument);
    Walk(body->second, argument);
    values_.LeaveBody(frame);
    --depth_;
    return values_.failed() ? Flow::kStop : Flow::kNext;
}

void Executor::Print(const Value& value) {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
            out_.Append("<no value>");
            break;
        case Type::kInt:
            out_.Commit(WriteInt(value.as_int(), out_.Reserve(kMaxNumberText)));
            break;
        case Type::kDouble:
            out_.Commit(WriteGoFloat(value.as_double(), out_.Reserve(kMaxNumberText)));
            break;
        case Type::kString:
            out_.Append(value.text());
            break;
        default:
            out_.Append(GoText(value, arena_));
            break;
    }
}

}  // namespace haumea::text_template
