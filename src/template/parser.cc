#include "template/parser.h"

#include <fmt/core.h>

#include <utility>

#include "template/literal.h"

namespace haumea::text_template {

Result<std::shared_ptr<const Template>> Parser::Run() {
    result_ = std::shared_ptr<Template>(new Template());
    result_->name_ = name_;
    std::vector<Node> main;
    while (!tokens_.failed() && tokens_.Peek().type != Tok::kEof) {
        if (tokens_.Peek().type == Tok::kLeftDelim) {
            Token delim = tokens_.Next();
            const Token keyword = tokens_.NextNonSpace();
            if (keyword.type == Tok::kDefine) {
                Define(keyword.line);
                continue;
            }
            tokens_.Backup(keyword);
            tokens_.Backup(std::move(delim));
        }
        switch (TextOrAction(main)) {
            case Stop::kEof:
                break;
            case Stop::kEnd:
                tokens_.Fail(tokens_.Peek().line, "unexpected {{end}}");
                break;
            case Stop::kElse:
                tokens_.Fail(tokens_.Peek().line, "unexpected {{else}}");
                break;
        }
    }
    if (tokens_.failed()) {
        return haumea::Fail(Error(tokens_.error()));
    }
    result_->bodies_[""] = std::move(main);
    return std::shared_ptr<const Template>(std::move(result_));
}

Parser::Stop Parser::List(std::vector<Node>& out) {
    while (!tokens_.failed()) {
        if (tokens_.PeekNonSpace().type == Tok::kEof) {
            tokens_.Fail(tokens_.Peek().line, "unexpected EOF");
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
    Token token = tokens_.NextNonSpace();
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
    tokens_.Unexpected(token, "input");
    return Stop::kEof;
}

Parser::Stop Parser::Action(std::vector<Node>& out) {
    Token token = tokens_.NextNonSpace();
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
            const Tok next = tokens_.PeekNonSpace().type;
            if (next != Tok::kIf && next != Tok::kWith) {
                tokens_.Expect(Tok::kRightDelim, "else");
            }
            return Stop::kElse;
        }
        case Tok::kEnd:
            tokens_.Expect(Tok::kRightDelim, "end");
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
    tokens_.Backup(std::move(token));
    Node node;
    node.kind = Node::Kind::kAction;
    node.line = line;
    node.pipe = pipelines_.Parse("command", Tok::kRightDelim);
    out.push_back(std::move(node));
    return Stop::kEof;
}

void Parser::Control(Node::Kind kind, std::string_view context, int line, std::vector<Node>& out) {
    if (!tokens_.Deeper(line)) {
        return;
    }
    const size_t scope = pipelines_.Scope();
    Node node;
    node.kind = kind;
    node.line = line;
    node.pipe = pipelines_.Parse(context, Tok::kRightDelim);
    range_depth_ += kind == Node::Kind::kRange ? 1 : 0;
    Stop stop = tokens_.failed() ? Stop::kEof : List(node.body);
    range_depth_ -= kind == Node::Kind::kRange ? 1 : 0;
    if (!tokens_.failed() && stop == Stop::kElse) {
        const Token& next = tokens_.PeekNonSpace();
        const bool chained = (kind == Node::Kind::kIf && next.type == Tok::kIf) ||
                             (kind == Node::Kind::kWith && next.type == Tok::kWith);
        if (chained) {
            const Token keyword = tokens_.NextNonSpace();
            Control(kind, context, keyword.line, node.otherwise);
        } else if (next.type == Tok::kIf || next.type == Tok::kWith) {
            tokens_.Unexpected(next, "else");
        } else if (List(node.otherwise) != Stop::kEnd && !tokens_.failed()) {
            tokens_.Fail(tokens_.Peek().line, "expected end; found {{else}}");
        }
    }
    pipelines_.LeaveScope(scope);
    tokens_.Shallower();
    out.push_back(std::move(node));
}

void Parser::Jump(Node::Kind kind, std::string_view word, int line, std::vector<Node>& out) {
    const Token token = tokens_.NextNonSpace();
    if (token.type != Tok::kRightDelim) {
        tokens_.Unexpected(token, fmt::format("{{{{{}}}}}", word));
        return;
    }
    if (range_depth_ == 0) {
        tokens_.Fail(line, fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
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
        tokens_.Unexpected(token, context);
    }
    return name;
}

void Parser::Call(int line, std::vector<Node>& out) {
    constexpr std::string_view kContext = "template clause";
    Node node;
    node.kind = Node::Kind::kTemplate;
    node.line = line;
    node.text = TemplateName(tokens_.NextNonSpace(), kContext);
    if (tokens_.failed()) {
        return;
    }
    Token token = tokens_.NextNonSpace();
    if (token.type != Tok::kRightDelim) {
        tokens_.Backup(std::move(token));
        node.pipe = pipelines_.Parse(kContext, Tok::kRightDelim);
    }
    out.push_back(std::move(node));
}

void Parser::Block(int line, std::vector<Node>& out) {
    constexpr std::string_view kContext = "block clause";
    Node node;
    node.kind = Node::Kind::kTemplate;
    node.line = line;
    node.text = TemplateName(tokens_.NextNonSpace(), kContext);
    if (tokens_.failed()) {
        return;
    }
    node.pipe = pipelines_.Parse(kContext, Tok::kRightDelim);
    if (!tokens_.failed()) {
        Body(node.text, kContext);
    }
    out.push_back(std::move(node));
}

void Parser::Define(int) {
    constexpr std::string_view kContext = "define clause";
    const std::string name = TemplateName(tokens_.NextNonSpace(), kContext);
    if (!tokens_.failed() && tokens_.Expect(Tok::kRightDelim, kContext)) {
        Body(name, kContext);
    }
}

void Parser::Body(const std::string& template_name, std::string_view context) {
    if (!tokens_.Deeper(tokens_.Peek().line)) {
        return;
    }
    std::vector<std::string> outer = pipelines_.EnterBody();
    const int ranges = std::exchange(range_depth_, 0);
    std::vector<Node> body;
    if (List(body) == Stop::kElse) {
        tokens_.Fail(tokens_.Peek().line, fmt::format("unexpected {{{{else}}}} in {}", context));
    }
    pipelines_.LeaveBody(std::move(outer));
    range_depth_ = ranges;
    tokens_.Shallower();
    result_->bodies_[template_name] = std::move(body);
}

Result<std::shared_ptr<const Template>> Template::Parse(std::string_view text, std::string_view name) {
    return Parser(text, name).Run();
}

}  // namespace haumea::text_template
