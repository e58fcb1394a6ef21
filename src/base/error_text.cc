#include "base/error_text.h"

#include <array>
#include <cctype>
#include <cstring>

namespace haumea {

std::string ErrorText(int error) {
    std::array<char, 128> buffer{};
    std::string text = strerror_r(error, buffer.data(), buffer.size());
    // "Connection refused", but not "I/O error".
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

}  // namespace haumea
