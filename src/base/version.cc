#include "base/version.h"

namespace haumea {

std::string_view Version() noexcept { return HAUMEA_VERSION; }

}  // namespace haumea
