#include <cstring>

#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "data/buffer.h"
#include "expr/fn_support.h"
#include "expr/json_path.h"

namespace haumea::expr {

namespace {

Value ToJson(Args args, FunctionContext& ctx) noexcept {
    BufferBuilder out;
    std::string error;
    return codec::WriteJson(args[0], out, error) ? StringResult(ctx, out.view())
                                                 : Value::Error(ctx.arena.Copy(error));
}

// The value of a JSON text; it lives in the arena.
Value ReadJson(std::string_view text, FunctionContext& ctx) noexcept {
    char* padded = static_cast<char*>(ctx.arena.Allocate(text.size() + Buffer::kPadding, 1));
    std::memcpy(padded, text.data(), text.size());
    std::memset(padded + text.size(), 0, Buffer::kPadding);
    codec::JsonReader reader({});
    Value value;
    if (!reader.Start({padded, text.size()}) || !reader.ReadValue(ctx.arena, value) || !reader.Finish()) {
        return ErrorOf(ctx, "fail to parse json: {}", reader.error());
    }
    return value;
}

Value ParseJson(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Null();
    }
    return args[0].is_string() ? ReadJson(args[0].text(), ctx)
                               : ErrorOf(ctx, "fail to convert {} to string", GoText(args[0]));
}

struct PathState final : FunctionState {
    explicit PathState(JsonPath p) : path(std::move(p)) {}
    JsonPath path;
};

Result<std::unique_ptr<FunctionState>> PreparePath(std::span<const Value> literals) {
    if (literals.size() > 1 && literals[1].is_string()) {
        if (auto path = JsonPath::Compile(literals[1].text())) {
            return std::make_unique<PathState>(std::move(*path));
        }
    }
    return nullptr;  // a wrong path fails when it is used
}

Value Query(Args args, FunctionContext& ctx) noexcept {
    if (!args[1].is_string()) {
        return ErrorOf(ctx, "expect a JSON path, found {}", GoTyped(args[1]));
    }
    Value document = args[0];
    if (document.is_string()) {
        document = ReadJson(document.text(), ctx);
        if (document.is_error()) {
            return document;
        }
    }
    if (document.is_null()) {
        return Value::Error("invalid data nil for jsonpath");
    }
    if (!document.is_array() && !document.is_object()) {
        return ErrorOf(ctx, "invalid data {} for jsonpath", GoTyped(document));
    }
    if (ctx.state != nullptr) {
        return static_cast<const PathState&>(*ctx.state).path.Query(document, ctx.arena);
    }
    const auto path = JsonPath::Compile(args[1].text());
    return path ? path->Query(document, ctx.arena) : Value::Error(ctx.arena.Copy(path.error().message));
}

Value QueryFirst(Args args, FunctionContext& ctx) noexcept {
    const Value result = Query(args, ctx);
    if (result.is_error()) {
        return result;
    }
    if (!result.is_array()) {
        return ErrorOf(ctx, "query result ({}) is not an array", GoText(result));
    }
    return result.size() == 0 ? Value::Null() : result.items()[0];
}

Value Exists(Args args, FunctionContext& ctx) noexcept {
    const Value result = Query(args, ctx);
    return Value::Bool(!result.is_error() && !result.is_null() && !(result.is_array() && result.size() == 0));
}

FunctionDescriptor PathFunction(std::string_view name, std::string_view signature, std::string_view doc,
                                ScalarFunction function, std::string_view example, std::string_view result) {
    return {.name = name,
            .family = "json",
            .signature = signature,
            .doc = doc,
            .example = example,
            .example_result = result,
            .min_args = 2,
            .max_args = 2,
            .check = Kinds<'.', 's'>,
            .scalar = function,
            .prepare = PreparePath};
}

}  // namespace

void AddJsonFunctions(FunctionRegistry& r) {
    r.Add({.name = "to_json",
           .family = "json",
           .signature = "to_json(x)",
           .doc = "The JSON text of a value.",
           .example = R"(to_json(array_create(1, "x")))",
           .example_result = R"("[1,\"x\"]")",
           .min_args = 1,
           .max_args = 1,
           .null_rule = NullRule::kNullIfAny,
           .scalar = OrNull<ToJson>});
    r.Add({.name = "parse_json",
           .family = "json",
           .signature = "parse_json(text)",
           .doc = "The value of a JSON text.",
           .example = R"(parse_json("[1,2]"))",
           .example_result = "[1,2]",
           .min_args = 1,
           .max_args = 1,
           .check = Kinds<'s'>,
           .scalar = ParseJson});
    r.Add(PathFunction("json_path_query", "json_path_query(x, path)",
                       "What a JSONPath finds in an object, array or JSON text.", Query,
                       R"(json_path_query("{\"a\":[1,2]}", "$.a[0]"))", "1"));
    r.Add(PathFunction("json_path_query_first", "json_path_query_first(x, path)",
                       "The first of what a JSONPath finds; null when it finds nothing.", QueryFirst,
                       R"(json_path_query_first("{\"a\":[1,2]}", "$.a[*]"))", "1"));
    r.Add(PathFunction("json_path_exists", "json_path_exists(x, path)", "Whether a JSONPath finds something.",
                       Exists, R"(json_path_exists("{\"a\":[1,2]}", "$.b"))", "false"));
}

}  // namespace haumea::expr
