// Reads JSONPath texts.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "data/cast.h"
#include "expr/json_path.h"

namespace haumea::expr {

// Recursive descent; lives for one Compile. Errors are kept, the first counts.
class JsonPathParser {
  public:
    explicit JsonPathParser(std::string_view text) : text_(text) {}

    Result<JsonPath> Parse() {
        constexpr size_t kMaxPath = 8192;
        JsonPath path;
        if (text_.size() > kMaxPath) {
            return Failf("parsing error: the JSON path is longer than {} bytes", kMaxPath);
        }
        SkipSpaces();
        if (!Take('$')) {
            Fail("expected $");
        }
        ReadSteps(path);
        SkipSpaces();
        if (at_ < text_.size()) {
            Fail("unexpected text");
        }
        if (!error_.empty()) {
            return Failure();
        }
        return path;
    }

  private:
    using Filter = std::unique_ptr<JsonFilter>;
    using Op = JsonFilter::Op;

    tl::unexpected<Error> Failure() const {
        return Failf("parsing error: {}\t:1:{} {}", text_, error_at_ + 1, error_);
    }
    void Fail(std::string_view what) {
        if (error_.empty()) {
            error_ = what;
            error_at_ = at_;
        }
        at_ = text_.size();
    }
    char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool Take(char c) {
        if (Peek() != c) {
            return false;
        }
        ++at_;
        return true;
    }
    bool Take(std::string_view token) {
        SkipSpaces();
        if (!text_.substr(at_).starts_with(token)) {
            return false;
        }
        at_ += token.size();
        return true;
    }
    void SkipSpaces() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
            ++at_;
        }
    }

    static bool IsNameChar(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               static_cast<unsigned char>(c) >= 0x80;
    }
    std::string ReadName() {
        const size_t start = at_;
        while (IsNameChar(Peek())) {
            ++at_;
        }
        if (start == at_) {
            Fail("expected a name, \".\" or \"*\"");
        }
        return std::string(text_.substr(start, at_ - start));
    }

    // Quoted text with \" \\ \n ... ; other escapes stand for the character itself.
    std::string ReadQuoted() {
        const char quote = text_[at_++];
        std::string out;
        while (at_ < text_.size() && Peek() != quote) {
            char c = text_[at_++];
            if (c == '\\' && at_ < text_.size()) {
                c = text_[at_++];
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
            }
            out += c;
        }
        if (!Take(quote)) {
            Fail("a text without closing quote");
        }
        return out;
    }

    std::optional<int64_t> ReadInteger() {
        SkipSpaces();
        int64_t value = 0;
        const auto result = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (result.ec != std::errc()) {
            return std::nullopt;
        }
        at_ = static_cast<size_t>(result.ptr - text_.data());
        return value;
    }

    void ReadSteps(JsonPath& path) {
        while (error_.empty() && (Peek() == '.' || Peek() == '[')) {
            JsonPath::Step step;
            if (Take('.')) {
                step.descend = Take('.');
                if (Take('*')) {
                    step.selectors.emplace_back(JsonPath::Everything{});
                } else if (!(step.descend && Peek() == '[')) {
                    step.selectors.emplace_back(ReadName());
                }
            }
            if (step.selectors.empty()) {
                ReadBracket(step);
            }
            if (step.selectors.empty()) {
                return;  // failed
            }
            const JsonPath::Selector& first = step.selectors.front();
            path.definite_ =
                path.definite_ && !step.descend && step.selectors.size() == 1 &&
                (std::holds_alternative<std::string>(first) || std::holds_alternative<int64_t>(first));
            path.steps_.push_back(std::move(step));
        }
    }

    void ReadBracket(JsonPath::Step& step) {
        if (!Take('[')) {
            return Fail("expected [");
        }
        if (++depth_ > kMaxDepth) {
            return Fail("nested too deeply");
        }
        do {
            ReadSelector(step);
        } while (error_.empty() && Take(","));
        --depth_;
        if (!Take("]")) {
            Fail("expected ]");
        }
    }

    void ReadSelector(JsonPath::Step& step) {
        SkipSpaces();
        if (Take('*')) {
            step.selectors.emplace_back(JsonPath::Everything{});
        } else if (Peek() == '"' || Peek() == '\'') {
            step.selectors.emplace_back(ReadQuoted());
        } else if (Take('?')) {
            step.selectors.emplace_back(std::unique_ptr<const JsonFilter>(ReadOr()));
        } else {
            ReadIndexOrSlice(step);
        }
    }

    void ReadIndexOrSlice(JsonPath::Step& step) {
        const std::optional<int64_t> start = ReadInteger();
        if (!Take(":")) {
            if (!start) {
                return Fail("expected a key, an index, *, ? or a range");
            }
            step.selectors.emplace_back(*start);
            return;
        }
        JsonPath::Slice slice;
        slice.start = start.value_or(0);
        if (const std::optional<int64_t> end = ReadInteger()) {
            slice.end = *end;
        }
        if (Take(":")) {
            slice.step = ReadInteger().value_or(1);
            if (slice.step <= 0) {
                return Fail("the step of a range should be above 0");
            }
        }
        step.selectors.emplace_back(slice);
    }

    Filter Binary(Op op, Filter left, Filter right) {
        auto node = std::make_unique<JsonFilter>();
        node->op_ = op;
        node->left_ = std::move(left);
        node->right_ = std::move(right);
        return node;
    }

    Filter ReadOr() {
        Filter left = ReadAnd();
        while (error_.empty() && Take("||")) {
            left = Binary(Op::kOr, std::move(left), ReadAnd());
        }
        return left;
    }
    Filter ReadAnd() {
        Filter left = ReadComparison();
        while (error_.empty() && Take("&&")) {
            left = Binary(Op::kAnd, std::move(left), ReadComparison());
        }
        return left;
    }
    Filter ReadComparison() {
        Filter left = ReadSum();
        constexpr std::array<std::pair<std::string_view, Op>, 6> kOps = {{{"==", Op::kEq},
                                                                          {"!=", Op::kNe},
                                                                          {"<=", Op::kLe},
                                                                          {">=", Op::kGe},
                                                                          {"<", Op::kLt},
                                                                          {">", Op::kGt}}};
        for (const auto& [token, op] : kOps) {
            if (Take(token)) {
                return Binary(op, std::move(left), ReadSum());
            }
        }
        return left;
    }
    Filter ReadSum() {
        Filter left = ReadProduct();
        while (error_.empty()) {
            if (Take("+")) {
                left = Binary(Op::kAdd, std::move(left), ReadProduct());
            } else if (Take("-")) {
                left = Binary(Op::kSub, std::move(left), ReadProduct());
            } else {
                break;
            }
        }
        return left;
    }
    Filter ReadProduct() {
        Filter left = ReadOperand();
        while (error_.empty()) {
            if (Take("*")) {
                left = Binary(Op::kMul, std::move(left), ReadOperand());
            } else if (Take("/")) {
                left = Binary(Op::kDiv, std::move(left), ReadOperand());
            } else if (Take("%")) {
                left = Binary(Op::kMod, std::move(left), ReadOperand());
            } else {
                break;
            }
        }
        return left;
    }

    Filter ReadOperand() {
        auto node = std::make_unique<JsonFilter>();
        if (++depth_ > kMaxDepth) {
            Fail("nested too deeply");
            return node;
        }
        SkipSpaces();
        if (Take('(')) {
            node = ReadOr();
            if (!Take(")")) {
                Fail("expected )");
            }
        } else if (Peek() == '!' || Peek() == '-') {
            node->op_ = Take('!') ? Op::kNot : (Take('-'), Op::kMinus);
            node->left_ = ReadOperand();
        } else if (Peek() == '@' || Peek() == '$') {
            node->op_ = Peek() == '@' ? Op::kCandidate : Op::kRoot;
            ++at_;
            ReadSteps(node->path_);
        } else {
            ReadLiteral(*node);
        }
        --depth_;
        return node;
    }

    void ReadLiteral(JsonFilter& node) {
        if (Peek() == '"' || Peek() == '\'') {
            node.text_ = ReadQuoted();
            node.literal_ = Value::String(node.text_);
            return;
        }
        const size_t start = at_;
        while (IsNameChar(Peek()) || Peek() == '.') {
            ++at_;
        }
        const std::string_view word = text_.substr(start, at_ - start);
        if (word == "true" || word == "false") {
            node.literal_ = Value::Bool(word == "true");
        } else if (word == "null" || word == "nil") {
            node.literal_ = Value::Null();
        } else if (const std::optional<double> number = ParseGoFloat(word)) {
            node.literal_ = Value::Double(*number);
        } else {
            Fail("expected @, $, a number, a text, true, false or null");
        }
    }

    static constexpr int kMaxDepth = 64;

    std::string_view text_;
    size_t at_ = 0;
    int depth_ = 0;
    std::string error_;
    size_t error_at_ = 0;
};

Result<JsonPath> JsonPath::Compile(std::string_view text) { return JsonPathParser(text).Parse(); }

}  // namespace haumea::expr
