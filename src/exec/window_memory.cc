#include "exec/window_memory.h"

#include <fmt/format.h>

namespace haumea::exec {

std::string WindowMemory::Name() const {
    constexpr size_t kMebi = size_t{1} << 20U;
    return limit_ % kMebi == 0 ? fmt::format("windowBytes ({} MiB)", limit_ / kMebi)
                               : fmt::format("windowBytes ({})", limit_);
}

}  // namespace haumea::exec
