#include <algorithm>

#include "base/find_text.h"
#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

// What string functions see of any value.
std::string_view Text(const Value& value, FunctionContext& ctx) noexcept { return GoText(value, ctx.arena); }

bool AnyNull(Args args) noexcept {
    return std::any_of(args.begin(), args.end(), [](const Value& v) { return CountsAsNull(v); });
}

Value Concat(Args args, FunctionContext& ctx) noexcept {
    size_t total = 0;
    auto* texts = ctx.arena.AllocateArray<std::string_view>(args.size());
    for (size_t i = 0; i < args.size(); ++i) {
        texts[i] = args[i].is_null() ? std::string_view() : Text(args[i], ctx);
        total += texts[i].size();
    }
    if (total > kMaxResultBytes) {
        return ErrorOf(ctx, "the result of {} bytes is longer than {}", total, kMaxResultBytes);
    }
    char* out = static_cast<char*>(ctx.arena.Allocate(total, 1));
    char* end = out;
    for (size_t i = 0; i < args.size(); ++i) {
        end = std::copy(texts[i].begin(), texts[i].end(), end);
    }
    return Value::String({out, total});
}

Value EndsWith(Args args, FunctionContext& ctx) noexcept {
    return Value::Bool(!AnyNull(args) && Text(args[0], ctx).ends_with(Text(args[1], ctx)));
}
Value StartsWith(Args args, FunctionContext& ctx) noexcept {
    return Value::Bool(!AnyNull(args) && Text(args[0], ctx).starts_with(Text(args[1], ctx)));
}

Value IndexOf(Args args, FunctionContext& ctx) noexcept {
    const size_t at =
        AnyNull(args) ? std::string_view::npos : FindText(Text(args[0], ctx), Text(args[1], ctx));
    return Value::Int(at == std::string_view::npos ? -1 : static_cast<int64_t>(at));
}

Value Length(Args args, FunctionContext& ctx) noexcept {
    if (CountsAsNull(args[0])) {
        return Value::Int(0);
    }
    if (args[0].is_array() || args[0].is_object()) {
        return Value::Int(args[0].size());
    }
    return Value::Int(static_cast<int64_t>(CountRunes(Text(args[0], ctx))));
}

Value NumBytes(Args args, FunctionContext& ctx) noexcept {
    return Value::Int(CountsAsNull(args[0]) ? 0 : static_cast<int64_t>(Text(args[0], ctx).size()));
}

Value Lower(Args args, FunctionContext& ctx) noexcept {
    return Value::String(ToLowerCase(Text(args[0], ctx), ctx.arena));
}
Value Upper(Args args, FunctionContext& ctx) noexcept {
    return Value::String(ToUpperCase(Text(args[0], ctx), ctx.arena));
}

template <bool kLeft>
Value Pad(Args args, FunctionContext& ctx) noexcept {
    const std::string_view text = Text(args[0], ctx);
    const std::optional<int64_t> count = ToInt(args[1], Casting::kStrict);
    if (!count) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[1], "int")));
    }
    if (*count < 0 ||
        static_cast<uint64_t>(*count) > kMaxResultBytes - std::min(text.size(), kMaxResultBytes)) {
        return ErrorOf(ctx, "cannot add {} spaces, expect 0 to {}", *count, kMaxResultBytes);
    }
    const auto spaces = static_cast<size_t>(*count);
    char* out = static_cast<char*>(ctx.arena.Allocate(text.size() + spaces, 1));
    std::fill_n(kLeft ? out : out + text.size(), spaces, ' ');
    std::copy(text.begin(), text.end(), kLeft ? out + spaces : out);
    return Value::String({out, text.size() + spaces});
}

Value LeftTrim(Args args, FunctionContext& ctx) noexcept {
    return Value::String(TrimSpace(Text(args[0], ctx), true, false));
}
Value RightTrim(Args args, FunctionContext& ctx) noexcept {
    return Value::String(TrimSpace(Text(args[0], ctx), false, true));
}
Value Trim(Args args, FunctionContext& ctx) noexcept {
    return Value::String(TrimSpace(Text(args[0], ctx), true, true));
}

Value Reverse(Args args, FunctionContext& ctx) noexcept {
    std::string_view text = Text(args[0], ctx);
    char* begin = static_cast<char*>(ctx.arena.Allocate(text.size(), 1));
    char* out = begin + text.size();
    const size_t total = text.size();
    while (!text.empty()) {
        const size_t n = FirstRuneSize(text);
        out -= n;
        std::copy_n(text.data(), n, out);
        text.remove_prefix(n);
    }
    return Value::String({begin, total});
}

// Without the first `count` characters.
std::string_view SkipRunes(std::string_view text, int64_t count) noexcept {
    for (; count > 0 && !text.empty(); --count) {
        text.remove_prefix(FirstRuneSize(text));
    }
    return text;
}

Value Substring(Args args, FunctionContext& ctx) noexcept {
    const std::string_view text = Text(args[0], ctx);
    const std::optional<int64_t> start = ToInt(args[1], Casting::kStrict);
    if (!start) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[1], "int")));
    }
    if (*start < 0) {
        return Value::Error("start index must be a positive number");
    }
    const std::string_view rest = SkipRunes(text, *start);
    if (args.size() == 2) {
        return Value::String(rest);
    }
    const std::optional<int64_t> length = ToInt(args[2], Casting::kStrict);
    if (!length) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[2], "int")));
    }
    if (*length < 0) {
        return Value::Error("length must be a positive number");
    }
    return Value::String(rest.substr(0, rest.size() - SkipRunes(rest, *length).size()));
}

// Parts of `text` between separators; an empty separator splits into characters.
std::optional<std::string_view> NthPart(std::string_view text, std::string_view separator,
                                        int64_t index) noexcept {
    for (int64_t i = 0;; ++i) {
        if (separator.empty()) {
            if (text.empty()) {
                return std::nullopt;
            }
            if (i == index) {
                return text.substr(0, FirstRuneSize(text));
            }
            text.remove_prefix(FirstRuneSize(text));
            continue;
        }
        const size_t at = FindText(text, separator);
        if (i == index) {
            return text.substr(0, at);
        }
        if (at == std::string_view::npos) {
            return std::nullopt;
        }
        text.remove_prefix(at + separator.size());
    }
}

int64_t CountParts(std::string_view text, std::string_view separator) noexcept {
    if (separator.empty()) {
        return static_cast<int64_t>(CountRunes(text));
    }
    int64_t count = 1;
    for (size_t at = FindText(text, separator); at != std::string_view::npos;
         at = FindText(text, separator, at + separator.size())) {
        ++count;
    }
    return count;
}

Value SplitValue(Args args, FunctionContext& ctx) noexcept {
    const std::string_view text = Text(args[0], ctx);
    const std::string_view separator = Text(args[1], ctx);
    // An index that is no whole number counts as 0.
    const int64_t index = ToInt(args[2], Casting::kStrict).value_or(0);
    const int64_t count = CountParts(text, separator);
    const int64_t from_start = index < 0 ? index + count : index;
    const auto part = from_start < 0 ? std::nullopt : NthPart(text, separator, from_start);
    return part ? Value::String(*part) : ErrorOf(ctx, "{} out of index array (size = {})", index, count);
}

std::string CheckSubstring(const sql::CallExpr& call) {
    if (call.args.size() != 2 && call.args.size() != 3) {
        return "the arguments for substring should be 2 or 3";
    }
    if (std::string error = CheckKinds(call, "sii"); !error.empty()) {
        return error;
    }
    const auto* start = sql::As<sql::IntegerExpr>(call.args[1].get());
    if (start != nullptr && start->value < 0) {
        return "The start index should not be a nagtive integer.";
    }
    const auto* length = call.args.size() == 3 ? sql::As<sql::IntegerExpr>(call.args[2].get()) : nullptr;
    return length != nullptr && length->value < 0 ? "The length should not be a nagtive integer." : "";
}

std::string CheckSplitValue(const sql::CallExpr& call) {
    if (std::string error = CheckKinds(call, "ssi"); !error.empty()) {
        return error;
    }
    const auto* index = sql::As<sql::IntegerExpr>(call.args[2].get());
    return index != nullptr && index->value < 0 ? "The index should not be a nagtive integer." : "";
}

std::string CheckConcat(const sql::CallExpr& call) {
    std::string error = CheckNotEmpty(call);
    return error.empty() ? CheckKinds(call, std::string(call.args.size(), 's')) : error;
}

FunctionDescriptor Str(std::string_view name, std::string_view signature, std::string_view doc, int arity,
                       ScalarFunction function, CheckFunction check, std::string_view example,
                       std::string_view result) {
    return FixedScalar("string", NullRule::kPass, name, signature, doc, arity, function, check, example,
                       result);
}

FunctionDescriptor NullStr(FunctionDescriptor descriptor) {
    descriptor.null_rule = NullRule::kNullIfAny;
    return descriptor;
}

}  // namespace

void AddStringFunctions(FunctionRegistry& r) {
    FunctionDescriptor concat =
        Str("concat", "concat(a, ...)", "The texts of all arguments one after the other.", 1, Concat,
            CheckConcat, R"(concat("a", "b"))", R"("ab")");
    concat.max_args = -1;
    r.Add(std::move(concat));
    r.Add(Str("endswith", "endswith(text, end)", "Whether a text ends with another.", 2, EndsWith,
              Kinds<'s', 's'>, R"(endswith("Hello", "lo"))", "true"));
    r.Add(Str("startswith", "startswith(text, start)", "Whether a text starts with another.", 2, StartsWith,
              Kinds<'s', 's'>, R"(startswith("Hello", "He"))", "true"));
    r.Add(Str("indexof", "indexof(text, part)",
              "Byte position of the first occurrence, from 0; -1 when there is none.", 2, IndexOf,
              Kinds<'s', 's'>, R"(indexof("Hello", "l"))", "2"));
    r.Add(Str("length", "length(x)", "Characters of a text; elements of an array or object.", 1, Length,
              nullptr, R"(length("Hello"))", "5"));
    r.Add(Str("numbytes", "numbytes(text)", "Bytes of a text in UTF-8.", 1, NumBytes, Kinds<'s'>,
              R"(numbytes("Hello"))", "5"));
    r.Add(NullStr(Str("lower", "lower(text)", "The text in lower case.", 1, OrNull<Lower>, Kinds<'s'>,
                      R"(lower("HeLLo"))", R"("hello")")));
    r.Add(NullStr(Str("upper", "upper(text)", "The text in upper case.", 1, OrNull<Upper>, Kinds<'s'>,
                      R"(upper("HeLLo"))", R"("HELLO")")));
    r.Add(NullStr(Str("lpad", "lpad(text, n)", "The text with n spaces in front.", 2, OrNull<Pad<true>>,
                      Kinds<'s', 'i'>, R"(lpad("a", 2))", R"("  a")")));
    r.Add(NullStr(Str("rpad", "rpad(text, n)", "The text with n spaces behind.", 2, OrNull<Pad<false>>,
                      Kinds<'s', 'i'>, R"(rpad("a", 2))", R"("a  ")")));
    r.Add(NullStr(Str("ltrim", "ltrim(text)", "The text without white space in front.", 1, OrNull<LeftTrim>,
                      Kinds<'s'>, R"(ltrim(" a "))", R"("a ")")));
    r.Add(NullStr(Str("rtrim", "rtrim(text)", "The text without white space behind.", 1, OrNull<RightTrim>,
                      Kinds<'s'>, R"(rtrim(" a "))", R"(" a")")));
    r.Add(NullStr(Str("trim", "trim(text)", "The text without white space at both ends.", 1, OrNull<Trim>,
                      Kinds<'s'>, R"(trim(" a "))", R"("a")")));
    r.Add(NullStr(Str("reverse", "reverse(text)", "The characters in reverse order.", 1, OrNull<Reverse>,
                      Kinds<'s'>, R"(reverse("abc"))", R"("cba")")));
    FunctionDescriptor substring =
        NullStr(Str("substring", "substring(text, start[, length])",
                    "The characters from `start` (counted from 0), at most `length` of them.", 2,
                    OrNull<Substring>, CheckSubstring, R"(substring("Hello", 1, 3))", R"("ell")"));
    substring.max_args = 3;
    r.Add(std::move(substring));
    r.Add(NullStr(Str("split_value", "split_value(text, separator, index)",
                      "Part of the text between separators, counted from 0; negative from the end.", 3,
                      OrNull<SplitValue>, CheckSplitValue, R"(split_value("/a/b", "/", 1))", R"("a")")));
}

}  // namespace haumea::expr
