#include "config/node.h"

namespace haumea::config {
namespace {

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualsNoCase(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return LowerAscii(x) == LowerAscii(y); });
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
    if (!is_object()) {
        return nullptr;
    }
    for (const Member& member : object()) {
        if (member.first == key) {
            return &member.second;
        }
    }
    return nullptr;
}

Node* Node::Find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).Find(key)); }

const Node* Node::FindNoCase(std::string_view key) const {
    if (const Node* exact = Find(key); exact != nullptr || !is_object()) {
        return exact;
    }
    for (const Member& member : object()) {
        if (EqualsNoCase(member.first, key)) {
            return &member.second;
        }
    }
    return nullptr;
}

Node& Node::Set(std::string_view key, Node value) {
    if (is_null()) {
        value_ = Object{};
    }
    if (Node* existing = Find(key); existing != nullptr) {
        *existing = std::move(value);
        return *existing;
    }
    return object().emplace_back(std::string(key), std::move(value)).second;
}

bool Node::Erase(std::string_view key) {
    if (!is_object()) {
        return false;
    }
    return std::erase_if(object(), [key](const Member& member) { return member.first == key; }) > 0;
}

void Node::Append(Node value) {
    if (is_null()) {
        value_ = Array{};
    }
    array().push_back(std::move(value));
}

std::string_view Node::kind_name() const {
    static constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "integer", "number",
                                                               "string", "array",   "object"};
    return kNames[value_.index()];
}

}  // namespace haumea::config
