#include "connect/node_value.h"

#include <algorithm>

namespace haumea::connect {

Value ToValue(const config::Node& node, Arena& arena) {
    if (node.is_bool()) {
        return Value::Bool(node.as_bool());
    }
    if (node.is_number()) {
        return Value::Double(node.as_double());
    }
    if (node.is_string()) {
        return Value::String(arena.Copy(node.as_string()));
    }
    if (node.is_array()) {
        Value* items = arena.AllocateArray<Value>(node.array().size());
        std::transform(node.array().begin(), node.array().end(), items,
                       [&arena](const config::Node& item) { return ToValue(item, arena); });
        return Value::Array({items, node.array().size()});
    }
    if (node.is_object()) {
        Field* fields = arena.AllocateArray<Field>(node.object().size());
        std::transform(node.object().begin(), node.object().end(), fields,
                       [&arena](const config::Node::Member& member) {
                           return Field{arena.Copy(member.first), ToValue(member.second, arena)};
                       });
        return Value::Object({fields, SortFields({fields, node.object().size()})});
    }
    return Value::Null();
}

}  // namespace haumea::connect
