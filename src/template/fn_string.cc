#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/go_format.h"
#include "template/format.h"
#include "template/function.h"

// Texts, named as in the sprig library that users of templates know; the subject comes last.
namespace haumea::text_template {
namespace {

constexpr std::string_view kBlank = " \t\r\n\v\f";

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
char Up(char c) { return IsLower(c) ? static_cast<char>(c - 32) : c; }
char Down(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }

Value Upper(std::span<const Value> args, CallContext& ctx) {
    std::string out(args[0].text());
    std::transform(out.begin(), out.end(), out.begin(), Up);
    return MakeText(ctx, out);
}
Value Lower(std::span<const Value> args, CallContext& ctx) {
    std::string out(args[0].text());
    std::transform(out.begin(), out.end(), out.begin(), Down);
    return MakeText(ctx, out);
}
// First letter of every word.
std::string EachWord(std::string_view text, char (*change)(char)) {
    std::string out(text);
    bool start = true;
    for (char& c : out) {
        c = start ? change(c) : c;
        start = kBlank.find(c) != std::string_view::npos;
    }
    return out;
}
Value Title(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, EachWord(args[0].text(), Up));
}
Value Untitle(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, EachWord(args[0].text(), Down));
}

std::string_view Strip(std::string_view text, std::string_view set, bool left, bool right) {
    if (left) {
        text.remove_prefix(std::min(text.find_first_not_of(set), text.size()));
    }
    if (right) {
        const size_t last = text.find_last_not_of(set);
        text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
    }
    return text;
}
Value Trim(std::span<const Value> args, CallContext&) {
    return Value::String(Strip(args[0].text(), kBlank, true, true));
}
Value TrimAll(std::span<const Value> args, CallContext&) {
    return Value::String(Strip(args[1].text(), args[0].text(), true, true));
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
    return Value::Bool(args[1].text().find(args[0].text()) != std::string_view::npos);
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
        const size_t hit = from.empty() ? at : text.find(from, at);
        if (hit == std::string_view::npos) {
            out.append(text.substr(at));
            break;
        }
        out.append(text.substr(at, hit - at)).append(to);
        if (from.empty()) {
            out.append(text.substr(at, 1));
        }
        at = hit + std::max<size_t>(from.size(), 1);
        if (out.size() > ctx.max_bytes) {
            return Value::Error("the result is too large");
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
        return Value::Error("the result is too large");
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
    std::string out(args[0].text());
    std::erase_if(out, [](char c) { return kBlank.find(c) != std::string_view::npos; });
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
    return MakeText(ctx, Strip(out, kBlank, true, true));
}

std::string Indented(int64_t spaces, std::string_view text) {
    const std::string pad(static_cast<size_t>(std::clamp<int64_t>(spaces, 0, 1000)), ' ');
    std::string out = pad;
    for (const char c : text) {
        out += c;
        out += c == '\n' ? pad : "";
    }
    return out;
}
Value Indent(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, Indented(args[0].as_int(), args[1].text()));
}
Value NewlineIndent(std::span<const Value> args, CallContext& ctx) {
    return MakeText(ctx, "\n" + Indented(args[0].as_int(), args[1].text()));
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

Value ToString(std::span<const Value> args, CallContext& ctx) {
    return Value::String(GoText(args[0], ctx.arena));
}

Value SplitList(std::span<const Value> args, CallContext& ctx) {
    const std::string_view separator = args[0].text();
    std::string_view text = args[1].text();
    std::vector<Value> parts;
    while (!separator.empty()) {
        const size_t hit = text.find(separator);
        if (hit == std::string_view::npos) {
            break;
        }
        parts.push_back(Value::String(text.substr(0, hit)));
        text.remove_prefix(hit + separator.size());
    }
    for (size_t i = 0; separator.empty() && i < text.size(); ++i) {
        parts.push_back(Value::String(text.substr(i, 1)));
    }
    if (!separator.empty()) {
        parts.push_back(Value::String(text));
    }
    Value* items = ctx.arena.AllocateArray<Value>(parts.size());
    std::copy(parts.begin(), parts.end(), items);
    return Value::Array({items, parts.size()});
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
    {"snakecase", "s", SnakeCase},
    {"kebabcase", "s", KebabCase},
    {"toString", "a", ToString},
    {"splitList", "ss", SplitList},
    {"join", "sa", Join},
    {"hello", "", Hello},
};

}  // namespace

std::span<const Function> StringFunctions() { return kFunctions; }

}  // namespace haumea::text_template
