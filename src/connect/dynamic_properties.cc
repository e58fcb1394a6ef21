#include "connect/dynamic_properties.h"

#include <fmt/core.h>

#include <algorithm>

namespace haumea::connect {

Result<void> DynamicProperties::Add(const config::Node& props, std::span<const std::string> names) {
    for (const std::string& name : names) {
        if (const config::Node* value = props.FindNoCase(name)) {
            HAUMEA_TRY_VOID(AddNode(name, *value));
        }
    }
    return {};
}

Result<void> DynamicProperties::AddNode(const std::string& name, const config::Node& value) {
    if (value.is_object()) {
        for (const auto& [key, member] : value.object()) {
            HAUMEA_TRY_VOID(AddNode(name + "." + key, member));
        }
    } else if (value.is_array()) {
        for (const config::Node& item : value.array()) {
            HAUMEA_TRY_VOID(AddNode(name, item));
        }
    } else if (value.is_string() && text_template::IsTemplate(value.as_string()) &&
               std::find(texts_.begin(), texts_.end(), value.as_string()) == texts_.end()) {
        auto parsed = text_template::Template::Parse(value.as_string());
        if (!parsed) {
            return Fail(std::move(parsed.error()).With("property " + name));
        }
        names_.push_back(name);
        texts_.push_back(value.as_string());
        templates_.push_back(std::move(*parsed));
    }
    return {};
}

bool DynamicProperties::Evaluate(const Value& dot, std::vector<std::string>& values,
                                 std::string& error) noexcept {
    values.clear();
    for (size_t i = 0; i < templates_.size(); ++i) {
        out_.Clear();
        arena_.Reset();
        if (!templates_[i]->Execute(dot, arena_, out_, error, limits_)) {
            error = fmt::format("fail to calculate props {} (property {}): {}", texts_[i], names_[i], error);
            values.clear();
            return false;
        }
        values.emplace_back(out_.view());
    }
    return true;
}

}  // namespace haumea::connect
