#include "rule/object_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/duration.h"

namespace haumea::rule {
namespace {

bool SameName(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view ObjectReader::KindOf(const config::Node& node) {
    if (node.is_bool()) {
        return "bool";
    }
    return node.is_number() ? "number" : node.kind_name();
}

const config::Node* ObjectReader::Find(std::string_view name) {
    Known(name);
    const config::Node* node = object_->FindNoCase(name);
    return node == nullptr || node->is_null() ? nullptr : node;
}

void ObjectReader::Mismatch(std::string_view name, std::string_view what, std::string_view type_name) {
    if (error_->empty()) {
        *error_ = fmt::format("json: cannot unmarshal {} into Go struct field {}.{}{} of type {}", what,
                              type_, path_, name, type_name);
    }
}

void ObjectReader::Read(std::string_view name, bool& field) {
    if (const config::Node* node = Find(name)) {
        if (node->is_bool()) {
            field = node->as_bool();
        } else {
            Mismatch(name, KindOf(*node), "bool");
        }
    }
}

void ObjectReader::Read(std::string_view name, std::string& field) {
    if (const config::Node* node = Find(name)) {
        if (node->is_string()) {
            field = node->as_string();
        } else {
            Mismatch(name, KindOf(*node), "string");
        }
    }
}

void ObjectReader::Read(std::string_view name, int64_t& field, std::string_view type_name) {
    if (const config::Node* node = Find(name)) {
        if (node->is_int()) {
            field = node->as_int();
        } else if (node->is_double()) {
            Mismatch(name, fmt::format("number {}", config::ToJson(*node)), type_name);
        } else {
            Mismatch(name, KindOf(*node), type_name);
        }
    }
}

void ObjectReader::Read(std::string_view name, std::vector<std::string>& field) {
    const config::Node* node = ReadArray(name, "[]string");
    if (node == nullptr) {
        return;
    }
    field.clear();
    for (const config::Node& element : node->array()) {
        if (element.is_string()) {
            field.push_back(element.as_string());
        } else if (element.is_null()) {
            field.emplace_back();
        } else {
            Mismatch(name, KindOf(element), "string");
        }
    }
}

void ObjectReader::ReadDuration(std::string_view name, int64_t& field_ms) {
    const config::Node* node = Find(name);
    if (node == nullptr) {
        return;
    }
    if (node->is_int()) {
        field_ms = node->as_int();
        return;
    }
    std::string problem;
    if (node->is_string()) {
        const auto parsed = config::ParseDuration(node->as_string());
        if (parsed) {
            field_ms = parsed->value;
            return;
        }
        problem = fmt::format("{}{}: {}", path_, name, parsed.error().message);
    } else {
        problem = fmt::format(
            "{}{}: {} is no duration, write a text such as \"10s\" or a whole number of milliseconds", path_,
            name, config::ToJson(*node));
    }
    if (error_->empty()) {
        *error_ = std::move(problem);
    }
}

const config::Node* ObjectReader::ReadObject(std::string_view name, std::string_view type_name) {
    const config::Node* node = Find(name);
    if (node != nullptr && !node->is_object()) {
        Mismatch(name, KindOf(*node), type_name);
        return nullptr;
    }
    return node;
}

const config::Node* ObjectReader::ReadArray(std::string_view name, std::string_view type_name) {
    const config::Node* node = Find(name);
    if (node != nullptr && !node->is_array()) {
        Mismatch(name, KindOf(*node), type_name);
        return nullptr;
    }
    return node;
}

ObjectReader ObjectReader::Nested(std::string_view name, const config::Node& member,
                                  std::string_view type) const {
    ObjectReader reader(member, type, *error_);
    reader.path_ = fmt::format("{}{}.", path_, name);
    return reader;
}

std::vector<std::string> ObjectReader::Unknown() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : object_->object()) {
        const auto same = [&name = name](const std::string& known) { return SameName(known, name); };
        if (std::none_of(known_.begin(), known_.end(), same)) {
            names.push_back(name);
        }
    }
    return names;
}

}  // namespace haumea::rule
