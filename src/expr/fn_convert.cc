#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

// Why the permissive conversion of `value` to `target` failed, as strconv would say for booleans.
Value CastError(const Value& value, Type target, const Value& error, FunctionContext& ctx) {
    if (target == Type::kDatetime || target == Type::kBytes) {
        return error;
    }
    if (target == Type::kBool && value.is_string()) {
        return ErrorOf(
            ctx, "not supported type conversion, got error strconv.ParseBool: parsing \"{}\": invalid syntax",
            value.text());
    }
    return ErrorOf(ctx, "not supported type conversion, got error {}", error.text());
}

Value Cast(Args args, FunctionContext& ctx) noexcept {
    const std::string_view name = GoText(args[1], ctx.arena);
    const std::optional<Type> target = ParseTypeName(name);
    if (!target) {
        return ErrorOf(ctx, "unknown type, only support bigint, float, string, boolean, bytea and datetime");
    }
    const Value result = CastTo(args[0], *target, Casting::kAll, ctx.arena);
    return result.is_error() ? CastError(args[0], *target, result, ctx) : result;
}

std::string CheckCast(const sql::CallExpr& call) {
    if (!CheckKinds(call, ".s").empty()) {
        return "Expect string type for parameter 1";
    }
    const auto* name = sql::As<sql::StringExpr>(call.args[1].get());
    return name != nullptr && !ParseTypeName(name->value)
               ? "Expect one of following value for the 2nd parameter: bigint, float, string, boolean, "
                 "datetime, bytea."
               : "";
}

Value Chr(Args args, FunctionContext& ctx) noexcept {
    const Value& value = args[0];
    if (value.is_string()) {
        if (value.text().size() != 1) {
            return Value::Error(value.text().empty() ? "Parameter length cannot be 0."
                                                     : "Parameter length cannot larger than 1.");
        }
        return value;
    }
    if (!value.is_number()) {
        return Value::Error("Only bigint, float and string type can be convert to char type.");
    }
    const int64_t code = ToInt(value, Casting::kSameKind).value_or(-1);
    if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        return ErrorOf(ctx, "{} is not the code of a character", GoText(value));
    }
    const auto c = static_cast<uint32_t>(code);
    char out[4];
    size_t n = 0;
    const auto tail = [&](uint32_t shift) { out[n++] = static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
    if (c < 0x80) {
        out[n++] = static_cast<char>(c);
    } else if (c < 0x800) {
        out[n++] = static_cast<char>(0xC0U | (c >> 6U));
        tail(0);
    } else if (c < 0x10000) {
        out[n++] = static_cast<char>(0xE0U | (c >> 12U));
        tail(6);
        tail(0);
    } else {
        out[n++] = static_cast<char>(0xF0U | (c >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
    return StringResult(ctx, {out, n});
}

bool IsBase64Name(const Value& value) noexcept { return value.is_string() && value.text() == "base64"; }

Value Encode(Args args, FunctionContext& ctx) noexcept {
    if (!IsBase64Name(args[1])) {
        return Value::Error("Only base64 is supported for the 2nd parameter.");
    }
    return args[0].is_string() ? StringResult(ctx, EncodeBase64(args[0].text()))
                               : Value::Error("Only string type can be encoded.");
}

Value Decode(Args args, FunctionContext& ctx) noexcept {
    if (!IsBase64Name(args[1])) {
        return Value::Error("Only base64 is supported for the 2nd parameter.");
    }
    if (!args[0].is_string()) {
        return Value::Error("Only string type can be decoded.");
    }
    const std::optional<std::string> bytes = DecodeBase64(args[0].text());
    return bytes ? Value::Bytes(ctx.arena.Copy(*bytes))
                 : Value::Error("fail to decode base64 string: illegal base64 data");
}

std::string CheckBase64(const sql::CallExpr& call) {
    if (std::string error = CheckKinds(call, ".s"); !error.empty()) {
        return error;
    }
    const auto* name = sql::As<sql::StringExpr>(call.args[1].get());
    return name != nullptr && name->value != "base64" ? "Only base64 is supported for the 2nd parameter."
                                                      : "";
}

Value HexToDec(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_string()) {
        return ErrorOf(ctx, "invalid input type: {} please input hex string", GoText(args[0]));
    }
    std::string_view digits = args[0].text();
    digits.remove_prefix(digits.starts_with("0x") ? 2 : 0);
    const bool negative = digits.starts_with('-');
    // The prefix 0x makes ParseGoInt read base 16; a second prefix or an underscore is wrong here.
    const std::string_view magnitude = digits.substr(negative || digits.starts_with('+') ? 1 : 0);
    const bool plain = magnitude.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    const std::optional<int64_t> number =
        plain ? ParseGoInt(fmt::format("{}0x{}", negative ? "-" : "", magnitude)) : std::nullopt;
    return number ? Value::Int(*number) : ErrorOf(ctx, "invalid hexadecimal value: {}", args[0].text());
}

Value DecToHex(Args args, FunctionContext& ctx) noexcept {
    const std::optional<int64_t> number = ToInt(args[0], Casting::kStrict);
    if (!number) {
        return Value::Error(ctx.arena.Copy(ConversionError(args[0], "int")));
    }
    const uint64_t magnitude =
        *number < 0 ? 0 - static_cast<uint64_t>(*number) : static_cast<uint64_t>(*number);
    return StringResult(ctx, fmt::format("0x{}{:x}", *number < 0 ? "-" : "", magnitude));
}

FunctionDescriptor Conversion(std::string_view name, std::string_view signature, std::string_view doc,
                              int arity, ScalarFunction function, CheckFunction check,
                              std::string_view example, std::string_view result) {
    return FixedScalar("conversion", NullRule::kNullIfAny, name, signature, doc, arity, function, check,
                       example, result);
}

}  // namespace

void AddConversionFunctions(FunctionRegistry& r) {
    r.Add(Conversion("cast", "cast(x, type)",
                     "Converts to bigint, float, string, boolean, datetime or bytea.", 2, OrNull<Cast>,
                     CheckCast, R"(cast("0x1F", "bigint"))", "31"));
    r.Add(Conversion("chr", "chr(code)", "The character with a code.", 1, OrNull<Chr>, nullptr, "chr(65)",
                     R"("A")"));
    r.Add(Conversion("encode", R"(encode(text, "base64"))", "The text in base64.", 2, OrNull<Encode>,
                     CheckBase64, R"(encode("Hello", "base64"))", R"("SGVsbG8=")"));
    r.Add(Conversion("decode", R"(decode(text, "base64"))", "The bytes of a base64 text.", 2, OrNull<Decode>,
                     CheckBase64, R"(decode("SGVsbG8=", "base64"))", R"("SGVsbG8=")"));
    r.Add(Conversion("hex2dec", "hex2dec(text)", "The number of a hexadecimal text.", 1, OrNull<HexToDec>,
                     Kinds<'s'>, R"(hex2dec("0x10"))", "16"));
    r.Add(Conversion("dec2hex", "dec2hex(n)", "The hexadecimal text of a whole number.", 1, OrNull<DecToHex>,
                     Kinds<'s'>, "", ""));
}

}  // namespace haumea::expr
