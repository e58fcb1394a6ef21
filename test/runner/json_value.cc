#include "runner/json_value.h"

namespace haumea::runner {
namespace {

Value ToArray(const config::Node::Array& items, Arena& arena) {
    Value* values = arena.AllocateArray<Value>(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
        values[i] = ToValue(items[i], arena);
    }
    return Value::Array({values, items.size()});
}

Value ToObject(const config::Node::Object& members, Arena& arena) {
    Field* fields = arena.AllocateArray<Field>(members.size());
    for (size_t i = 0; i < members.size(); ++i) {
        fields[i] = {arena.Copy(members[i].first), ToValue(members[i].second, arena)};
    }
    return Value::Object({fields, SortFields({fields, members.size()})});
}

}  // namespace

Value ToValue(const config::Node& node, Arena& arena) {
    if (node.is_bool()) {
        return Value::Bool(node.as_bool());
    }
    if (node.is_number()) {
        return Value::Double(node.as_double());  // as the JSON decoder reads numbers
    }
    if (node.is_string()) {
        return Value::String(arena.Copy(node.as_string()));
    }
    if (node.is_array()) {
        return ToArray(node.array(), arena);
    }
    return node.is_object() ? ToObject(node.object(), arena) : Value::Null();
}

}  // namespace haumea::runner
