#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "data/value.h"

namespace haumea::expr {

class JsonFilter;

// A compiled JSONPath: `$.a.b[0]`, `["k"]`, `[0,2]`, `[1:3]`, `*`, `..`, `[?(@.x > 4 && @.y == "z")]`.
// Immutable; any thread.
class JsonPath {
  public:
    static Result<JsonPath> Compile(std::string_view text);
    JsonPath();
    JsonPath(JsonPath&&) noexcept;
    JsonPath& operator=(JsonPath&&) noexcept;
    ~JsonPath();

    // A path that can only find one thing gives it, or an error when it is not there. Any other gives an
    // array of all it finds, with views into `root`. Errors: text in `arena`.
    Value Query(const Value& root, Arena& arena) const;

  private:
    friend class JsonPathParser;
    friend class JsonFilter;
    struct Slice {
        int64_t start = 0;
        int64_t end = INT64_MAX;
        int64_t step = 1;
    };
    struct Everything {};
    using Selector = std::variant<std::string, int64_t, Slice, Everything, std::unique_ptr<const JsonFilter>>;
    struct Step {
        bool descend = false;             // `..`: from every value below, too
        std::vector<Selector> selectors;  // several: `[0,2]`
    };
    // Follows the steps from `from`; a key or index that is not there ends the way.
    bool Follow(const Value& from, const Value& root, Arena& arena, std::vector<Value>& found) const;

    std::vector<Step> steps_;
    bool definite_ = true;
};

// The condition of `[?...]`: comparisons, arithmetic and logic on `@` (the candidate), `$` and literals.
class JsonFilter {
  public:
    enum class Op : uint8_t {
        kLiteral,
        kCandidate,
        kRoot,
        kNot,
        kMinus,
        kAnd,
        kOr,
        kEq,
        kNe,
        kLt,
        kLe,
        kGt,
        kGe,
        kAdd,
        kSub,
        kMul,
        kDiv,
        kMod
    };

    JsonFilter() = default;
    JsonFilter(const JsonFilter&) = delete;
    JsonFilter& operator=(const JsonFilter&) = delete;

    bool Accepts(const Value& candidate, const Value& root, Arena& arena) const;

  private:
    friend class JsonPathParser;
    // kMissing: what is compared is not there, or of the wrong type.
    Value Evaluate(const Value& candidate, const Value& root, Arena& arena) const;
    Value EvaluateBinary(const Value& candidate, const Value& root, Arena& arena) const;

    Op op_ = Op::kLiteral;
    Value literal_;  // a text lives in text_
    std::string text_;
    JsonPath path_;
    std::unique_ptr<const JsonFilter> left_;
    std::unique_ptr<const JsonFilter> right_;
};

}  // namespace haumea::expr
