#include "template/pipeline_parser.h"

#include <fmt/core.h>

#include "template/function.h"
#include "template/literal.h"

namespace haumea::text_template {

size_t PipelineParser::Declare(const std::string& name) {
    variables_.push_back(name);
    return variables_.size() - 1;
}

void PipelineParser::Declarations(Pipe& pipe, std::string_view context) {
    for (;;) {
        if (tokens_.PeekNonSpace().type != Tok::kVariable) {
            return;
        }
        Token variable = tokens_.NextNonSpace();
        Token after = tokens_.Next();
        const bool spaced = after.type == Tok::kSpace;
        Token sign = spaced ? tokens_.NextNonSpace() : std::move(after);
        if (sign.type == Tok::kAssign || sign.type == Tok::kDeclare) {
            pipe.assigns = sign.type == Tok::kAssign;
            if (pipe.assigns) {
                Operand target;
                UseVariable(variable, target);
                pipe.variables.push_back(target.variable);
            } else {
                pipe.variables.push_back(Declare(variable.text));
            }
            return;
        }
        if (sign.type == Tok::kPunctuation && sign.text == ",") {
            pipe.variables.push_back(Declare(variable.text));
            if (context == "range" && pipe.variables.size() < 2) {
                const Tok next = tokens_.PeekNonSpace().type;
                if (next == Tok::kVariable || next == Tok::kRightDelim || next == Tok::kRightParen) {
                    continue;
                }
                tokens_.Fail(variable.line, "range can only initialize variables");
                return;
            }
            tokens_.Fail(variable.line, fmt::format("too many declarations in {}", context));
            return;
        }
        tokens_.Backup(std::move(sign));
        if (spaced) {
            tokens_.Backup({Tok::kSpace, " ", variable.line});
        }
        tokens_.Backup(std::move(variable));
        return;
    }
}

std::unique_ptr<Pipe> PipelineParser::Parse(std::string_view context, Tok end) {
    auto pipe = std::make_unique<Pipe>();
    pipe->line = tokens_.PeekNonSpace().line;
    if (tokens_.Deeper(pipe->line)) {
        Declarations(*pipe, context);
    }
    while (!tokens_.failed()) {
        Token token = tokens_.NextNonSpace();
        if (token.type == end) {
            CheckPipeline(*pipe, context, token.line);
            break;
        }
        switch (token.type) {
            case Tok::kBool:
            case Tok::kChar:
            case Tok::kDot:
            case Tok::kField:
            case Tok::kIdentifier:
            case Tok::kNumber:
            case Tok::kNil:
            case Tok::kRawString:
            case Tok::kString:
            case Tok::kVariable:
            case Tok::kLeftParen:
                tokens_.Backup(std::move(token));
                pipe->commands.push_back(ParseCommand());
                break;
            default:
                tokens_.Unexpected(token, context);
        }
    }
    tokens_.Shallower();
    return pipe;
}

void PipelineParser::CheckPipeline(const Pipe& pipe, std::string_view context, int line) {
    if (pipe.commands.empty()) {
        tokens_.Fail(line, fmt::format("missing value for {}", context));
        return;
    }
    for (size_t i = 1; i < pipe.commands.size(); ++i) {
        const Operand& first = pipe.commands[i].words.front();
        const bool executable = first.kind == Operand::Kind::kField ||
                                first.kind == Operand::Kind::kFunction ||
                                first.kind == Operand::Kind::kVariable || first.kind == Operand::Kind::kPipe;
        if (!executable) {
            tokens_.Fail(line, fmt::format("non executable command in pipeline stage {}", i + 1));
            return;
        }
    }
}

Command PipelineParser::ParseCommand() {
    Command command;
    while (!tokens_.failed()) {
        tokens_.PeekNonSpace();
        Operand operand;
        if (ParseOperand(operand)) {
            command.words.push_back(std::move(operand));
        }
        if (tokens_.failed()) {
            break;
        }
        Token token = tokens_.Next();
        if (token.type == Tok::kSpace) {
            continue;
        }
        if (token.type == Tok::kRightDelim || token.type == Tok::kRightParen) {
            tokens_.Backup(std::move(token));
        } else if (token.type != Tok::kPipe) {
            tokens_.Unexpected(token, "operand");
        }
        break;
    }
    if (!tokens_.failed() && command.words.empty()) {
        tokens_.Fail(tokens_.Peek().line, "empty command");
    }
    return command;
}

bool PipelineParser::ParseOperand(Operand& out) {
    if (!ParseTerm(out)) {
        return false;
    }
    while (!tokens_.failed() && tokens_.Peek().type == Tok::kField) {
        const bool literal = out.kind == Operand::Kind::kLiteral || out.kind == Operand::Kind::kNil ||
                             (out.kind == Operand::Kind::kDot && out.fields.empty());
        const Token field = tokens_.Next();
        if (literal) {
            tokens_.Fail(field.line, fmt::format("unexpected . after term \"{}\"", out.source));
            break;
        }
        out.fields.push_back(field.text.substr(1));
        out.source += field.text;
    }
    return true;
}

bool PipelineParser::ParseTerm(Operand& out) {
    Token token = tokens_.NextNonSpace();
    out.source = token.text;
    out.line = token.line;
    out.column = token.column;
    switch (token.type) {
        case Tok::kIdentifier:
            out.kind = Operand::Kind::kFunction;
            out.function = FindFunction(token.text);
            if (out.function == nullptr) {
                tokens_.Fail(token.line, fmt::format("function \"{}\" not defined", token.text));
            }
            return true;
        case Tok::kDot:
            out.kind = Operand::Kind::kDot;
            return true;
        case Tok::kNil:
            out.kind = Operand::Kind::kNil;
            return true;
        case Tok::kVariable:
            UseVariable(token, out);
            return true;
        case Tok::kField:
            out.kind = Operand::Kind::kField;
            out.fields.push_back(token.text.substr(1));
            return true;
        case Tok::kBool:
            out.kind = Operand::Kind::kLiteral;
            out.literal = Value::Bool(token.text == "true");
            return true;
        case Tok::kChar:
        case Tok::kNumber:
            out.kind = Operand::Kind::kLiteral;
            if (std::string error; !ParseNumber(token, out.literal, error)) {
                tokens_.Fail(token.line, error);
            }
            return true;
        case Tok::kLeftParen:
            out.kind = Operand::Kind::kPipe;
            out.pipe = Parse("parenthesized pipeline", Tok::kRightParen);
            out.source = "(...)";
            return true;
        case Tok::kString:
        case Tok::kRawString:
            out.kind = Operand::Kind::kLiteral;
            if (!Unquote(token.text, out.text)) {
                tokens_.Fail(token.line, "invalid syntax");
                return true;
            }
            out.literal = Value::String(out.text);
            return true;
        default:
            tokens_.Backup(std::move(token));
            return false;
    }
}

void PipelineParser::UseVariable(const Token& token, Operand& out) {
    out.kind = Operand::Kind::kVariable;
    out.source = token.text;
    out.text = token.text;
    for (size_t i = variables_.size(); i-- > 0;) {
        if (variables_[i] == token.text) {
            out.variable = i;
            return;
        }
    }
    tokens_.Fail(token.line, fmt::format("undefined variable \"{}\"", token.text));
}

}  // namespace haumea::text_template
