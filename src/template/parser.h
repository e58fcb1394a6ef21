#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "template/pipeline_parser.h"
#include "template/template.h"
#include "template/token_stream.h"

namespace haumea::text_template {

// Statements: tokens to tree, with the messages of Go's parser. One use, one thread.
class Parser {
  public:
    Parser(std::string_view text, std::string_view name) : tokens_(text, name), name_(name) {}
    Result<std::shared_ptr<const Template>> Run();

  private:
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

    TokenStream tokens_;
    PipelineParser pipelines_{tokens_};
    std::string name_;
    std::shared_ptr<Template> result_;
    int range_depth_ = 0;
};

}  // namespace haumea::text_template
