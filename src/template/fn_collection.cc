#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <vector>

#include "template/function.h"

// Defaults, lists and maps. Nothing changes a row: every function makes a new value.
namespace haumea::text_template {
namespace {

Value MakeList(CallContext& ctx, std::span<const Value> items) {
    Value* copy = ctx.arena.AllocateArray<Value>(items.size());
    std::copy(items.begin(), items.end(), copy);
    return Value::Array({copy, items.size()});
}

Value Default(std::span<const Value> args, CallContext&) {
    return args.size() > 1 && Truth(args[1]) ? args[1] : args[0];
}
Value Empty(std::span<const Value> args, CallContext&) { return Value::Bool(!Truth(args[0])); }
Value Coalesce(std::span<const Value> args, CallContext&) {
    const auto found = std::find_if(args.begin(), args.end(), Truth);
    return found == args.end() ? Value::Null() : *found;
}
Value All(std::span<const Value> args, CallContext&) {
    return Value::Bool(std::all_of(args.begin(), args.end(), Truth));
}
Value Any(std::span<const Value> args, CallContext&) {
    return Value::Bool(std::any_of(args.begin(), args.end(), Truth));
}
Value Ternary(std::span<const Value> args, CallContext&) { return args[2].as_bool() ? args[0] : args[1]; }
Value FailNow(std::span<const Value> args, CallContext& ctx) { return MakeError(ctx, args[0].text()); }

Value List(std::span<const Value> args, CallContext& ctx) { return MakeList(ctx, args); }
// The list argument of a function that needs one.
bool IsList(const Value& value) { return value.is_array(); }
Value NoList(CallContext& ctx, std::string_view function, const Value& value) {
    return MakeError(ctx, fmt::format("Cannot {} on type {}", function, GoTypeName(value)));
}

Value First(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find first", args[0]);
    }
    return args[0].size() == 0 ? Value::Null() : args[0].items().front();
}
Value Last(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find last", args[0]);
    }
    return args[0].size() == 0 ? Value::Null() : args[0].items().back();
}
Value Rest(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find rest", args[0]);
    }
    return args[0].size() == 0 ? args[0] : Value::Array(args[0].items().subspan(1));
}
Value Append(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "push", args[0]);
    }
    std::vector<Value> items(args[0].items().begin(), args[0].items().end());
    items.push_back(args[1]);
    return MakeList(ctx, items);
}
Value Reverse(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find reverse", args[0]);
    }
    std::vector<Value> items(args[0].items().rbegin(), args[0].items().rend());
    return MakeList(ctx, items);
}
Value Prepend(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "prepend", args[0]);
    }
    std::vector<Value> items{args[1]};
    items.insert(items.end(), args[0].items().begin(), args[0].items().end());
    return MakeList(ctx, items);
}
Value Initial(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find initial", args[0]);
    }
    return args[0].size() == 0 ? args[0] : Value::Array(args[0].items().first(args[0].size() - 1));
}
Value Concat(std::span<const Value> args, CallContext& ctx) {
    std::vector<Value> items;
    for (const Value& list : args) {
        if (!IsList(list)) {
            return NoList(ctx, "concat", list);
        }
        items.insert(items.end(), list.items().begin(), list.items().end());
    }
    return MakeList(ctx, items);
}
bool IsIn(std::span<const Value> items, const Value& value) {
    return std::any_of(items.begin(), items.end(), [&](const Value& item) {
        return item.type() == value.type() && DeepEquals(item, value);
    });
}
Value Unique(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find uniq", args[0]);
    }
    // Unlike DeepEquals, it tells 1 and 1.0 apart.
    const auto equal = [](const Value* a, const Value* b) {
        return a->type() == b->type() && DeepEquals(*a, *b);
    };
    std::unordered_set<const Value*, DeepHasher, decltype(equal)> known;
    std::vector<Value> items;
    for (const Value& item : args[0].items()) {
        if (known.insert(&item).second) {
            items.push_back(item);
        }
    }
    return MakeList(ctx, items);
}
Value Without(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "find without", args[0]);
    }
    std::vector<Value> items;
    for (const Value& item : args[0].items()) {
        if (!IsIn(args.subspan(1), item)) {
            items.push_back(item);
        }
    }
    return MakeList(ctx, items);
}
Value Compact(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return NoList(ctx, "compact", args[0]);
    }
    std::vector<Value> items;
    std::copy_if(args[0].items().begin(), args[0].items().end(), std::back_inserter(items), Truth);
    return MakeList(ctx, items);
}
Value Chunk(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[1])) {
        return NoList(ctx, "chunk", args[1]);
    }
    const auto size = static_cast<size_t>(std::max<int64_t>(args[0].as_int(), 1));
    std::vector<Value> parts;
    for (auto rest = args[1].items(); !rest.empty(); rest = rest.subspan(std::min(size, rest.size()))) {
        parts.push_back(Value::Array(rest.first(std::min(size, rest.size()))));
    }
    return MakeList(ctx, parts);
}
Value DeepEqual(std::span<const Value> args, CallContext&) {
    return Value::Bool(args[0].type() == args[1].type() && DeepEquals(args[0], args[1]));
}
Value Has(std::span<const Value> args, CallContext& ctx) {
    if (args[1].is_null()) {
        return Value::Bool(false);
    }
    if (!IsList(args[1])) {
        return NoList(ctx, "find has", args[1]);
    }
    return Value::Bool(std::any_of(args[1].items().begin(), args[1].items().end(), [&](const Value& item) {
        return item.type() == args[0].type() && DeepEquals(item, args[0]);
    }));
}
// slice LIST [FROM [TO]]; hides the builtin of the same name.
Value Slice(std::span<const Value> args, CallContext& ctx) {
    if (!IsList(args[0])) {
        return MakeError(ctx,
                         fmt::format("list should be type of slice or array but {}", GoTypeName(args[0])));
    }
    const auto items = args[0].items();
    const auto index = [&](size_t at, int64_t otherwise) {
        return args.size() > at && args[at].type() == Type::kInt ? args[at].as_int() : otherwise;
    };
    const int64_t from = index(1, 0);
    const int64_t to = index(2, static_cast<int64_t>(items.size()));
    if (from < 0 || to < from || to > static_cast<int64_t>(items.size())) {
        return MakeError(ctx,
                         fmt::format("slice bounds out of range: {} to {} of {}", from, to, items.size()));
    }
    return Value::Array(items.subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)));
}

Value Dict(std::span<const Value> args, CallContext& ctx) {
    const size_t pairs = (args.size() + 1) / 2;
    Field* fields = ctx.arena.AllocateArray<Field>(pairs);
    for (size_t i = 0; i < pairs; ++i) {
        if (!args[i * 2].is_string()) {
            return MakeError(
                ctx, fmt::format("dict: key {} is a {}, not a string", i + 1, GoTypeName(args[i * 2])));
        }
        fields[i] = {args[i * 2].text(), i * 2 + 1 < args.size() ? args[i * 2 + 1] : Value::String("")};
    }
    return Value::Object({fields, SortFields({fields, pairs})});
}
Value Get(std::span<const Value> args, CallContext&) {
    const Value found = args[0].Get(args[1].text());
    return found.is_missing() ? Value::String("") : found;
}
Value HasKey(std::span<const Value> args, CallContext&) {
    return Value::Bool(!args[0].Get(args[1].text()).is_missing());
}
Value Keys(std::span<const Value> args, CallContext& ctx) {
    std::vector<Value> keys;
    for (const Value& map : args) {
        for (const Field& field : map.fields()) {
            keys.push_back(Value::String(field.key));
        }
    }
    return MakeList(ctx, keys);
}
Value Values(std::span<const Value> args, CallContext& ctx) {
    std::vector<Value> values;
    for (const Field& field : args[0].fields()) {
        values.push_back(field.value);
    }
    return MakeList(ctx, values);
}
// pick MAP KEY...: only these; omit MAP KEY...: all but these.
Value Filter(std::span<const Value> args, CallContext& ctx, bool keep) {
    std::vector<Field> fields;
    for (const Field& field : args[0].fields()) {
        const bool named = std::any_of(args.begin() + 1, args.end(),
                                       [&](const Value& key) { return key.text() == field.key; });
        if (named == keep) {
            fields.push_back(field);
        }
    }
    Field* copy = ctx.arena.AllocateArray<Field>(fields.size());
    std::copy(fields.begin(), fields.end(), copy);
    return Value::Object({copy, fields.size()});
}
Value Pick(std::span<const Value> args, CallContext& ctx) { return Filter(args, ctx, true); }
Value Omit(std::span<const Value> args, CallContext& ctx) { return Filter(args, ctx, false); }
// A new map of all; of equal keys the first counts, or the last.
Value Merged(std::span<const Value> args, CallContext& ctx, bool last) {
    std::vector<Field> fields;
    for (size_t i = 0; i < args.size(); ++i) {
        for (const Field& field : args[last ? args.size() - 1 - i : i].fields()) {
            const bool known = std::any_of(fields.begin(), fields.end(),
                                           [&](const Field& other) { return other.key == field.key; });
            if (!known) {
                fields.push_back(field);
            }
        }
    }
    Field* copy = ctx.arena.AllocateArray<Field>(fields.size());
    std::copy(fields.begin(), fields.end(), copy);
    return Value::Object({copy, SortFields({copy, fields.size()})});
}
Value Merge(std::span<const Value> args, CallContext& ctx) { return Merged(args, ctx, false); }
Value MergeOverwrite(std::span<const Value> args, CallContext& ctx) { return Merged(args, ctx, true); }
// dig KEY... DEFAULT MAP
Value Dig(std::span<const Value> args, CallContext&) {
    Value value = args.back();
    for (const Value& key : args.first(args.size() - 2)) {
        value = value.is_object() && key.is_string() ? value.Get(key.text()) : Value::Missing();
        if (value.is_missing()) {
            return args[args.size() - 2];
        }
    }
    return value;
}

Value TypeOf(std::span<const Value> args, CallContext&) { return Value::String(GoTypeName(args[0])); }
Value KindOf(std::span<const Value> args, CallContext&) {
    switch (args[0].type()) {
        case Type::kArray:
        case Type::kBytes:
            return Value::String("slice");
        case Type::kObject:
            return Value::String("map");
        case Type::kDatetime:
            return Value::String("struct");
        case Type::kMissing:
        case Type::kNull:
            return Value::String("invalid");
        default:
            return Value::String(GoTypeName(args[0]));
    }
}
Value TypeIs(std::span<const Value> args, CallContext&) {
    return Value::Bool(args[0].text() == GoTypeName(args[1]));
}
Value KindIs(std::span<const Value> args, CallContext& ctx) {
    return Value::Bool(args[0].text() == KindOf(args.subspan(1), ctx).text());
}

constexpr Function kLists[] = {
    {"default", "aa*", Default, Reads::kLittle},
    {"empty", "a", Empty, Reads::kLittle},
    {"coalesce", "a*", Coalesce, Reads::kLittle},
    {"all", "a*", All, Reads::kLittle},
    {"any", "a*", Any, Reads::kLittle},
    {"ternary", "aab", Ternary, Reads::kLittle},
    {"fail", "s", FailNow},
    {"list", "a*", List, Reads::kLittle},
    {"tuple", "a*", List, Reads::kLittle},
    {"first", "a", First, Reads::kLittle},
    {"last", "a", Last, Reads::kLittle},
    {"rest", "a", Rest, Reads::kLittle},
    {"append", "aa", Append},
    {"push", "aa", Append},
    {"reverse", "a", Reverse},
    {"prepend", "aa", Prepend},
    {"initial", "a", Initial, Reads::kLittle},
    {"concat", "a*", Concat},
    {"uniq", "a", Unique},
    {"without", "aa*", Without},
    {"compact", "a", Compact},
    {"chunk", "ia", Chunk},
    {"deepEqual", "aa", DeepEqual},
    {"has", "aa", Has},
    {"slice", "aa*", Slice, Reads::kLittle},
    {"typeOf", "a", TypeOf, Reads::kLittle},
    {"kindOf", "a", KindOf, Reads::kLittle},
    {"typeIs", "sa", TypeIs, Reads::kLittle},
    {"kindIs", "sa", KindIs, Reads::kLittle},
};
constexpr Function kMaps[] = {
    {"dict", "a*", Dict, Reads::kLittle},
    {"get", "ms", Get, Reads::kLittle},
    {"hasKey", "ms", HasKey, Reads::kLittle},
    {"keys", "m*", Keys},
    {"values", "m", Values},
    {"pick", "ms*", Pick},
    {"omit", "ms*", Omit},
    {"dig", "aaa*", Dig},
    {"merge", "m*", Merge},
    {"mergeOverwrite", "m*", MergeOverwrite},
};

}  // namespace

std::span<const Function> ListFunctions() { return kLists; }
std::span<const Function> MapFunctions() { return kMaps; }

}  // namespace haumea::text_template
