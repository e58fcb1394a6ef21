#include "expr/like.h"

#include <cstddef>

namespace haumea::expr {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);
constexpr size_t kMostCompared = 1'000'000'000;  // characters: about a second

// Length of the UTF-8 character at `at`; a stray byte counts as one.
size_t CharacterLength(std::string_view text, size_t at) noexcept {
    size_t end = at + 1;
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0xC0U) {
        while (end < text.size() && end - at < 4 &&
               (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            ++end;
        }
    }
    return end - at;
}

bool IsEscape(std::string_view pattern, size_t at) noexcept {
    return pattern[at] == '\\' && at + 1 < pattern.size() &&
           (pattern[at + 1] == '%' || pattern[at + 1] == '_' || pattern[at + 1] == '\\');
}

}  // namespace

std::optional<bool> LikeMatch(std::string_view text, std::string_view pattern) noexcept {
    size_t t = 0;
    size_t p = 0;
    // Where to go on when the text does not fit: the last % takes one character more.
    size_t retry_pattern = kNone;
    size_t retry_text = 0;
    size_t compared = 0;
    while (t < text.size()) {
        if (p < pattern.size()) {
            if (pattern[p] == '%') {
                retry_pattern = ++p;
                retry_text = t;
                continue;
            }
            if (pattern[p] == '_' && text[t] != '\n') {
                t += CharacterLength(text, t);
                ++p;
                continue;
            }
            const size_t literal = IsEscape(pattern, p) ? p + 1 : p;
            if (pattern[p] != '_' && pattern[literal] == text[t]) {
                ++t;
                p = literal + 1;
                continue;
            }
        }
        if (retry_pattern == kNone || text[retry_text] == '\n') {
            return false;
        }
        compared += t - retry_text;
        if (compared > kMostCompared) {
            return std::nullopt;
        }
        retry_text += CharacterLength(text, retry_text);
        t = retry_text;
        p = retry_pattern;
    }
    while (p < pattern.size() && pattern[p] == '%') {
        ++p;
    }
    return p == pattern.size();
}

}  // namespace haumea::expr
