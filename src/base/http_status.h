#pragma once

#include <string_view>

namespace haumea {

// What stands behind the number in the first line of an answer (RFC 9110 15), for the statuses that our
// servers send. Any thread.
std::string_view ReasonPhrase(int status) noexcept;

}  // namespace haumea
