#include "base/find_text.h"

#include <cstring>

namespace haumea {

size_t FindText(std::string_view text, std::string_view part, size_t from) noexcept {
    if (from > text.size() || text.size() - from < part.size()) {
        return std::string_view::npos;
    }
    if (part.empty()) {
        return from;
    }
    const std::string_view rest = text.substr(from);
    const void* const hit = memmem(rest.data(), rest.size(), part.data(), part.size());
    return hit == nullptr ? std::string_view::npos
                          : static_cast<size_t>(static_cast<const char*>(hit) - text.data());
}

}  // namespace haumea
