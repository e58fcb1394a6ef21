#include "codec/percent.h"

#include "base/hex.h"

namespace haumea::codec {

namespace {

bool IsUnreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

}  // namespace

std::optional<std::string_view> PercentDecode(std::string_view text, Arena& arena) {
    if (text.find_first_of("%+") == std::string_view::npos) {
        return text;
    }
    char* const begin = static_cast<char*>(arena.Allocate(text.size(), 1));
    char* out = begin;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int byte = EscapedByte(text, i);
            if (byte < 0) {
                return std::nullopt;
            }
            *out++ = static_cast<char>(byte);
            i += 2;
        } else {
            *out++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    return std::string_view(begin, static_cast<size_t>(out - begin));
}

void PercentEncode(std::string_view text, BufferBuilder& out) {
    constexpr char kHex[] = "0123456789ABCDEF";
    for (const char c : text) {
        if (IsUnreserved(c)) {
            out.Append(c);
        } else if (c == ' ') {
            out.Append('+');
        } else {
            const auto byte = static_cast<unsigned char>(c);
            const char escape[] = {'%', kHex[byte >> 4U], kHex[byte & 15U]};
            out.Append(std::string_view(escape, sizeof(escape)));
        }
    }
}

}  // namespace haumea::codec
