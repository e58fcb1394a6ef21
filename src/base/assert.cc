#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace haumea {

void CheckFailed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
    std::abort();
}

}  // namespace haumea
