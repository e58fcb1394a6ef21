#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/buffer.h"
#include "data/value.h"
#include "template/node.h"

namespace haumea::text_template {

// What one execution may use: no template can hang or fill the engine.
struct Limits {
    int64_t max_steps = 1'000'000;         // nodes, iterations and calls: setting sink.templateMaxSteps
    size_t max_output_bytes = 16U << 20U;  // setting sink.templateMaxBytes; four times that for all values
    int max_depth = 200;                   // {{template}} inside {{template}}
};

// A compiled data template: the language of Go's text/template (pkg.go.dev/text/template), Go's printing of
// values, and the registered functions. Parsed once at rule creation; immutable, so any thread may execute
// it.
class Template {
  public:
    // `name` stands in error texts: `template: sink:1: function "x" not defined`.
    static Result<std::shared_ptr<const Template>> Parse(std::string_view text,
                                                         std::string_view name = "sink");

    // Appends the output for `dot` to `out`. False: `error` says where and why; what was written is taken
    // back. Nothing is allocated beyond `arena` and the output once warm.
    bool Execute(const Value& dot, Arena& arena, BufferBuilder& out, std::string& error,
                 const Limits& limits = {}) const;

    const std::string& name() const { return name_; }
    // Bodies of the main text and of {{define}}; "" is the main text.
    const std::map<std::string, std::vector<Node>, std::less<>>& bodies() const { return bodies_; }

  private:
    friend class Parser;
    Template() = default;

    std::string name_;
    std::map<std::string, std::vector<Node>, std::less<>> bodies_;
};

// A property value that is to be treated as a template (dynamic properties).
inline bool IsTemplate(std::string_view text) { return text.find("{{") != std::string_view::npos; }

}  // namespace haumea::text_template
