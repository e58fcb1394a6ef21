#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/node.h"
#include "template/token_stream.h"

namespace haumea::text_template {

// What stands between the delimiters of an action, `$x := .a | printf "%d"`, and which variables it may use.
// Owned by the Parser of statements, with which it shares the tokens.
class PipelineParser {
  public:
    explicit PipelineParser(TokenStream& tokens) : tokens_(tokens) {}

    // Up to and including the token `end`; `context` is the statement's word, for error texts.
    std::unique_ptr<Pipe> Parse(std::string_view context, Tok end);

    // Variables declared after Scope() are forgotten by LeaveScope().
    size_t Scope() const { return variables_.size(); }
    void LeaveScope(size_t scope) { variables_.resize(scope); }
    // A body with its own variables, as {{define}} and {{block}} have; LeaveBody takes what EnterBody gave.
    std::vector<std::string> EnterBody() { return std::exchange(variables_, {"$"}); }
    void LeaveBody(std::vector<std::string> outer) { variables_ = std::move(outer); }

  private:
    void Declarations(Pipe& pipe, std::string_view context);
    void CheckPipeline(const Pipe& pipe, std::string_view context, int line);
    Command ParseCommand();
    bool ParseOperand(Operand& out);
    bool ParseTerm(Operand& out);
    void UseVariable(const Token& token, Operand& out);
    size_t Declare(const std::string& name);

    TokenStream& tokens_;
    std::vector<std::string> variables_ = {"$"};
};

}  // namespace haumea::text_template
