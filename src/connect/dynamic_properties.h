#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "config/node.h"
#include "data/buffer.h"
#include "data/value.h"
#include "template/template.h"

namespace haumea::connect {

// The templates in properties of a sink (contract §6: path, header values, resendDestination): parsed when
// the rule is created, evaluated for every message; the values travel in EncodedMessage::dynamic. A sink
// finds the value of a property by the text of its template in texts(). Owned by one action; home loop only.
class DynamicProperties {
  public:
    explicit DynamicProperties(const text_template::Limits& limits = {}) : limits_(limits) {}

    // Takes the templates that stand in the properties `names` of `props`, nested ones too; a text that is
    // known already is not taken twice. The error names the property, the place in its text and what is
    // wrong.
    Result<void> Add(const config::Node& props, std::span<const std::string> names);

    bool empty() const noexcept { return texts_.empty(); }
    const std::vector<std::string>& texts() const noexcept { return texts_; }

    // The values for `dot`, the row or list of rows that the message is made of, in the order of texts().
    // False: `error` says why, `values` is empty.
    bool Evaluate(const Value& dot, std::vector<std::string>& values, std::string& error) noexcept;

  private:
    Result<void> AddNode(const std::string& name, const config::Node& value);

    text_template::Limits limits_;
    std::vector<std::string> names_;  // of the first property that holds the text
    std::vector<std::string> texts_;
    std::vector<std::shared_ptr<const text_template::Template>> templates_;
    Arena arena_;
    BufferBuilder out_;
};

}  // namespace haumea::connect
