#pragma once

#include <string_view>

namespace haumea {

// What `haumea version` and GET / report. The number comes from CMakeLists.txt.
std::string_view Version() noexcept;

}  // namespace haumea
