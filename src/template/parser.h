#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "template/lexer.h"
#include "template/template.h"

namespace haumea::text_template {

// Tokens to tree, with the messages of Go's parser. One use, one thread.
class Parser {
  public:
    Parser(std::string_view text, std::string_view name) : lexer_(text), name_(name) {}
    Result<std::shared_ptr<const Template>> Run();

  private:
    // The first error ends the parse: methods return early when failed().
    bool failed() const { return !error_.empty(); }
    void Fail(int line, const std::string& message);
    void Unexpected(const Token& token, std::string_view context);

    Token Next();
    Token NextNonSpace();
    const Token& Peek();
    const Token& PeekNonSpace();
    void Backup(Token token) { pending_.push_back(std::move(token)); }
    bool Expect(Tok type, std::string_view context);

    enum class Stop : uint8_t { kEof, kEnd, kElse };
    // Nodes up to {{end}}, {{else}} or the end of the text.
    Stop List(std::vector<Node>& out);
    // One text or action; kEnd and kElse when it is one of these.
    Stop TextOrAction(std::vector<Node>& out);
    Stop Action(std::vector<Node>& out);
    void Control(Node::Kind kind, std::string_view context, int line, std::vector<Node>& out);
    void Jump(Node::Kind kind, std::string_view word, int line, std::vector<Node>& out);
    void Call(int line, std::vector<Node>& out);
    void Block(int line, std::vector<Node>& out);
    void Define(int line);
    std::string TemplateName(const Token& token, std::string_view context);
    // A body with its own variables, as {{define}} and {{block}} have.
    void Body(const std::string& template_name, std::string_view context);

    std::unique_ptr<Pipe> Pipeline(std::string_view context, Tok end);
    void Declarations(Pipe& pipe, std::string_view context);
    void CheckPipeline(const Pipe& pipe, std::string_view context, int line);
    Command ParseCommand();
    bool ParseOperand(Operand& out);
    bool ParseTerm(Operand& out);
    void ParseNumber(const Token& token, Operand& out);
    void UseVariable(const Token& token, Operand& out);
    size_t Declare(const std::string& name);

    static constexpr int kMaxNesting = 200;

    Lexer lexer_;
    std::string name_;
    std::vector<Token> pending_;
    std::shared_ptr<Template> result_;
    std::vector<std::string> variables_;
    int range_depth_ = 0;
    int nesting_ = 0;
    std::string error_;
};

// Undoes Go's escapes; false when the text is no valid literal. `text` includes the quotes.
bool Unquote(std::string_view text, std::string& out);

}  // namespace haumea::text_template
