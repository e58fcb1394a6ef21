#include "template/parser.h"

#include <fmt/core.h>

#include <utility>

#include "template/function.h"

namespace haumea::text_template {

void Parser::Fail(int line, const std::string& message) {
    if (error_.empty()) {
        error_ = fmt::format("template: {}:{}: {}", name_, line, message);
    }
}

void Parser::Unexpected(const Token& token, std::string_view context) {
    if (token.type == Tok::kError) {
        Fail(token.line, token.text);
    } else {
        Fail(token.line, fmt::format("unexpected {} in {}", Describe(token), context));
    }
}

Token Parser::Next() {
    if (!pending_.empty()) {
        Token token = std::move(pending_.back());
        pending_.pop_back();
        return token;
    }
    return lexer_.Next();
}

Token Parser::NextNonSpace() {
    Token token = Next();
    while (token.type == Tok::kSpace) {
        token = Next();
    }
    return token;
}

const Token& Parser::Peek() {
    if (pending_.empty()) {
        pending_.push_back(lexer_.Next());
    }
    return pending_.back();
}

const Token& Parser::PeekNonSpace() {
    pending_.push_back(NextNonSpace());
    return pending_.back();
}

bool Parser::Expect(Tok type, std::string_view context) {
    const Token token = NextNonSpace();
    if (token.type != type) {
        Unexpected(token, context);
        return false;
    }
    return true;
}

Result<std::shared_ptr<const Template>> Parser::Run() {
    result_ = std::shared_ptr<Template>(new Template());
    result_->name_ = name_;
    variables_ = {"$"};
    std::vector<Node> main;
    while (!failed() && Peek().type != Tok::kEof) {
        if (Peek().type == Tok::kLeftDelim) {
            Token delim = Next();
            const Token keyword = NextNonSpace();
            if (keyword.type == Tok::kDefine) {
                Define(keyword.line);
                continue;
            }
            Backup(keyword);
            Backup(std::move(delim));
        }
        switch (TextOrAction(main)) {
            case Stop::kEof:
                break;
            case Stop::kEnd:
                Fail(Peek().line, "unexpected {{end}}");
                break;
            case Stop::kElse:
                Fail(Peek().line, "unexpected {{else}}");
                break;
        }
    }
    if (failed()) {
        return haumea::Fail(Error(error_));
    }
    result_->bodies_[""] = std::move(main);
    return std::shared_ptr<const Template>(std::move(result_));
}

Parser::Stop Parser::List(std::vector<Node>& out) {
    while (!failed()) {
        if (PeekNonSpace().type == Tok::kEof) {
            Fail(Peek().line, "unexpected EOF");
            break;
        }
        const Stop stop = TextOrAction(out);
        if (stop != Stop::kEof) {
            return stop;
        }
    }
    return Stop::kEof;
}

Parser::Stop Parser::TextOrAction(std::vector<Node>& out) {
    Token token = NextNonSpace();
    if (token.type == Tok::kText) {
        Node node;
        node.text = std::move(token.text);
        node.line = token.line;
        out.push_back(std::move(node));
        return Stop::kEof;
    }
    if (token.type == Tok::kLeftDelim) {
        return Action(out);
    }
    Unexpected(token, "input");
    return Stop::kEof;
}

Parser::Stop Parser::Action(std::vector<Node>& out) {
    Token token = NextNonSpace();
    const int line = token.line;
    switch (token.type) {
        case Tok::kBlock:
            Block(line, out);
            return Stop::kEof;
        case Tok::kBreak:
            Jump(Node::Kind::kBreak, "break", line, out);
            return Stop::kEof;
        case Tok::kContinue:
            Jump(Node::Kind::kContinue, "continue", line, out);
            return Stop::kEof;
        case Tok::kElse: {
            // {{else if ...}} and {{else with ...}} are left to Control, which sees the keyword next.
            const Tok next = PeekNonSpace().type;
            if (next != Tok::kIf && next != Tok::kWith) {
                Expect(Tok::kRightDelim, "else");
            }
            return Stop::kElse;
        }
        case Tok::kEnd:
            Expect(Tok::kRightDelim, "end");
            return Stop::kEnd;
        case Tok::kIf:
            Control(Node::Kind::kIf, "if", line, out);
            return Stop::kEof;
        case Tok::kRange:
            Control(Node::Kind::kRange, "range", line, out);
            return Stop::kEof;
        case Tok::kWith:
            Control(Node::Kind::kWith, "with", line, out);
            return Stop::kEof;
        case Tok::kTemplate:
            Call(line, out);
            return Stop::kEof;
        default:
            break;
    }
    Backup(std::move(token));
    Node node;
    node.kind = Node::Kind::kAction;
    node.line = line;
    node.pipe = Pipeline("command", Tok::kRightDelim);
    out.push_back(std::move(node));
    return Stop::kEof;
}

void Parser::Control(Node::Kind kind, std::string_view context, int line, std::vector<Node>& out) {
    if (++nesting_ > kMaxNesting) {
        Fail(line, fmt::format("more than {} levels of nesting", kMaxNesting));
        return;
    }
    const size_t visible = variables_.size();
    Node node;
    node.kind = kind;
    node.line = line;
    node.pipe = Pipeline(context, Tok::kRightDelim);
    range_depth_ += kind == Node::Kind::kRange ? 1 : 0;
    Stop stop = failed() ? Stop::kEof : List(node.body);
    range_depth_ -= kind == Node::Kind::kRange ? 1 : 0;
    if (!failed() && stop == Stop::kElse) {
        const Token& next = PeekNonSpace();
        const bool chained = (kind == Node::Kind::kIf && next.type == Tok::kIf) ||
                             (kind == Node::Kind::kWith && next.type == Tok::kWith);
        if (chained) {
            const Token keyword = NextNonSpace();
            Control(kind, context, keyword.line, node.otherwise);
        } else if (next.type == Tok::kIf || next.type == Tok::kWith) {
            Unexpected(next, "else");
        } else if (List(node.otherwise) != Stop::kEnd && !failed()) {
            Fail(Peek().line, "expected end; found {{else}}");
        }
    }
    variables_.resize(visible);
    --nesting_;
    out.push_back(std::move(node));
}

void Parser::Jump(Node::Kind kind, std::string_view word, int line, std::vector<Node>& out) {
    const Token token = NextNonSpace();
    if (token.type != Tok::kRightDelim) {
        Unexpected(token, fmt::format("{{{{{}}}}}", word));
        return;
    }
    if (range_depth_ == 0) {
        Fail(line, fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
        return;
    }
    Node node;
    node.kind = kind;
    node.line = line;
    out.push_back(std::move(node));
}

std::string Parser::TemplateName(const Token& token, std::string_view context) {
    std::string name;
    if ((token.type != Tok::kString && token.type != Tok::kRawString) || !Unquote(token.text, name)) {
        Unexpected(token, context);
    }
    return name;
}

void Parser::Call(int line, std::vector<Node>& out) {
    constexpr std::string_view kContext = "template clause";
    Node node;
    node.kind = Node::Kind::kTemplate;
    node.line = line;
    node.text = TemplateName(NextNonSpace(), kContext);
    if (failed()) {
        return;
    }
    Token token = NextNonSpace();
    if (token.type != Tok::kRightDelim) {
        Backup(std::move(token));
        node.pipe = Pipeline(kContext, Tok::kRightDelim);
    }
    out.push_back(std::move(node));
}

void Parser::Block(int line, std::vector<Node>& out) {
    constexpr std::string_view kContext = "block clause";
    Node node;
    node.kind = Node::Kind::kTemplate;
    node.line = line;
    node.text = TemplateName(NextNonSpace(), kContext);
    if (failed()) {
        return;
    }
    node.pipe = Pipeline(kContext, Tok::kRightDelim);
    if (!failed()) {
        Body(node.text, kContext);
    }
    out.push_back(std::move(node));
}

void Parser::Define(int) {
    constexpr std::string_view kContext = "define clause";
    const std::string name = TemplateName(NextNonSpace(), kContext);
    if (!failed() && Expect(Tok::kRightDelim, kContext)) {
        Body(name, kContext);
    }
}

void Parser::Body(const std::string& template_name, std::string_view context) {
    if (++nesting_ > kMaxNesting) {
        Fail(Peek().line, fmt::format("more than {} levels of nesting", kMaxNesting));
        return;
    }
    std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int ranges = std::exchange(range_depth_, 0);
    std::vector<Node> body;
    if (List(body) == Stop::kElse) {
        Fail(Peek().line, fmt::format("unexpected {{{{else}}}} in {}", context));
    }
    variables_ = std::move(outer);
    range_depth_ = ranges;
    --nesting_;
    result_->bodies_[template_name] = std::move(body);
}

size_t Parser::Declare(const std::string& name) {
    variables_.push_back(name);
    return variables_.size() - 1;
}

void Parser::Declarations(Pipe& pipe, std::string_view context) {
    for (;;) {
        if (PeekNonSpace().type != Tok::kVariable) {
            return;
        }
        Token variable = NextNonSpace();
        Token after = Next();
        const bool spaced = after.type == Tok::kSpace;
        Token sign = spaced ? NextNonSpace() : std::move(after);
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
                const Tok next = PeekNonSpace().type;
                if (next == Tok::kVariable || next == Tok::kRightDelim || next == Tok::kRightParen) {
                    continue;
                }
                Fail(variable.line, "range can only initialize variables");
                return;
            }
            Fail(variable.line, fmt::format("too many declarations in {}", context));
            return;
        }
        Backup(std::move(sign));
        if (spaced) {
            Backup({Tok::kSpace, " ", variable.line});
        }
        Backup(std::move(variable));
        return;
    }
}

std::unique_ptr<Pipe> Parser::Pipeline(std::string_view context, Tok end) {
    auto pipe = std::make_unique<Pipe>();
    pipe->line = PeekNonSpace().line;
    if (++nesting_ > kMaxNesting) {
        Fail(pipe->line, fmt::format("more than {} levels of nesting", kMaxNesting));
    }
    if (!failed()) {
        Declarations(*pipe, context);
    }
    while (!failed()) {
        Token token = NextNonSpace();
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
                Backup(std::move(token));
                pipe->commands.push_back(ParseCommand());
                break;
            default:
                Unexpected(token, context);
        }
    }
    --nesting_;
    return pipe;
}

void Parser::CheckPipeline(const Pipe& pipe, std::string_view context, int line) {
    if (pipe.commands.empty()) {
        Fail(line, fmt::format("missing value for {}", context));
        return;
    }
    for (size_t i = 1; i < pipe.commands.size(); ++i) {
        const Operand& first = pipe.commands[i].words.front();
        const bool executable = first.kind == Operand::Kind::kField ||
                                first.kind == Operand::Kind::kFunction ||
                                first.kind == Operand::Kind::kVariable || first.kind == Operand::Kind::kPipe;
        if (!executable) {
            Fail(line, fmt::format("non executable command in pipeline stage {}", i + 1));
            return;
        }
    }
}

Command Parser::ParseCommand() {
    Command command;
    while (!failed()) {
        PeekNonSpace();
        Operand operand;
        if (ParseOperand(operand)) {
            command.words.push_back(std::move(operand));
        }
        if (failed()) {
            break;
        }
        Token token = Next();
        if (token.type == Tok::kSpace) {
            continue;
        }
        if (token.type == Tok::kRightDelim || token.type == Tok::kRightParen) {
            Backup(std::move(token));
        } else if (token.type != Tok::kPipe) {
            Unexpected(token, "operand");
        }
        break;
    }
    if (!failed() && command.words.empty()) {
        Fail(Peek().line, "empty command");
    }
    return command;
}

bool Parser::ParseOperand(Operand& out) {
    if (!ParseTerm(out)) {
        return false;
    }
    while (!failed() && Peek().type == Tok::kField) {
        const bool literal = out.kind == Operand::Kind::kLiteral || out.kind == Operand::Kind::kNil ||
                             (out.kind == Operand::Kind::kDot && out.fields.empty());
        const Token field = Next();
        if (literal) {
            Fail(field.line, fmt::format("unexpected . after term \"{}\"", out.source));
            break;
        }
        out.fields.push_back(field.text.substr(1));
        out.source += field.text;
    }
    return true;
}

bool Parser::ParseTerm(Operand& out) {
    Token token = NextNonSpace();
    out.source = token.text;
    out.line = token.line;
    switch (token.type) {
        case Tok::kIdentifier:
            out.kind = Operand::Kind::kFunction;
            out.function = FindFunction(token.text);
            if (out.function == nullptr) {
                Fail(token.line, fmt::format("function \"{}\" not defined", token.text));
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
            ParseNumber(token, out);
            return true;
        case Tok::kLeftParen:
            out.kind = Operand::Kind::kPipe;
            out.pipe = Pipeline("parenthesized pipeline", Tok::kRightParen);
            out.source = "(...)";
            return true;
        case Tok::kString:
        case Tok::kRawString:
            out.kind = Operand::Kind::kLiteral;
            if (!Unquote(token.text, out.text)) {
                Fail(token.line, "invalid syntax");
                return true;
            }
            out.literal = Value::String(out.text);
            return true;
        default:
            Backup(std::move(token));
            return false;
    }
}

void Parser::UseVariable(const Token& token, Operand& out) {
    out.kind = Operand::Kind::kVariable;
    out.source = token.text;
    out.text = token.text;
    for (size_t i = variables_.size(); i-- > 0;) {
        if (variables_[i] == token.text) {
            out.variable = i;
            return;
        }
    }
    Fail(token.line, fmt::format("undefined variable \"{}\"", token.text));
}

Result<std::shared_ptr<const Template>> Template::Parse(std::string_view text, std::string_view name) {
    return Parser(text, name).Run();
}

}  // namespace haumea::text_template
