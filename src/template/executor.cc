#include "template/executor.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/datetime.h"
#include "data/go_format.h"
#include "data/number_text.h"

namespace haumea::text_template {
namespace {

constexpr size_t kMaxArguments = 64;

// The word of a signature letter in error texts.
std::string_view ParameterType(char letter) {
    switch (letter) {
        case 's':
            return "string";
        case 'i':
            return "int";
        case 'b':
            return "bool";
        case 'l':
            return "[]interface {}";
        case 'm':
            return "map[string]interface {}";
        default:
            return "interface {}";
    }
}

bool Fits(char letter, const Value& value) {
    switch (letter) {
        case 's':
            return value.is_string();
        case 'i':
            return value.type() == Type::kInt;
        case 'b':
            return value.type() == Type::kBool;
        case 'l':
            return value.is_array();
        case 'm':
            return value.is_object();
        default:
            return true;
    }
}

}  // namespace

bool Truth(const Value& value) {
    switch (value.type()) {
        case Type::kMissing:
        case Type::kNull:
        case Type::kError:
            return false;
        case Type::kBool:
            return value.as_bool();
        case Type::kInt:
            return value.as_int() != 0;
        case Type::kDouble:
            return value.as_double() != 0;
        case Type::kDatetime:
            return true;
        case Type::kString:
        case Type::kBytes:
        case Type::kArray:
        case Type::kObject:
            return value.size() > 0;
    }
    return false;
}

std::string_view GoTypeName(const Value& value) { return haumea::GoTypeName(value.type()); }

Value MakeText(CallContext& ctx, std::string_view text) { return Value::String(ctx.arena.Copy(text)); }
Value MakeError(CallContext& ctx, std::string_view text) { return Value::Error(ctx.arena.Copy(text)); }

bool Template::Execute(const Value& dot, Arena& arena, BufferBuilder& out, std::string& error,
                       const Limits& limits) const {
    return Executor(*this, arena, out, limits).Run(dot, error);
}

bool Executor::Run(const Value& dot, std::string& error) {
    variables_.push_back(dot);
    Walk(template_.bodies().at(""), dot);
    if (failed()) {
        out_.Truncate(start_);
        error = std::move(error_);
        return false;
    }
    return true;
}

Value Executor::Fail(int line, std::string_view at, const std::string& message) {
    if (error_.empty()) {
        const std::string& name = template_.name();
        error_ = at.empty() ? fmt::format("template: {}:{}: executing \"{}\": {}", name, line, name, message)
                            : fmt::format("template: {}:{}: executing \"{}\" at <{}>: {}", name, line, name,
                                          at, message);
    }
    return Value::Null();
}

bool Executor::Spend(int64_t steps, int line) {
    steps_ += steps;
    if (steps_ > limits_.max_steps) {
        Fail(line, "",
             fmt::format("more than {} steps for one message; simplify the template or raise the limit "
                         "(sink.templateMaxSteps)",
                         limits_.max_steps));
        return false;
    }
    constexpr size_t kValuesPerOutput = 4;
    if (arena_.reserved_bytes() - arena_start_ > kValuesPerOutput * limits_.max_output_bytes) {
        Fail(line, "",
             fmt::format("the values of one message take more than {} bytes; simplify the template or raise "
                         "the limit (a quarter of that: sink.templateMaxBytes)",
                         kValuesPerOutput * limits_.max_output_bytes));
        return false;
    }
    return !failed();
}

Executor::Flow Executor::Walk(const std::vector<Node>& nodes, const Value& dot) {
    for (const Node& node : nodes) {
        if (!Spend(1, node.line)) {
            return Flow::kStop;
        }
        Flow flow = Flow::kNext;
        switch (node.kind) {
            case Node::Kind::kText:
                out_.Append(node.text);
                break;
            case Node::Kind::kAction: {
                const Value value = Evaluate(*node.pipe, dot);
                if (!failed() && node.pipe->variables.empty()) {
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
            Fail(node.line, "",
                 fmt::format("the output is larger than {} bytes (sink.templateMaxBytes)",
                             limits_.max_output_bytes));
        }
        if (failed()) {
            return Flow::kStop;
        }
        if (flow != Flow::kNext) {
            return flow;
        }
    }
    return Flow::kNext;
}

Executor::Flow Executor::Branch(const Node& node, const Value& dot) {
    const size_t visible = variables_.size();
    const Value value = Evaluate(*node.pipe, dot);
    if (failed()) {
        return Flow::kStop;
    }
    Flow flow = Flow::kNext;
    if (Truth(value)) {
        flow = Walk(node.body, node.kind == Node::Kind::kWith ? value : dot);
    } else {
        flow = Walk(node.otherwise, dot);
    }
    variables_.resize(visible);
    return flow;
}

Executor::Flow Executor::Iterate(const Node& node, const Value& key, const Value& item) {
    const Pipe& pipe = *node.pipe;
    if (!Spend(1, node.line)) {
        return Flow::kStop;
    }
    if (pipe.variables.size() == 1) {
        variables_[frame_ + pipe.variables[0]] = item;
    } else if (pipe.variables.size() == 2) {
        variables_[frame_ + pipe.variables[0]] = key;
        variables_[frame_ + pipe.variables[1]] = item;
    }
    const size_t visible = variables_.size();
    const Flow flow = Walk(node.body, item);
    variables_.resize(visible);
    return flow == Flow::kContinue ? Flow::kNext : flow;
}

Executor::Flow Executor::Range(const Node& node, const Value& dot) {
    const size_t visible = variables_.size();
    const Value value = Evaluate(*node.pipe, dot);
    if (failed()) {
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
            Fail(node.line, "",
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
        Fail(node.line, "", fmt::format("range can't iterate over {}", GoText(value)));
        return Flow::kStop;
    }
    flow = flow == Flow::kBreak ? Flow::kNext : flow;
    if (rounds == 0 && flow == Flow::kNext) {
        flow = Walk(node.otherwise, dot);
    }
    variables_.resize(visible);
    return flow;
}

Executor::Flow Executor::CallTemplate(const Node& node, const Value& dot) {
    const auto body = template_.bodies().find(node.text);
    if (node.text.empty() || body == template_.bodies().end()) {
        Fail(node.line, fmt::format("{{{{template \"{}\"}}}}", node.text),
             fmt::format("template \"{}\" not defined", node.text));
        return Flow::kStop;
    }
    if (++depth_ > limits_.max_depth) {
        Fail(node.line, "", fmt::format("exceeded maximum template depth ({})", limits_.max_depth));
        return Flow::kStop;
    }
    const Value argument = node.pipe != nullptr ? Evaluate(*node.pipe, dot) : Value::Null();
    if (failed()) {
        return Flow::kStop;
    }
    const size_t outer = frame_;
    const size_t visible = variables_.size();
    frame_ = visible;
    variables_.push_back(argument);
    Walk(body->second, argument);
    variables_.resize(visible);
    frame_ = outer;
    --depth_;
    return failed() ? Flow::kStop : Flow::kNext;
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

Value Executor::Evaluate(const Pipe& pipe, const Value& dot) {
    Value value;
    bool first = true;
    for (const Command& command : pipe.commands) {
        if (!Spend(1, pipe.line)) {
            return Value::Null();
        }
        value = EvaluateCommand(command, dot, first ? nullptr : &value);
        first = false;
        if (failed()) {
            return Value::Null();
        }
    }
    for (const size_t index : pipe.variables) {
        const size_t slot = frame_ + index;
        if (slot >= variables_.size()) {
            variables_.resize(slot + 1);
        }
        variables_[slot] = value;
    }
    return value;
}

Value Executor::EvaluateCommand(const Command& command, const Value& dot, const Value* piped) {
    const Operand& first = command.words.front();
    switch (first.kind) {
        case Operand::Kind::kFunction: {
            const Value result = CallFunction(first, command, dot, piped);
            return first.fields.empty() || failed() ? result : Fields(result, first, nullptr, nullptr, dot);
        }
        case Operand::Kind::kField:
            return Fields(dot, first, &command, piped, dot);
        case Operand::Kind::kVariable:
        case Operand::Kind::kPipe: {
            const Value base = first.kind == Operand::Kind::kPipe ? Evaluate(*first.pipe, dot)
                                                                  : variables_[frame_ + first.variable];
            if (failed()) {
                return base;
            }
            if (!first.fields.empty()) {
                return Fields(base, first, &command, piped, dot);
            }
            if (command.words.size() > 1 || piped != nullptr) {
                return Fail(first.line, first.source,
                            fmt::format("can't give argument to non-function {}", first.source));
            }
            return base;
        }
        default:
            break;
    }
    if (command.words.size() > 1 || piped != nullptr) {
        return Fail(first.line, first.source,
                    fmt::format("can't give argument to non-function {}", first.source));
    }
    if (first.kind == Operand::Kind::kNil) {
        return Fail(first.line, first.source, "nil is not a command");
    }
    return EvaluateOperand(first, dot);
}

Value Executor::EvaluateOperand(const Operand& operand, const Value& dot) {
    switch (operand.kind) {
        case Operand::Kind::kDot:
            return dot;
        case Operand::Kind::kNil:
            return Value::Null();
        case Operand::Kind::kLiteral:
            return operand.literal.is_string() ? Value::String(operand.text) : operand.literal;
        case Operand::Kind::kField:
            return Fields(dot, operand, nullptr, nullptr, dot);
        case Operand::Kind::kVariable:
            return Fields(variables_[frame_ + operand.variable], operand, nullptr, nullptr, dot);
        case Operand::Kind::kPipe: {
            const Value base = Evaluate(*operand.pipe, dot);
            return failed() ? base : Fields(base, operand, nullptr, nullptr, dot);
        }
        case Operand::Kind::kFunction: {
            const Command call;
            const Value base = CallFunction(operand, call, dot, nullptr);
            return failed() ? base : Fields(base, operand, nullptr, nullptr, dot);
        }
    }
    return Value::Null();
}

// Walks the .a.b chain; only its last member may be a method that takes the command's arguments.
Value Executor::Fields(Value base, const Operand& operand, const Command* command, const Value* piped,
                       const Value& dot) {
    for (size_t i = 0; i < operand.fields.size() && !failed(); ++i) {
        const bool last = i + 1 == operand.fields.size();
        const bool arguments = last && command != nullptr && (command->words.size() > 1 || piped != nullptr);
        if (base.type() == Type::kDatetime) {
            Value args[2];  // no method takes more
            size_t count = 0;
            for (size_t word = 1; arguments && word < command->words.size() && count < 2; ++word) {
                args[count++] = EvaluateOperand(command->words[word], dot);
            }
            if (arguments && piped != nullptr && count < 2) {
                args[count++] = *piped;
            }
            base = TimeMethod(base, operand.fields[i], {args, count}, operand);
            continue;
        }
        base = Field(base, operand.fields[i], operand);
        if (arguments && !failed()) {
            return Fail(operand.line, operand.source,
                        fmt::format("{} is not a method but has arguments", operand.fields[i]));
        }
    }
    return base;
}

Value Executor::Field(const Value& base, const std::string& name, const Operand& at) {
    if (base.is_object()) {
        return base.Get(name);
    }
    if (base.is_missing()) {
        return base;
    }
    if (base.is_null()) {
        return Fail(at.line, at.source, fmt::format("nil pointer evaluating interface {{}}.{}", name));
    }
    return Fail(at.line, at.source,
                fmt::format("can't evaluate field {} in type {}", name, GoTypeName(base)));
}

Value Executor::TimeMethod(const Value& time, const std::string& name, std::span<const Value> args,
                           const Operand& at) {
    const Moment moment = Moment::FromValue(time);
    const CivilTime civil = ToCivil(moment);
    const auto text = [this](const std::string& bytes) { return Value::String(arena_.Copy(bytes)); };
    if (name == "Format" && args.size() == 1 && args[0].is_string()) {
        std::string out;
        TimePattern::FromGoLayout(args[0].text()).Format(moment, out);
        return text(out);
    }
    if (!args.empty()) {
        return Fail(at.line, at.source, fmt::format("wrong number of args for {}", name));
    }
    const std::pair<std::string_view, int64_t> numbers[] = {
        {"Year", civil.year},          {"Day", civil.day},       {"Hour", civil.hour},
        {"Minute", civil.minute},      {"Second", civil.second}, {"Nanosecond", civil.nanos},
        {"YearDay", civil.year_day},   {"Unix", moment.seconds}, {"UnixMilli", moment.epoch_ms()},
        {"UnixNano", time.epoch_ns()},
    };
    for (const auto& [method, value] : numbers) {
        if (name == method) {
            return Value::Int(value);
        }
    }
    if (name == "Month") {
        return Value::String(kMonthNames[civil.month - 1]);
    }
    if (name == "Weekday") {
        return Value::String(kDayNames[civil.weekday]);
    }
    if (name == "String") {
        return Value::String(GoText(time, arena_));
    }
    return Fail(at.line, at.source, fmt::format("can't evaluate field {} in type time.Time", name));
}

Value Executor::ShortCircuit(const Operand& name, const Command& command, const Value& dot,
                             const Value* piped) {
    const bool is_and = name.function->name == "and";
    Value value;
    if (command.words.size() < 2 && piped == nullptr) {
        return Fail(name.line, name.source,
                    fmt::format("wrong number of args for {}: want at least 1 got 0", name.source));
    }
    for (size_t i = 1; i < command.words.size(); ++i) {
        value = EvaluateOperand(command.words[i], dot);
        if (failed() || Truth(value) != is_and) {
            return value;
        }
    }
    return piped != nullptr ? *piped : value;
}

Value Executor::CallFunction(const Operand& name, const Command& command, const Value& dot,
                             const Value* piped) {
    const Function& function = *name.function;
    if (!Spend(1, name.line)) {
        return Value::Null();
    }
    if (function.call == nullptr) {
        return ShortCircuit(name, command, dot, piped);
    }
    Value args[kMaxArguments];
    size_t count = 0;
    const size_t words = command.words.empty() ? 0 : command.words.size() - 1;
    if (words + (piped != nullptr ? 1 : 0) > kMaxArguments) {
        return Fail(name.line, name.source, fmt::format("more than {} arguments", kMaxArguments));
    }
    for (size_t i = 0; i < words; ++i) {
        args[count++] = EvaluateOperand(command.words[i + 1], dot);
        if (failed()) {
            return Value::Null();
        }
    }
    if (piped != nullptr) {
        args[count++] = *piped;
    }
    const std::span<const Value> given(args, count);
    if (!CheckArguments(function, given, name)) {
        return Value::Null();
    }
    CallContext ctx{arena_, limits_.max_output_bytes};
    const Value result = function.call(given, ctx);
    if (result.is_error()) {
        return Fail(name.line, name.source,
                    fmt::format("error calling {}: {}", function.name, result.text()));
    }
    Spend(static_cast<int64_t>(result.size() / 64), name.line);
    return result;
}

bool Executor::CheckArguments(const Function& function, std::span<const Value> args, const Operand& at) {
    const std::string_view signature = function.signature;
    const bool variadic = !signature.empty() && signature.back() == '*';
    const size_t fixed = variadic ? signature.size() - 2 : signature.size();
    if (args.size() < fixed || (!variadic && args.size() > fixed)) {
        Fail(at.line, at.source,
             fmt::format("wrong number of args for {}: want {}{} got {}", function.name,
                         variadic ? "at least " : "", fixed, args.size()));
        return false;
    }
    for (size_t i = 0; i < args.size(); ++i) {
        const char letter = i < fixed ? signature[i] : signature[fixed];
        if (Fits(letter, args[i])) {
            continue;
        }
        if (args[i].is_null()) {
            Fail(at.line, at.source, fmt::format("invalid value; expected {}", ParameterType(letter)));
        } else {
            Fail(at.line, at.source,
                 fmt::format("wrong type for value; expected {}; got {}", ParameterType(letter),
                             GoTypeName(args[i])));
        }
        return false;
    }
    return true;
}

}  // namespace haumea::text_template
