#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace haumea {

// The value or the reason why there is none. For everything that is not the data path.
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  public:
    using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> Fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
template <typename... Args>
tl::unexpected<Error> Failf(fmt::format_string<Args...> format, Args&&... args) {
    return tl::unexpected<Error>(Errorf(format, std::forward<Args>(args)...));
}

}  // namespace haumea

#define HAUMEA_CONCAT_INNER(a, b) a##b
#define HAUMEA_CONCAT(a, b) HAUMEA_CONCAT_INNER(a, b)
// HAUMEA_TRY(auto plan, PlanRule(def)); assigns the value or returns the error from the enclosing function.
#define HAUMEA_TRY(declaration, expression) \
    HAUMEA_TRY_IMPL(HAUMEA_CONCAT(haumea_try_, __COUNTER__), declaration, expression)
#define HAUMEA_TRY_IMPL(name, declaration, expression)  \
    auto name = (expression);                           \
    if (!name) {                                        \
        return ::haumea::Fail(std::move(name.error())); \
    }                                                   \
    declaration = std::move(*name)
// For a Result<void>.
#define HAUMEA_TRY_VOID(expression)                                    \
    do {                                                               \
        if (auto haumea_try_void = (expression); !haumea_try_void) {   \
            return ::haumea::Fail(std::move(haumea_try_void.error())); \
        }                                                              \
    } while (false)
