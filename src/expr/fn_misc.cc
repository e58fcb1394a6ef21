#include <openssl/rand.h>

#include <cstdlib>

#include "expr/fn_support.h"
#include "sql/functions.h"

namespace haumea::expr {

namespace {

Value IsNull(Args args, FunctionContext&) noexcept { return Value::Bool(args[0].is_null()); }

Value Coalesce(Args args, FunctionContext&) noexcept {
    for (const Value& value : args) {
        if (!value.is_null()) {
            return value;
        }
    }
    return Value::Null();
}

Value Bypass(Args args, FunctionContext&) noexcept { return args[0]; }

// Version 4 of RFC 9562: 122 random bits.
Value NewUuid(Args, FunctionContext& ctx) noexcept {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return Value::Error("no random numbers are available");
    }
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
    constexpr char kDigits[] = "0123456789abcdef";
    char* text = static_cast<char*>(ctx.arena.Allocate(36, 1));
    char* out = text;
    for (size_t i = 0; i < sizeof(bytes); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = kDigits[bytes[i] >> 4U];
        *out++ = kDigits[bytes[i] & 15U];
    }
    return Value::String({text, 36});
}

// There is no external store of states: every look-up ends with the default.
Value GetKeyedState(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_string()) {
        return ErrorOf(ctx, "key {} is not a string", GoText(args[0]));
    }
    return args[2];
}

std::string CheckKeyedState(const sql::CallExpr& call) {
    if (std::string error = CheckKinds(call, "ss"); !error.empty()) {
        return error;
    }
    const auto* name = sql::As<sql::StringExpr>(call.args[1].get());
    return name != nullptr && (!ParseTypeName(name->value) || name->value == "bytea")
               ? "expect one of following value for the 2nd parameter: bigint, float, string, boolean, "
                 "datetime"
               : "";
}

// Properties of the installation: environment variables KUIPER_PROPS_<NAME>.
Value Props(Args args, FunctionContext& ctx) noexcept {
    const std::string_view name = GoText(args[0], ctx.arena);
    const std::string variable = "KUIPER_PROPS_" + sql::ToUpper(name);
    const char* value = std::getenv(variable.c_str());
    return value == nullptr
               ? ErrorOf(ctx, "property {} is not known, set the environment variable {}", name, variable)
               : StringResult(ctx, value);
}

}  // namespace

void AddMiscFunctions(FunctionRegistry& r) {
    r.Add({.name = "isnull",
           .family = "misc",
           .signature = "isnull(x)",
           .doc = "Whether x is null or missing.",
           .example = "isnull(1)",
           .example_result = "false",
           .min_args = 1,
           .max_args = 1,
           .scalar = IsNull});
    r.Add({.name = "coalesce",
           .family = "misc",
           .signature = "coalesce(x, ...)",
           .doc = "The first argument that is not null.",
           .example = "coalesce(1, 2)",
           .example_result = "1",
           .min_args = 1,
           .check = CheckNotEmpty,
           .scalar = Coalesce});
    r.Add({.name = "bypass",
           .family = "misc",
           .signature = "bypass(x)",
           .doc = "x itself.",
           .example = "bypass(1)",
           .example_result = "1",
           .min_args = 1,
           .max_args = 1,
           .scalar = Bypass});
    r.Add({.name = "newuuid",
           .family = "misc",
           .signature = "newuuid()",
           .doc = "A random UUID.",
           .max_args = 0,
           .pure = false,
           .scalar = NewUuid});
    r.Add({.name = "get_keyed_state",
           .family = "misc",
           .signature = "get_keyed_state(key, type, default)",
           .doc = "The state kept under a key; without a store of states the default.",
           .example = R"(get_keyed_state("k", "bigint", 0))",
           .example_result = "0",
           .min_args = 3,
           .max_args = 3,
           .check = CheckKeyedState,
           .pure = false,
           .scalar = GetKeyedState});
    r.Add({.name = "props",
           .family = "misc",
           .signature = "props(name)",
           .doc = "A property of the installation, from the environment variable KUIPER_PROPS_<NAME>.",
           .min_args = 1,
           .max_args = 1,
           .check = Kinds<'s'>,
           .null_rule = NullRule::kNullIfAny,
           .pure = false,
           .scalar = OrNull<Props>});
}

}  // namespace haumea::expr
