#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/letters.h"
#include "template/function.h"

// Regular expressions in the syntax that Go has too (RE2), so that no pattern takes more than linear time.
namespace haumea::text_template {
namespace {

constexpr size_t kMaxPatterns = 64;

// Compiled patterns are kept: a template asks for the same ones with every message.
const re2::RE2& Compiled(std::string_view pattern) {
    thread_local std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>> cache;
    if (const auto found = cache.find(pattern); found != cache.end()) {
        return *found->second;
    }
    if (cache.size() >= kMaxPatterns) {
        cache.clear();
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    const re2::StringPiece text(pattern.data(), pattern.size());
    return *cache.emplace(pattern, std::make_unique<re2::RE2>(text, options)).first->second;
}

// An error text for a pattern that is none.
Value Broken(const re2::RE2& pattern, CallContext& ctx) {
    return MakeError(ctx, fmt::format("error parsing regexp: {}", pattern.error()));
}

// Where a pattern matches: itself, then its groups; a group that took no part has no data.
using Groups = std::vector<re2::StringPiece>;

// Calls `visit` with every match, from the left, at most `most` times; as in Go an empty match right behind
// another is none.
template <typename Visit>
void EachMatch(const re2::RE2& pattern, std::string_view text, int64_t most, Visit&& visit) {
    Groups groups(static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1);
    const re2::StringPiece whole(text.data(), text.size());
    size_t at = 0;
    const char* last_end = nullptr;
    while (most != 0 && at <= text.size() &&
           pattern.Match(whole, at, text.size(), re2::RE2::UNANCHORED, groups.data(),
                         static_cast<int>(groups.size()))) {
        const char* const begin = groups[0].data();
        const char* const end = begin + groups[0].size();
        if (!groups[0].empty() || begin != last_end) {
            visit(groups);
            most -= most > 0 ? 1 : 0;
        }
        last_end = end;
        at = static_cast<size_t>(end - text.data());
        if (groups[0].empty()) {
            at += at < text.size() ? FirstRuneSize(text.substr(at)) : 1;
        }
    }
}

std::string_view View(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

Value ListOf(const std::vector<std::string_view>& texts, CallContext& ctx) {
    Value* items = ctx.arena.AllocateArray<Value>(texts.size());
    std::transform(texts.begin(), texts.end(), items, Value::String);
    return Value::Array({items, texts.size()});
}

Value Match(std::span<const Value> args, CallContext& ctx) {
    const re2::RE2& pattern = Compiled(args[0].text());
    if (!pattern.ok()) {
        return Broken(pattern, ctx);
    }
    const std::string_view text = args[1].text();
    return Value::Bool(re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern));
}
// The functions without `must` take a broken pattern for one that does not match, where sprig does.
Value LenientMatch(std::span<const Value> args, CallContext& ctx) {
    return Compiled(args[0].text()).ok() ? Match(args, ctx) : Value::Bool(false);
}

Value Find(std::span<const Value> args, CallContext& ctx) {
    const re2::RE2& pattern = Compiled(args[0].text());
    if (!pattern.ok()) {
        return Broken(pattern, ctx);
    }
    std::string_view found;
    EachMatch(pattern, args[1].text(), 1, [&](const Groups& groups) { found = View(groups[0]); });
    return Value::String(found);
}

// regexFindAll PATTERN TEXT MOST; a negative number is no bound.
Value FindAll(std::span<const Value> args, CallContext& ctx) {
    const re2::RE2& pattern = Compiled(args[0].text());
    if (!pattern.ok()) {
        return Broken(pattern, ctx);
    }
    std::vector<std::string_view> found;
    EachMatch(pattern, args[1].text(), args[2].as_int(),
              [&](const Groups& groups) { found.push_back(View(groups[0])); });
    return ListOf(found, ctx);
}

Value SplitBy(std::span<const Value> args, CallContext& ctx) {
    const re2::RE2& pattern = Compiled(args[0].text());
    if (!pattern.ok()) {
        return Broken(pattern, ctx);
    }
    const std::string_view text = args[1].text();
    const int64_t most = args[2].as_int();
    std::vector<std::string_view> parts;
    if (most == 0) {
        return ListOf(parts, ctx);
    }
    size_t begin = 0;
    EachMatch(pattern, text, -1, [&](const Groups& groups) {
        const auto at = static_cast<size_t>(groups[0].data() - text.data());
        const size_t end = at + groups[0].size();
        const bool enough = most > 0 && static_cast<int64_t>(parts.size()) + 1 >= most;
        if (!enough && end != 0 && (at < text.size() || !groups[0].empty())) {
            parts.push_back(text.substr(begin, at - begin));
            begin = end;
        }
    });
    parts.push_back(text.substr(begin));
    return ListOf(parts, ctx);
}

// Appends the replacement with $1, ${1}, $name, ${name} and $$ filled in, as Go's Regexp.Expand.
void Expand(std::string_view with, const re2::RE2& pattern, const Groups& groups, std::string& out) {
    const auto is_word = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    while (!with.empty()) {
        const size_t dollar = with.find('$');
        out.append(with.substr(0, dollar));
        if (dollar == std::string_view::npos) {
            return;
        }
        with.remove_prefix(dollar + 1);
        const bool braces = with.starts_with('{');
        std::string_view rest = with.substr(braces ? 1 : 0);
        const auto length =
            static_cast<size_t>(std::find_if_not(rest.begin(), rest.end(), is_word) - rest.begin());
        const std::string name(rest.substr(0, length));
        if (with.starts_with('$')) {
            out += '$';
            with.remove_prefix(1);
            continue;
        }
        if (name.empty() || (braces && !rest.substr(length).starts_with('}'))) {
            out += '$';
            continue;
        }
        with = rest.substr(length + (braces ? 1 : 0));
        size_t index = groups.size();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            index = name.size() <= 4 ? std::stoul(name) : index;
        } else if (const auto& names = pattern.NamedCapturingGroups(); names.contains(name)) {
            index = static_cast<size_t>(names.at(name));
        }
        if (index < groups.size()) {
            out.append(View(groups[index]));
        }
    }
}

// PATTERN TEXT REPLACEMENT
Value Replaced(std::span<const Value> args, CallContext& ctx, bool literal) {
    const re2::RE2& pattern = Compiled(args[0].text());
    if (!pattern.ok()) {
        return Broken(pattern, ctx);
    }
    const std::string_view text = args[1].text();
    std::string out;
    size_t done = 0;
    EachMatch(pattern, text, -1, [&](const Groups& groups) {
        if (out.size() > ctx.max_bytes) {
            return;
        }
        const auto at = static_cast<size_t>(groups[0].data() - text.data());
        out.append(text.substr(done, at - done));
        done = at + groups[0].size();
        if (literal) {
            out.append(args[2].text());
        } else {
            Expand(args[2].text(), pattern, groups, out);
        }
    });
    out.append(text.substr(done));
    return out.size() > ctx.max_bytes ? Value::Error("the result is too large") : MakeText(ctx, out);
}
Value ReplaceAll(std::span<const Value> args, CallContext& ctx) { return Replaced(args, ctx, false); }
Value ReplaceAllLiteral(std::span<const Value> args, CallContext& ctx) { return Replaced(args, ctx, true); }

Value QuoteMeta(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const char c : args[0].text()) {
        if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) {
            out += '\\';
        }
        out += c;
    }
    return MakeText(ctx, out);
}

constexpr Function kFunctions[] = {
    {"regexMatch", "ss", LenientMatch},
    {"mustRegexMatch", "ss", Match},
    {"regexFind", "ss", Find},
    {"mustRegexFind", "ss", Find},
    {"regexFindAll", "ssi", FindAll},
    {"mustRegexFindAll", "ssi", FindAll},
    {"regexSplit", "ssi", SplitBy},
    {"mustRegexSplit", "ssi", SplitBy},
    {"regexReplaceAll", "sss", ReplaceAll},
    {"mustRegexReplaceAll", "sss", ReplaceAll},
    {"regexReplaceAllLiteral", "sss", ReplaceAllLiteral},
    {"mustRegexReplaceAllLiteral", "sss", ReplaceAllLiteral},
    {"regexQuoteMeta", "s", QuoteMeta},
};

}  // namespace

std::span<const Function> PatternFunctions() { return kFunctions; }

}  // namespace haumea::text_template
