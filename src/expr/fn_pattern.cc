#include <re2/re2.h>

#include <string>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

// The compiled pattern of a call site: of the literal, or the last one that a row brought. Used by the home
// loop of the rule alone, which is why the cache may change behind const.
class PatternState final : public FunctionState {
  public:
    // Null when `pattern` is no regular expression; `error` says why.
    const re2::RE2* Get(std::string_view pattern, std::string& error) const {
        if (compiled_ == nullptr || compiled_->pattern() != pattern) {
            re2::RE2::Options options;
            options.set_log_errors(false);
            compiled_ = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
        }
        if (!compiled_->ok()) {
            error = fmt::format("error parsing regexp: {}", compiled_->error());
            return nullptr;
        }
        return compiled_.get();
    }

  private:
    mutable std::unique_ptr<re2::RE2> compiled_;
};

// A wrong literal fails when it is used, as with a pattern from a column.
Result<std::unique_ptr<FunctionState>> PreparePattern(std::span<const Value>) {
    return std::make_unique<PatternState>();
}

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// Runs `body` with the compiled second argument, or gives the error.
template <typename Body>
Value WithPattern(Args args, FunctionContext& ctx, Body body) noexcept {
    const PatternState local;  // for calls without call site
    const auto& state = ctx.state == nullptr ? local : static_cast<const PatternState&>(*ctx.state);
    std::string error;
    const re2::RE2* pattern = state.Get(GoText(args[1], ctx.arena), error);
    return pattern == nullptr ? Value::Error(ctx.arena.Copy(error)) : body(*pattern);
}

Value Matches(Args args, FunctionContext& ctx) noexcept {
    if (CountsAsNull(args[0]) || CountsAsNull(args[1])) {
        return Value::Bool(false);
    }
    return WithPattern(args, ctx, [&](const re2::RE2& pattern) {
        return Value::Bool(re2::RE2::PartialMatch(Piece(GoText(args[0], ctx.arena)), pattern));
    });
}

Value Substr(Args args, FunctionContext& ctx) noexcept {
    return WithPattern(args, ctx, [&](const re2::RE2& pattern) {
        const std::string_view text = GoText(args[0], ctx.arena);
        re2::StringPiece found;
        if (!pattern.Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, &found, 1)) {
            return Value::String("");
        }
        return Value::String({found.data(), found.size()});
    });
}

bool IsNameChar(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A replacement with $1, ${1}, $name, ${name}, and $$ for a dollar. The name is as long as it can be; one
// that does not exist is empty. A dollar that starts none of these stands for itself.
void Expand(std::string_view replacement, const re2::RE2& pattern, std::span<const re2::StringPiece> groups,
            std::string& out) {
    while (!replacement.empty()) {
        const size_t dollar = replacement.find('$');
        out += replacement.substr(0, dollar);
        if (dollar == std::string_view::npos) {
            return;
        }
        replacement.remove_prefix(dollar + 1);
        if (replacement.starts_with('$')) {
            out += '$';
            replacement.remove_prefix(1);
            continue;
        }
        const bool braced = replacement.starts_with('{');
        size_t end = braced ? 1 : 0;
        while (end < replacement.size() && IsNameChar(replacement[end])) {
            ++end;
        }
        const std::string name(replacement.substr(braced ? 1 : 0, end - (braced ? 1 : 0)));
        if (name.empty() || (braced && (end == replacement.size() || replacement[end] != '}'))) {
            out += '$';
            continue;
        }
        replacement.remove_prefix(braced ? end + 1 : end);
        size_t group = groups.size();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            group = name.size() < 4 ? std::stoul(name) : groups.size();
        } else if (const auto known = pattern.NamedCapturingGroups().find(name);
                   known != pattern.NamedCapturingGroups().end()) {
            group = static_cast<size_t>(known->second);
        }
        if (group < groups.size()) {
            out.append(groups[group].data(), groups[group].size());
        }
    }
}

// Replaces every match. An empty match directly behind another one does not count.
bool ReplaceAll(std::string_view text, const re2::RE2& pattern, std::string_view replacement,
                std::string& out) {
    std::vector<re2::StringPiece> groups(static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1);
    size_t copied = 0;
    size_t search = 0;
    while (search <= text.size() && pattern.Match(Piece(text), search, text.size(), re2::RE2::UNANCHORED,
                                                  groups.data(), static_cast<int>(groups.size()))) {
        const auto begin = static_cast<size_t>(groups[0].data() - text.data());
        const size_t end = begin + groups[0].size();
        out += text.substr(copied, begin - copied);
        if (end > copied || begin == 0) {
            Expand(replacement, pattern, groups, out);
        }
        if (out.size() > kMaxResultBytes) {
            return false;
        }
        copied = end;
        const size_t step = search < text.size() ? FirstRuneSize(text.substr(search)) : 1;
        search = search + step > end ? search + step : end;
    }
    out += text.substr(std::min(copied, text.size()));
    return out.size() <= kMaxResultBytes;
}

Value Replace(Args args, FunctionContext& ctx) noexcept {
    return WithPattern(args, ctx, [&](const re2::RE2& pattern) {
        std::string out;
        if (!ReplaceAll(GoText(args[0], ctx.arena), pattern, GoText(args[2], ctx.arena), out)) {
            return ErrorOf(ctx, "the result is longer than {} bytes", kMaxResultBytes);
        }
        return StringResult(ctx, out);
    });
}

FunctionDescriptor Pattern(std::string_view name, std::string_view signature, std::string_view doc, int arity,
                           ScalarFunction function, std::string_view example, std::string_view result) {
    FunctionDescriptor made = FixedScalar("string", NullRule::kPass, name, signature, doc, arity, function,
                                          Kinds<'s', 's', 's'>, example, result);
    made.prepare = PreparePattern;
    return made;
}

}  // namespace

void AddPatternFunctions(FunctionRegistry& r) {
    r.Add(Pattern("regexp_matches", "regexp_matches(text, pattern)",
                  "Whether a regular expression (RE2 syntax) matches somewhere in the text.", 2, Matches,
                  R"(regexp_matches("Hello", "l+"))", "true"));
    FunctionDescriptor replace =
        Pattern("regexp_replace", "regexp_replace(text, pattern, replacement)",
                "The text with all matches replaced; $1 stands for a group.", 3, OrNull<Replace>,
                R"x(regexp_replace("abc", "(b)", "[$1]"))x", R"("a[b]c")");
    replace.null_rule = NullRule::kNullIfAny;
    r.Add(std::move(replace));
    FunctionDescriptor substr =
        Pattern("regexp_substr", "regexp_substr(text, pattern)", "The first match, or an empty text.", 2,
                OrNull<Substr>, R"(regexp_substr("Hello", "l+"))", R"("ll")");
    substr.null_rule = NullRule::kNullIfAny;
    r.Add(std::move(substr));
}

}  // namespace haumea::expr
