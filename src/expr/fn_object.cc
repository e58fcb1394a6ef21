#include <algorithm>

#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

constexpr std::string_view kNoObject = "the argument should be map[string]interface{}";

Value Keys(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_object()) {
        return Value::Error(kNoObject);
    }
    ArrayResult result(ctx, args[0].size());
    for (const Field& field : args[0].fields()) {
        result.Add(Value::String(field.key));
    }
    return result.Finish();
}

Value Values(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_object()) {
        return Value::Error(kNoObject);
    }
    ArrayResult result(ctx, args[0].size());
    for (const Field& field : args[0].fields()) {
        result.Add(field.value);
    }
    return result.Finish();
}

Value Items(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_object()) {
        return Value::Error("first argument should be map[string]interface{}");
    }
    ArrayResult result(ctx, args[0].size());
    for (const Field& field : args[0].fields()) {
        ArrayResult pair(ctx, 2);
        pair.Add(Value::String(field.key));
        pair.Add(field.value);
        result.Add(pair.Finish());
    }
    return result.Finish();
}

Value Object(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_array() || !args[1].is_array()) {
        return Value::Error(args[0].is_array() ? "second argument should be []interface{}"
                                               : "first argument should be []string");
    }
    if (args[0].size() != args[1].size()) {
        return Value::Error("the length of the arguments should be same");
    }
    ObjectResult result(ctx, args[0].size());
    for (size_t i = 0; i < args[0].size(); ++i) {
        const Value& key = args[0].items()[i];
        if (!key.is_string()) {
            return Value::Error("first argument should be []string");
        }
        result.Add(key.text(), args[1].items()[i]);
    }
    return result.Finish();
}

Value Zip(Args args, FunctionContext& ctx) noexcept {
    constexpr std::string_view kNoPairs = "each argument should be [][2]interface{}";
    if (!args[0].is_array()) {
        return Value::Error(kNoPairs);
    }
    ObjectResult result(ctx, args[0].size());
    for (const Value& pair : args[0].items()) {
        if (pair.is_null()) {
            continue;
        }
        if (!pair.is_array() || pair.size() == 0) {
            return Value::Error(kNoPairs);
        }
        if (!pair.items()[0].is_string()) {
            return Value::Error("the first element in the list item should be string");
        }
        if (pair.size() != 2) {
            return Value::Error(kNoPairs);
        }
        result.Add(pair.items()[0].text(), pair.items()[1]);
    }
    return result.Finish();
}

// Pairs with a null key or value are not part of the object.
Value Construct(Args args, FunctionContext& ctx) noexcept {
    ObjectResult result(ctx, args.size() / 2);
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
        if (args[i].is_null() || args[i + 1].is_null()) {
            continue;
        }
        if (!args[i].is_string()) {
            return ErrorOf(ctx, "key {} is not a string", GoText(args[i]));
        }
        result.Add(args[i].text(), args[i + 1]);
    }
    return result.Finish();
}

Value ConcatObjects(Args args, FunctionContext& ctx) noexcept {
    size_t total = 0;
    for (const Value& value : args) {
        if (!value.is_object() && !value.is_null()) {
            return ErrorOf(ctx, "{}, got {}", kNoObject, GoText(value));
        }
        total += value.is_object() ? value.size() : 0;
    }
    ObjectResult result(ctx, total);
    for (const Value& value : args) {
        for (const Field& field : value.is_object() ? value.fields() : std::span<const Field>()) {
            result.Add(field.key, field.value);
        }
    }
    return result.Finish();
}

bool IsListed(const Value& keys, std::string_view key) noexcept {
    if (keys.is_string()) {
        return keys.text() == key;
    }
    return std::any_of(keys.items().begin(), keys.items().end(),
                       [key](const Value& item) { return item.is_string() && item.text() == key; });
}

Value Erase(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_object()) {
        return ErrorOf(ctx, "the first argument should be map[string]interface{{}}, got {}", GoText(args[0]));
    }
    if (!args[1].is_string() && !args[1].is_array()) {
        return Value::Error("the argument should be slice or string");
    }
    ObjectResult result(ctx, args[0].size());
    for (const Field& field : args[0].fields()) {
        if (!IsListed(args[1], field.key)) {
            result.Add(field.key, field.value);
        }
    }
    return result.Finish();
}

// `tree` with the value at the dotted path of `source`; members that are there already stay.
Value Pick(const Value& tree, const Value& source, std::string_view path, FunctionContext& ctx) noexcept {
    // A key may have dots itself.
    const bool whole = !source.Get(path).is_missing();
    const size_t dot = whole ? std::string_view::npos : path.find('.');
    const std::string_view key = path.substr(0, dot);
    Value picked = source.Get(key);
    if (picked.is_missing()) {
        return tree;
    }
    if (dot != std::string_view::npos) {
        if (!picked.is_object()) {
            return tree;
        }
        const Value below = tree.is_object() ? tree.Get(key) : Value::Missing();
        picked = Pick(below, picked, path.substr(dot + 1), ctx);
        if (!picked.is_object()) {
            return tree;
        }
    }
    ObjectResult result(ctx, (tree.is_object() ? tree.size() : 0) + 1);
    for (const Field& field : tree.is_object() ? tree.fields() : std::span<const Field>()) {
        result.Add(field.key, field.value);
    }
    result.Add(key, picked);
    return result.Finish();
}

Value ObjectPick(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Null();
    }
    if (!args[0].is_object()) {
        return ErrorOf(ctx, "the first argument should be a map, got {}", GoText(args[0]));
    }
    Value result = Value::Object({});
    for (const Value& paths : args.subspan(1)) {
        const std::span<const Value> list = paths.is_array() ? paths.items() : std::span(&paths, 1);
        for (const Value& path : list) {
            if (path.is_string()) {
                result = Pick(result, args[0], path.text(), ctx);
            }
        }
    }
    return result;
}

Value Size(Args args, FunctionContext& ctx) noexcept {
    if (args[0].is_null()) {
        return Value::Int(0);
    }
    return args[0].is_object()
               ? Value::Int(args[0].size())
               : ErrorOf(ctx, "the first argument should be map[string]any, got {}", GoText(args[0]));
}

Value ToPairs(Args args, FunctionContext& ctx) noexcept {
    if (!args[0].is_object()) {
        return Value::Error("first argument should be map[string]interface{}");
    }
    ArrayResult result(ctx, args[0].size());
    for (const Field& field : args[0].fields()) {
        ObjectResult pair(ctx, 2);
        pair.Add("key", Value::String(field.key));
        pair.Add("value", field.value);
        result.Add(pair.Finish());
    }
    return result.Finish();
}

std::string CheckPairs(const sql::CallExpr& call) {
    return call.args.empty() || call.args.size() % 2 != 0 ? "the args must be key value pairs" : "";
}

struct Entry {
    std::string_view name;
    int min_args;
    int max_args;
    NullRule null_rule;
    ScalarFunction function;
    CheckFunction check;
    std::string_view signature;
    std::string_view doc;
    std::string_view example;
    std::string_view result;
};
constexpr NullRule kPass = NullRule::kPass;
constexpr NullRule kNull = NullRule::kNullIfAny;

constexpr Entry kEntries[] = {
    {"keys", 1, 1, kNull, OrNull<Keys>, nullptr, "keys(object)", "The keys, sorted.",
     R"(keys(object_construct("b", 1, "a", 2)))", R"(["a","b"])"},
    {"values", 1, 1, kNull, OrNull<Values>, nullptr, "values(object)",
     "The values, in the order of the keys.", R"(values(object_construct("b", 1, "a", 2)))", "[2,1]"},
    {"items", 1, 1, kNull, OrNull<Items>, nullptr, "items(object)", "An array of [key, value] pairs.",
     R"(items(object_construct("a", 1)))", R"([["a",1]])"},
    {"object", 2, 2, kNull, OrNull<Object>, nullptr, "object(keys, values)", "The object of two arrays.",
     R"(object(array_create("a", "b"), array_create(1, 2)))", R"({"a":1,"b":2})"},
    {"zip", 1, 1, kNull, OrNull<Zip>, nullptr, "zip(pairs)", "The object of an array of [key, value] pairs.",
     R"(zip(array_create(array_create("k", 1))))", R"({"k":1})"},
    {"object_construct", 0, -1, kPass, Construct, CheckPairs, "object_construct(key, value, ...)",
     "The object of the arguments; pairs with a null are left out.", R"(object_construct("a", 1, "b", 2))",
     R"({"a":1,"b":2})"},
    {"object_concat", 2, -1, kPass, ConcatObjects, nullptr, "object_concat(a, b, ...)",
     "All members of all objects; later ones win.",
     R"(object_concat(object_construct("a", 1), object_construct("a", 2)))", R"({"a":2})"},
    {"erase", 2, 2, kNull, OrNull<Erase>, nullptr, "erase(object, key|keys)",
     "The object without some members.", R"(erase(object_construct("a", 1, "b", 2), "a"))", R"({"b":2})"},
    {"object_pick", 2, -1, kPass, ObjectPick, nullptr, "object_pick(object, path|paths, ...)",
     "The object with only these members; dots reach into inner objects.",
     R"(object_pick(object_construct("a", 1, "b", 2), "a"))", R"({"a":1})"},
    {"object_size", 1, 1, kPass, Size, nullptr, "object_size(object)", "How many members there are.",
     R"(object_size(object_construct("a", 1)))", "1"},
    {"obj_to_kvpair_array", 1, 1, kNull, OrNull<ToPairs>, nullptr, "obj_to_kvpair_array(object)",
     "An array of objects with the members key and value.",
     R"(obj_to_kvpair_array(object_construct("a", 1)))", R"([{"key":"a","value":1}])"}};

}  // namespace

void AddObjectFunctions(FunctionRegistry& r) {
    for (const Entry& entry : kEntries) {
        r.Add({.name = entry.name,
               .family = "object",
               .signature = entry.signature,
               .doc = entry.doc,
               .example = entry.example,
               .example_result = entry.result,
               .min_args = entry.min_args,
               .max_args = entry.max_args,
               .check = entry.check,
               .null_rule = entry.null_rule,
               .scalar = entry.function});
    }
}

}  // namespace haumea::expr
