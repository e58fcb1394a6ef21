#include "http/message.h"

#include <algorithm>

#include "base/hex.h"

namespace haumea::http {
namespace {

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return LowerAscii(x) == LowerAscii(y); });
}

std::string_view FindHeader(const Headers& headers, std::string_view name) {
    const auto it = std::find_if(headers.begin(), headers.end(), [name](const auto& header) {
        return EqualsIgnoringCase(header.first, name);
    });
    return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

std::string_view Request::Header(std::string_view name) const { return FindHeader(headers, name); }

const std::string& Request::Variable(std::string_view name) const {
    static const std::string kEmpty;
    const auto it = std::find_if(variables.begin(), variables.end(),
                                 [name](const auto& variable) { return variable.first == name; });
    return it == variables.end() ? kEmpty : it->second;
}

std::string Request::Query(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const size_t equals = pair.find('=');
        if (PercentDecode(pair.substr(0, equals), true) == name) {
            return equals == std::string_view::npos ? std::string()
                                                    : PercentDecode(pair.substr(equals + 1), true);
        }
    }
    return {};
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (const int byte = EscapedByte(text, i); byte >= 0) {
            out.push_back(static_cast<char>(byte));
            i += 2;
        } else {
            out.push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
        }
    }
    return out;
}

}  // namespace haumea::http
