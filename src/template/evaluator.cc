#include "template/evaluator.h"

#include <fmt/core.h>

#include "template/time_methods.h"

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

Value Evaluator::Fail(int line, std::string_view at, const std::string& message) {
    if (error_.empty()) {
        error_ = at.empty()
                     ? fmt::format("template: {}:{}: executing \"{}\": {}", name_, line, name_, message)
                     : fmt::format("template: {}:{}: executing \"{}\" at <{}>: {}", name_, line, name_, at,
                                   message);
    }
    return Value::Null();
}

// The rows of a result have a type of their own in Go.
std::string_view Evaluator::TypeShown(const Value& value) {
    const Value& root = variables_[0];
    const bool rows = value.is_array() && root.is_array() && value.items().data() == root.items().data();
    return rows ? "[]map[string]interface {}" : GoTypeName(value);
}

Value Evaluator::Fail(const Operand& at, const std::string& message) {
    if (error_.empty()) {
        error_ = fmt::format("template: {}:{}:{}: executing \"{}\" at <{}>: {}", name_, at.line, at.column,
                             name_, at.source, message);
    }
    return Value::Null();
}

bool Evaluator::Overspent(int line) {
    if (steps_ > limits_.max_steps) {
        Fail(line, "",
             fmt::format("more than {} steps for one message; simplify the template or raise the limit "
                         "(sink.templateMaxSteps)",
                         limits_.max_steps));
    } else {
        Fail(line, "",
             fmt::format("the values of one message take more than {} bytes; simplify the template or raise "
                         "the limit (a quarter of that: sink.templateMaxBytes)",
                         kValuesPerOutput * limits_.max_output_bytes));
    }
    return false;
}

Value Evaluator::Evaluate(const Pipe& pipe, const Value& dot) {
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

Value Evaluator::EvaluateCommand(const Command& command, const Value& dot, const Value* piped) {
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
                return Fail(first, fmt::format("can't give argument to non-function {}", first.source));
            }
            return base;
        }
        default:
            break;
    }
    if (command.words.size() > 1 || piped != nullptr) {
        return Fail(first, fmt::format("can't give argument to non-function {}", first.source));
    }
    if (first.kind == Operand::Kind::kNil) {
        return Fail(first, "nil is not a command");
    }
    return EvaluateOperand(first, dot);
}

Value Evaluator::EvaluateOperand(const Operand& operand, const Value& dot) {
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
Value Evaluator::Fields(Value base, const Operand& operand, const Command* command, const Value* piped,
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
            CallContext ctx{arena_, limits_.max_output_bytes};
            base = TimeMethod(base, operand.fields[i], {args, count}, ctx);
            if (base.is_error()) {
                return Fail(operand, std::string(base.text()));
            }
            continue;
        }
        base = Field(base, operand.fields[i], operand);
        if (arguments && !failed()) {
            return Fail(operand, fmt::format("{} is not a method but has arguments", operand.fields[i]));
        }
    }
    return base;
}

Value Evaluator::Field(const Value& base, const std::string& name, const Operand& at) {
    if (base.is_object()) {
        return base.Get(name);
    }
    if (base.is_missing()) {
        return base;
    }
    if (base.is_null()) {
        return Fail(at, fmt::format("nil pointer evaluating interface {{}}.{}", name));
    }
    return Fail(at, fmt::format("can't evaluate field {} in type {}", name, TypeShown(base)));
}

Value Evaluator::ShortCircuit(const Operand& name, const Command& command, const Value& dot,
                              const Value* piped) {
    const bool is_and = name.function->name == "and";
    Value value;
    if (command.words.size() < 2 && piped == nullptr) {
        return Fail(name, fmt::format("wrong number of args for {}: want at least 1 got 0", name.source));
    }
    for (size_t i = 1; i < command.words.size(); ++i) {
        value = EvaluateOperand(command.words[i], dot);
        if (failed() || Truth(value) != is_and) {
            return value;
        }
    }
    return piped != nullptr ? *piped : value;
}

Value Evaluator::CallFunction(const Operand& name, const Command& command, const Value& dot,
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
        return Fail(name, fmt::format("more than {} arguments", kMaxArguments));
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
    if (function.reads == Reads::kAll && !SpendOn(given, name.line)) {
        return Value::Null();
    }
    CallContext ctx{arena_, limits_.max_output_bytes};
    const Value result = function.call(given, ctx);
    if (result.is_error()) {
        return Fail(name, fmt::format("error calling {}: {}", function.name, result.text()));
    }
    Spend(static_cast<int64_t>(result.size()) / kBytesPerStep, name.line);
    return result;
}

bool Evaluator::SpendOn(std::span<const Value> args, int line) {
    for (const Value& value : args) {
        const int64_t left = std::clamp<int64_t>(limits_.max_steps - steps_, 0, INT64_MAX / kBytesPerStep);
        const size_t bytes = TextBytes(value, static_cast<size_t>(left * kBytesPerStep));
        if (!Spend(static_cast<int64_t>(bytes) / kBytesPerStep, line)) {
            return false;
        }
    }
    return true;
}

bool Evaluator::CheckArguments(const Function& function, std::span<const Value> args, const Operand& at) {
    const std::string_view signature = function.signature;
    const bool variadic = !signature.empty() && signature.back() == '*';
    const size_t fixed = variadic ? signature.size() - 2 : signature.size();
    if (args.size() < fixed || (!variadic && args.size() > fixed)) {
        Fail(at, fmt::format("wrong number of args for {}: want {}{} got {}", function.name,
                             variadic ? "at least " : "", fixed, args.size()));
        return false;
    }
    for (size_t i = 0; i < args.size(); ++i) {
        const char letter = i < fixed ? signature[i] : signature[fixed];
        if (Fits(letter, args[i])) {
            continue;
        }
        if (args[i].is_null()) {
            Fail(at, fmt::format("invalid value; expected {}", ParameterType(letter)));
        } else {
            Fail(at, fmt::format("wrong type for value; expected {}; got {}", ParameterType(letter),
                                 GoTypeName(args[i])));
        }
        return false;
    }
    return true;
}

}  // namespace haumea::text_template
