#include "rule/connections_secrets.h"

#include <algorithm>
#include <array>
#include <string>

namespace haumea::rule {
namespace {

using config::Node;

constexpr std::array<std::string_view, 10> kSecretWords = {"password",      "passwd", "secret",  "token",
                                                           "authorization", "cookie", "api-key", "api_key",
                                                           "privatekeyraw", "apikey"};

Node Mask(const Node& value, bool secret) {
    if (value.is_object()) {
        Node masked = Node::MakeObject();
        for (const auto& [name, member] : value.object()) {
            masked.Set(name, Mask(member, secret || IsSecretName(name)));
        }
        return masked;
    }
    if (value.is_array()) {
        Node masked = Node::MakeArray();
        for (const Node& item : value.array()) {
            masked.Append(Mask(item, secret));
        }
        return masked;
    }
    const bool empty = value.is_null() || (value.is_string() && value.as_string().empty());
    return secret && !empty ? Node(kMask) : value;
}

}  // namespace

bool IsSecretName(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                       [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

Node MaskSecrets(const Node& props) { return Mask(props, false); }

Node UnmaskSecrets(const Node& given, const Node& stored) {
    if (given.is_string() && given.as_string() == kMask) {
        return stored.is_null() ? given : stored;
    }
    if (given.is_object()) {
        Node result = Node::MakeObject();
        for (const auto& [name, member] : given.object()) {
            const Node* old = stored.FindNoCase(name);
            result.Set(name, UnmaskSecrets(member, old != nullptr ? *old : Node()));
        }
        return result;
    }
    if (given.is_array()) {
        Node result = Node::MakeArray();
        for (size_t i = 0; i < given.array().size(); ++i) {
            const bool there = stored.is_array() && i < stored.array().size();
            result.Append(UnmaskSecrets(given.array()[i], there ? stored.array()[i] : Node()));
        }
        return result;
    }
    return given;
}

}  // namespace haumea::rule
