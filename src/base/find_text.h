#pragma once

#include <cstddef>
#include <string_view>

namespace haumea {

// As text.find(part, from), but in linear time whatever the texts are: glibc's memmem(3) searches by the
// two-way algorithm (Crochemore and Perrin, 1991). For parts that come from users or messages. Any thread.
size_t FindText(std::string_view text, std::string_view part, size_t from = 0) noexcept;

}  // namespace haumea
