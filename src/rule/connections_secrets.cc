#include "rule/connections_secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace haumea::rule {
namespace {

using config::Node;

// Anywhere in a name; "-" and "_" do not count.
constexpr std::array<std::string_view, 15> kSecretWords = {
    "password",      "passwd",  "passphrase", "secret",     "token",
    "authorization", "cookie",  "apikey",     "credential", "privatekeyraw",
    "authkey",       "session", "accesskey",  "signature",  "signingkey"};
// Whole names.
constexpr std::array<std::string_view, 6> kSecretNames = {"auth", "xauth", "bearer",
                                                          "jwt",  "pwd",   "privatekey"};
// Whole names in the query of a path; elsewhere they mean other things too.
constexpr std::array<std::string_view, 2> kSecretParameters = {"key", "sig"};

// Lower case, without "-" and "_".
std::string Bare(std::string_view name) {
    std::string bare;
    for (const char c : name) {
        if (c != '-' && c != '_') {
            bare += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        }
    }
    return bare;
}

template <size_t kCount>
bool Holds(const std::array<std::string_view, kCount>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// "/x?token=abc&a=1" -> "/x?token=******&a=1"
std::string MaskQuery(const std::string& path) {
    size_t at = path.find('?');
    if (!path.starts_with('/') || at == std::string::npos) {
        return path;
    }
    std::string masked = path.substr(0, at);
    while (at != std::string::npos) {
        const size_t next = path.find('&', at + 1);
        const std::string_view pair = std::string_view(path).substr(at, next - at);  // with ? or &
        const size_t equals = pair.find('=');
        const bool given = equals != std::string_view::npos && equals + 1 < pair.size();
        const std::string_view name = given ? pair.substr(1, equals - 1) : "";
        const bool secret = given && (IsSecretName(name) || Holds(kSecretParameters, Bare(name)));
        masked += pair.substr(0, secret ? equals + 1 : pair.size());
        masked += secret ? kMask : "";
        at = next;
    }
    return masked;
}

// "http://user:abc@host" -> "http://******@host": what stands before the "@" of a URL.
std::string MaskUserInfo(const std::string& text) {
    const size_t scheme_end = text.find("://");
    if (scheme_end == std::string::npos) {
        return text;
    }
    const size_t begin = scheme_end + 3;
    const size_t at = text.substr(0, text.find_first_of("/?#", begin)).rfind('@');
    return at == std::string::npos || at <= begin
               ? text
               : text.substr(0, begin) + std::string(kMask) + text.substr(at);
}

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
    if (!secret && value.is_string()) {
        return MaskQuery(MaskUserInfo(value.as_string()));
    }
    const bool empty = value.is_null() || (value.is_string() && value.as_string().empty());
    return secret && !empty ? Node(kMask) : value;
}

// Where the first text is for which `is_it` says so: names joined by dots, empty when there is none.
template <typename IsIt>
std::string Find(const Node& value, bool secret, const IsIt& is_it) {
    const auto look = [&](std::string_view name, const Node& member, bool member_secret) -> std::string {
        if (member.is_string()) {
            return is_it(member.as_string(), member_secret) ? std::string(name) : "";
        }
        const std::string inner = Find(member, member_secret, is_it);
        return inner.empty() ? "" : fmt::format("{}.{}", name, inner);
    };
    if (value.is_object()) {
        for (const auto& [name, member] : value.object()) {
            if (std::string found = look(name, member, secret || IsSecretName(name)); !found.empty()) {
                return found;
            }
        }
    } else if (value.is_array()) {
        for (size_t i = 0; i < value.array().size(); ++i) {
            if (std::string found = look(std::to_string(i), value.array()[i], secret); !found.empty()) {
                return found;
            }
        }
    }
    return "";
}

// Says of an action where it sends to, so that its secrets go nowhere else. Empty: it is no action.
std::string Destination(const Node& item, bool with_path) {
    if (!item.is_object() || item.object().size() != 1 || !item.object().front().second.is_object()) {
        return "";
    }
    const auto& [type, props] = item.object().front();
    Node destination = Node::MakeArray();
    destination.Append(Bare(type));
    for (const std::string_view name : {"connectionSelector", "addr", "scheme", "path"}) {
        const Node* value = name == "path" && !with_path ? nullptr : props.FindNoCase(name);
        destination.Append(value == nullptr ? Node() : Mask(*value, false));
    }
    return config::ToJson(destination);
}

// Which stored item each given one stands for; null: none, or it cannot be told. Places mean nothing: items
// are moved and deleted.
std::vector<const Node*> Partners(const Node& given, const Node& stored, bool secret) {
    std::vector<const Node*> partners(given.array().size());
    if (!stored.is_array()) {
        return partners;
    }
    std::vector<const Node*> left;
    for (const Node& item : stored.array()) {
        left.push_back(&item);
    }
    // Those that are alike by `key` are partners in their order. When there are fewer of the given ones, only
    // stored ones that are all the same will do.
    const auto pair = [&](const auto& key) {
        std::map<std::string, std::pair<std::vector<size_t>, std::vector<const Node*>>> groups;
        for (size_t i = 0; i < partners.size(); ++i) {
            if (partners[i] == nullptr) {
                groups[key(given.array()[i])].first.push_back(i);
            }
        }
        for (const Node* item : left) {
            groups[key(*item)].second.push_back(item);
        }
        for (const auto& [name, group] : groups) {
            const auto& [wanted, there] = group;
            const bool same = std::all_of(there.begin(), there.end(), [&there = there](const Node* item) {
                return *item == *there.front();
            });
            if (name.empty() || (there.size() != wanted.size() && !same)) {
                continue;
            }
            for (size_t i = 0; i < std::min(wanted.size(), there.size()); ++i) {
                partners[wanted[i]] = there[i];
                std::erase(left, there[i]);
            }
        }
    };
    pair([secret](const Node& item) { return config::ToJson(Mask(item, secret)); });
    pair([](const Node& item) { return Destination(item, true); });
    pair([](const Node& item) { return Destination(item, false); });
    return partners;
}

Node Unmask(const Node& given, const Node& stored, bool secret) {
    if (given.is_string()) {
        const bool keeps = given.as_string() == kMask ? !stored.is_null()
                                                      : stored.is_string() && Mask(stored, false) == given;
        return keeps ? stored : given;
    }
    if (given.is_object()) {
        Node result = Node::MakeObject();
        for (const auto& [name, member] : given.object()) {
            const Node* old = stored.FindNoCase(name);
            result.Set(name, Unmask(member, old != nullptr ? *old : Node(), secret || IsSecretName(name)));
        }
        return result;
    }
    if (given.is_array()) {
        Node result = Node::MakeArray();
        const std::vector<const Node*> partners = Partners(given, stored, secret);
        for (size_t i = 0; i < partners.size(); ++i) {
            result.Append(Unmask(given.array()[i], partners[i] != nullptr ? *partners[i] : Node(), secret));
        }
        return result;
    }
    return given;
}

}  // namespace

bool IsSecretName(std::string_view name) {
    const std::string bare = Bare(name);
    return Holds(kSecretNames, bare) ||
           std::any_of(kSecretWords.begin(), kSecretWords.end(),
                       [&](std::string_view word) { return bare.find(word) != std::string::npos; });
}

Node MaskSecrets(const Node& props) { return Mask(props, false); }

Node UnmaskSecrets(const Node& given, const Node& stored) { return Unmask(given, stored, false); }

std::string FindMask(const Node& props) {
    return Find(props, false, [](const std::string& text, bool) { return text.find(kMask) != text.npos; });
}

std::string FindMaskedSecret(const Node& props) {
    return Find(props, false, [](const std::string& text, bool secret) {
        const bool in_query = text.starts_with('/') && text.find(fmt::format("={}", kMask)) != text.npos;
        return (secret && text == kMask) || in_query || text.find(fmt::format("://{}@", kMask)) != text.npos;
    });
}

}  // namespace haumea::rule
