#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/find_text.h"
#include "data/go_format.h"
#include "data/letters.h"
#include "template/format.h"
#include "template/function.h"

// Texts, named as in the sprig library that users of templates know; the subject comes last.
namespace haumea::text_template {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
char Down(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }

// Calls `visit` with every character.
template <typename Visit>
void EachRune(std::string_view text, Visit&& visit) {
    while (!text.empty()) {
        const size_t size = FirstRuneSize(text);
        visit(text.substr(0, size));
        text.remove_prefix(size);
    }
}

Value TooLarge() { return Value::Error("the result is too large"); }

Value Upper(std::span<const Value> args, CallContext& ctx) {
    return Value::String(ToUpperCase(args[0].text(), ctx.arena));
}
Value Lower(std::span<const Value> args, CallContext& ctx) {
    return Value::String(ToLowerCase(args[0].text(), ctx.arena));
}
Value SwapCase(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    EachRune(args[0].text(), [&](std::string_view rune) {
        const std::string_view upper = ToUpperCase(rune, ctx.arena);
        out += upper != rune ? upper : ToLowerCase(rune, ctx.arena);
    });
    return MakeText(ctx, out);
}

// First letter of every word. As Go's strings.Title has it, a word ends at what is neither letter nor digit
// nor underscore.
bool InWord(std::string_view rune) {
    const char c = rune[0];
    return rune.size() > 1 ? !IsSpaceRune(rune)
                           : IsUpper(c) || IsLower(c) || (c >= '0' && c <= '9') || c == '_';
}
Value Title(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    bool inside = false;
    EachRune(args[0].text(), [&](std::string_view rune) {
        out += inside ? rune : ToUpperCase(rune, ctx.arena);
        inside = InWord(rune);
    });
    return MakeText(ctx, out);
}
Value Untitle(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    bool inside = false;
    EachRune(args[0].text(), [&](std::string_view rune) {
        out += inside ? rune : ToLowerCase(rune, ctx.arena);
        inside = !IsSpaceRune(rune);
    });
    return MakeText(ctx, out);
}
Value Initials(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    bool inside = false;
    EachRune(args[0].text(), [&](std::string_view rune) {
        const bool space = IsSpaceRune(rune);
        out += inside || space ? std::string_view() : rune;
        inside = !space;
    });
    return MakeText(ctx, out);
}

Value Trim(std::span<const Value> args, CallContext&) {
    return Value::String(TrimSpace(args[0].text(), true, true));
}
// Without the characters of the first text at the ends of the second.
Value TrimAll(std::span<const Value> args, CallContext&) {
    const std::string_view set = args[0].text();
    const std::string_view text = args[1].text();
    size_t first = text.size();
    size_t end = 0;
    size_t at = 0;
    EachRune(text, [&](std::string_view rune) {
        if (set.find(rune) == std::string_view::npos) {
            first = std::min(first, at);
            end = at + rune.size();
        }
        at += rune.size();
    });
    return Value::String(first < end ? text.substr(first, end - first) : std::string_view());
}
Value TrimPrefix(std::span<const Value> args, CallContext&) {
    std::string_view text = args[1].text();
    text.remove_prefix(text.starts_with(args[0].text()) ? args[0].size() : 0);
    return Value::String(text);
}
Value TrimSuffix(std::span<const Value> args, CallContext&) {
    std::string_view text = args[1].text();
    text.remove_suffix(text.ends_with(args[0].text()) ? args[0].size() : 0);
    return Value::String(text);
}
Value Contains(std::span<const Value> args, CallContext&) {
    return Value::Bool(FindText(args[1].text(), args[0].text()) != std::string_view::npos);
}
Value HasPrefix(std::span<const Value> args, CallContext&) {
    return Value::Bool(args[1].text().starts_with(args[0].text()));
}
Value HasSuffix(std::span<const Value> args, CallContext&) {
    return Value::Bool(args[1].text().ends_with(args[0].text()));
}

Value Replace(std::span<const Value> args, CallContext& ctx) {
    const std::string_view from = args[0].text();
    const std::string_view to = args[1].text();
    const std::string_view text = args[2].text();
    std::string out;
    for (size_t at = 0; at <= text.size();) {
        const size_t hit = from.empty() ? at : FindText(text, from, at);
        if (hit == std::string_view::npos) {
            out.append(text.substr(at));
            break;
        }
        out.append(text.substr(at, hit - at)).append(to);
        const size_t rune = from.empty() && at < text.size() ? FirstRuneSize(text.substr(at)) : 1;
        if (from.empty()) {
            out.append(text.substr(at, rune));
        }
        at = hit + (from.empty() ? rune : from.size());
        if (out.size() > ctx.max_bytes) {
            return TooLarge();
        }
    }
    return MakeText(ctx, out);
}

Value Repeat(std::span<const Value> args, CallContext& ctx) {
    const int64_t count = args[0].as_int();
    const std::string_view text = args[1].text();
    if (count < 0) {
        return Value::Error("strings: negative Repeat count");
    }
    if (!text.empty() && static_cast<uint64_t>(count) > ctx.max_bytes / text.size()) {
        return TooLarge();
    }
    std::string out;
    for (int64_t i = 0; i < count && !text.empty(); ++i) {
        out += text;
    }
    return MakeText(ctx, out);
}

Value Trunc(std::span<const Value> args, CallContext&) {
    const int64_t count = args[0].as_int();
    const std::string_view text = args[1].text();
    const auto size = static_cast<int64_t>(text.size());
    if (count < 0 && size + count > 0) {
        return Value::String(text.substr(static_cast<size_t>(size + count)));
    }
    return Value::String(count >= 0 && size > count ? text.substr(0, static_cast<size_t>(count)) : text);
}

Value Substr(std::span<const Value> args, CallContext&) {
    const int64_t start = args[0].as_int();
    const int64_t end = args[1].as_int();
    const std::string_view text = args[2].text();
    const auto size = static_cast<int64_t>(text.size());
    const int64_t from = start < 0 ? 0 : std::min(start, size);
    const int64_t to = end < 0 || end > size ? size : std::max(from, end);
    return Value::String(text.substr(static_cast<size_t>(from), static_cast<size_t>(to - from)));
}

Value NoSpace(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    EachRune(args[0].text(),
             [&](std::string_view rune) { out += IsSpaceRune(rune) ? std::string_view() : rune; });
    return MakeText(ctx, out);
}

Value Quote(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const Value& arg : args) {
        if (!arg.is_null()) {
            out += out.empty() ? "" : " ";
            AppendQuoted(out, GoText(arg), false);
        }
    }
    return MakeText(ctx, out);
}
Value SingleQuote(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    for (const Value& arg : args) {
        if (!arg.is_null()) {
            out += fmt::format("{}'{}'", out.empty() ? "" : " ", GoText(arg));
        }
    }
    return MakeText(ctx, out);
}
Value Cat(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    bool first = true;
    for (const Value& arg : args) {
        if (!arg.is_null()) {
            out += first ? "" : " ";
            first = false;
            AppendGoText(out, arg);
        }
    }
    return MakeText(ctx, TrimSpace(out, true, true));
}

// Every line `spaces` further to the right, behind `before`.
Value Indented(std::string_view before, int64_t spaces, std::string_view text, CallContext& ctx) {
    if (spaces < 0) {
        return Value::Error("strings: negative Repeat count");
    }
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    if (static_cast<uint64_t>(spaces) > ctx.max_bytes / lines) {
        return TooLarge();
    }
    const std::string pad(static_cast<size_t>(spaces), ' ');
    std::string out(before);
    out += pad;
    for (const char c : text) {
        out += c;
        out += c == '\n' ? pad : "";
    }
    return MakeText(ctx, out);
}
Value Indent(std::span<const Value> args, CallContext& ctx) {
    return Indented("", args[0].as_int(), args[1].text(), ctx);
}
Value NewlineIndent(std::span<const Value> args, CallContext& ctx) {
    return Indented("\n", args[0].as_int(), args[1].text(), ctx);
}

// snake_case and kebab-case: a separator where a word begins, also inside of runs of capitals ("HTTPServer").
std::string Separated(std::string_view text, char separator) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == ' ' || c == '_' || c == '-') {
            if (!out.empty() && out.back() != separator) {
                out += separator;
            }
            continue;
        }
        const bool begins =
            IsUpper(c) && i > 0 &&
            (IsLower(text[i - 1]) || (i + 1 < text.size() && IsLower(text[i + 1]) && IsUpper(text[i - 1])));
        if (begins && !out.empty() && out.back() != separator) {
            out += separator;
        }
        out += Down(c);
    }
    return out;
}
Value SnakeCase(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, Separated(args[0].text(), '_'));
}
Value KebabCase(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, Separated(args[0].text(), '-'));
}

// Words that begin with a capital, without what was between them: http_server is HttpServer.
Value CamelCase(std::span<const Value> args, CallContext& ctx) {
    std::string out;
    bool begins = true;
    EachRune(args[0].text(), [&](std::string_view rune) {
        if (rune == "_" || rune == "-" || IsSpaceRune(rune)) {
            begins = true;
            return;
        }
        out += begins ? ToUpperCase(rune, ctx.arena) : rune;
        begins = false;
    });
    return MakeText(ctx, out);
}
Value Abbreviate(std::span<const Value> args, CallContext& ctx) {
    const std::string_view text = args[1].text();
    const int64_t width = args[0].as_int();
    if (width < 4 || text.size() <= static_cast<size_t>(width)) {
        return args[1];
    }
    return MakeText(ctx, std::string(text.substr(0, static_cast<size_t>(width) - 3)) + "...");
}
Value Plural(std::span<const Value> args, CallContext&) { return args[2].as_int() == 1 ? args[0] : args[1]; }

// Lines of at most `width` bytes, broken at spaces; longer words stay whole.
Value Wrapped(int64_t width, std::string_view end, std::string_view text, CallContext& ctx) {
    const auto length = static_cast<size_t>(std::max<int64_t>(width, 1));
    std::string out;
    while (text.size() > length) {
        if (text.front() == ' ') {
            text.remove_prefix(1);
            continue;
        }
        const size_t before = text.rfind(' ', length);
        const size_t space = before != std::string_view::npos ? before : text.find(' ', length);
        if (space == std::string_view::npos) {
            break;
        }
        out.append(text.substr(0, space)).append(end);
        text.remove_prefix(space + 1);
        if (out.size() > ctx.max_bytes) {
            return TooLarge();
        }
    }
    return MakeText(ctx, out.append(text));
}
Value Wrap(std::span<const Value> args, CallContext& ctx) {
    return Wrapped(args[0].as_int(), "\n", args[1].text(), ctx);
}
Value WrapWith(std::span<const Value> args, CallContext& ctx) {
    return Wrapped(args[0].as_int(), args[1].text(), args[2].text(), ctx);
}

Value ToString(std::span<const Value> args, CallContext& ctx) {
    return Value::String(GoText(args[0], ctx.arena));
}

// The parts of a text, at most `most`; without a separator its characters.
std::vector<std::string_view> Split(std::string_view separator, std::string_view text,
                                    size_t most = SIZE_MAX) {
    std::vector<std::string_view> parts;
    if (separator.empty()) {
        while (!text.empty() && parts.size() + 1 < most) {
            const size_t size = FirstRuneSize(text);
            parts.push_back(text.substr(0, size));
            text.remove_prefix(size);
        }
        if (!text.empty()) {
            parts.push_back(text);
        }
        return parts;
    }
    for (size_t hit;
         parts.size() + 1 < most && (hit = FindText(text, separator)) != std::string_view::npos;) {
        parts.push_back(text.substr(0, hit));
        text.remove_prefix(hit + separator.size());
    }
    parts.push_back(text);
    return parts;
}
Value Texts(std::span<const std::string_view> texts, CallContext& ctx) {
    Value* items = ctx.arena.AllocateArray<Value>(texts.size());
    std::transform(texts.begin(), texts.end(), items, Value::String);
    return Value::Array({items, texts.size()});
}
// _0, _1 ... as keys.
Value Numbered(std::span<const std::string_view> texts, CallContext& ctx) {
    Field* fields = ctx.arena.AllocateArray<Field>(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
        fields[i] = {ctx.arena.Copy(fmt::format("_{}", i)), Value::String(texts[i])};
    }
    return Value::Object({fields, SortFields({fields, texts.size()})});
}
Value SplitList(std::span<const Value> args, CallContext& ctx) {
    return Texts(Split(args[0].text(), args[1].text()), ctx);
}
Value SplitMap(std::span<const Value> args, CallContext& ctx) {
    return Numbered(Split(args[0].text(), args[1].text()), ctx);
}
Value SplitMapOf(std::span<const Value> args, CallContext& ctx) {
    const int64_t most = args[1].as_int();
    if (most == 0) {
        return Numbered({}, ctx);
    }
    return Numbered(Split(args[0].text(), args[2].text(), most < 0 ? SIZE_MAX : static_cast<size_t>(most)),
                    ctx);
}
std::vector<std::string_view> AsTexts(const Value& list, CallContext& ctx) {
    std::vector<std::string_view> texts;
    for (const Value& item : list.is_array() ? list.items() : std::span(&list, 1)) {
        if (!item.is_null()) {
            texts.push_back(GoText(item, ctx.arena));
        }
    }
    return texts;
}
Value ToStrings(std::span<const Value> args, CallContext& ctx) { return Texts(AsTexts(args[0], ctx), ctx); }
Value SortAlpha(std::span<const Value> args, CallContext& ctx) {
    auto texts = AsTexts(args[0], ctx);
    std::sort(texts.begin(), texts.end());
    return Texts(texts, ctx);
}

Value Join(std::span<const Value> args, CallContext& ctx) {
    if (!args[1].is_array()) {
        return args[1].is_null() ? Value::String("") : Value::String(GoText(args[1], ctx.arena));
    }
    std::string out;
    bool first = true;
    for (const Value& item : args[1].items()) {
        if (!item.is_null()) {
            out += first ? std::string_view() : args[0].text();
            first = false;
            AppendGoText(out, item);
        }
    }
    return MakeText(ctx, out);
}

Value Hello(std::span<const Value>, CallContext&) { return Value::String("Hello!"); }

constexpr Function kFunctions[] = {
    {"upper", "s", Upper},
    {"lower", "s", Lower},
    {"title", "s", Title},
    {"untitle", "s", Untitle},
    {"trim", "s", Trim},
    {"trimAll", "ss", TrimAll},
    {"trimall", "ss", TrimAll},
    {"trimPrefix", "ss", TrimPrefix},
    {"trimSuffix", "ss", TrimSuffix},
    {"contains", "ss", Contains},
    {"hasPrefix", "ss", HasPrefix},
    {"hasSuffix", "ss", HasSuffix},
    {"replace", "sss", Replace},
    {"repeat", "is", Repeat},
    {"trunc", "is", Trunc},
    {"substr", "iis", Substr},
    {"nospace", "s", NoSpace},
    {"quote", "a*", Quote},
    {"squote", "a*", SingleQuote},
    {"cat", "a*", Cat},
    {"indent", "is", Indent},
    {"nindent", "is", NewlineIndent},
    {"swapcase", "s", SwapCase},
    {"initials", "s", Initials},
    {"abbrev", "is", Abbreviate},
    {"plural", "ssi", Plural},
    {"wrap", "is", Wrap},
    {"wrapWith", "iss", WrapWith},
    {"camelcase", "s", CamelCase},
    {"snakecase", "s", SnakeCase},
    {"kebabcase", "s", KebabCase},
    {"toString", "a", ToString},
    {"splitList", "ss", SplitList},
    {"split", "ss", SplitMap},
    {"splitn", "sis", SplitMapOf},
    {"toStrings", "a", ToStrings},
    {"sortAlpha", "a", SortAlpha},
    {"join", "sa", Join},
    {"hello", "", Hello},
};

}  // namespace

std::span<const Function> StringFunctions() { return kFunctions; }

}  // namespace haumea::text_template
