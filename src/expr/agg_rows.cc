#include <unordered_set>

#include "expr/fn_descriptor.h"
#include "expr/fn_support.h"

namespace haumea::expr {

namespace {

Value Collect(Columns args, FunctionContext& ctx) noexcept {
    ArrayResult result(ctx, args[0].size());
    for (const Value& value : args[0]) {
        result.Add(value.is_missing() ? Value::Null() : value);
    }
    return result.Finish();
}

bool FirstIsTrue(std::span<const Value> column) noexcept {
    return !column.empty() && column[0].type() == Type::kBool && column[0].as_bool();
}

Value LastValue(Columns args, FunctionContext&) noexcept {
    const bool ignore_null = FirstIsTrue(args[1]);
    for (size_t i = args[0].size(); i > 0; --i) {
        const Value& value = args[0][i - 1];
        if (!ignore_null || !value.is_null()) {
            return value.is_missing() ? Value::Null() : value;
        }
    }
    return Value::Null();
}

Value MergeAgg(Columns args, FunctionContext& ctx) noexcept {
    size_t members = 0;
    bool any = false;
    for (const Value& value : args[0]) {
        any |= value.is_object();
        members += value.is_object() ? value.size() : 0;
    }
    if (!any) {
        return Value::Null();
    }
    ObjectResult result(ctx, members);
    for (const Value& value : args[0]) {
        if (value.is_object()) {
            for (const Field& field : value.fields()) {
                result.Add(field.key, field.value);
            }
        }
    }
    return result.Finish();
}

// Arguments: whole rows (added by the parser), the column, all. Values are the same when their texts are.
Value Deduplicate(Columns args, FunctionContext& ctx) noexcept {
    const auto rows = args[0];
    const auto keys = args[1];
    std::unordered_set<std::string_view> seen;
    ArrayResult distinct(ctx, rows.size());
    bool last_is_new = false;
    for (size_t i = 0; i < rows.size(); ++i) {
        last_is_new = seen.insert(GoText(keys[i], ctx.arena)).second;
        if (last_is_new) {
            distinct.Add(rows[i]);
        }
    }
    if (FirstIsTrue(args[2])) {
        return distinct.Finish();
    }
    return last_is_new ? rows.back() : Value::Null();
}

FunctionDescriptor OfRows(std::string_view name, std::string_view signature, std::string_view doc, int arity,
                          AggregateFunction function, CheckFunction check) {
    return FixedAggregate(name, signature, doc, arity, function, check);
}

}  // namespace

void AddRowAggregates(FunctionRegistry& r) {
    r.Add(OfRows("collect", "collect(x|*)", "All values as an array, nulls too; with * the rows as objects.",
                 1, Collect, nullptr));
    r.Add(OfRows("last_value", "last_value(x|*, ignore_null)",
                 "The last value, or the last that is not null.", 2, LastValue, Kinds<'.', 'b'>));
    r.Add(OfRows("merge_agg", "merge_agg(x|*)", "All objects merged into one; later members win.", 1,
                 MergeAgg, nullptr));
    r.Add(OfRows(
        "deduplicate", "deduplicate(x, all)",
        "With all = true the first row of every distinct value; else the last row when its value is new.", 2,
        Deduplicate, Kinds<'.', 'b'>));
}

}  // namespace haumea::expr
