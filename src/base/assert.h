#pragma once

namespace haumea {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line) noexcept;
}

// Broken invariant of our own: prints the condition and aborts. Never for input from user, file or network.
#define HAUMEA_CHECK(condition)                                    \
    do {                                                           \
        if (!(condition)) [[unlikely]] {                           \
            ::haumea::CheckFailed(#condition, __FILE__, __LINE__); \
        }                                                          \
    } while (false)
#ifdef NDEBUG
#define HAUMEA_DCHECK(condition) static_cast<void>(0)
#else
#define HAUMEA_DCHECK(condition) HAUMEA_CHECK(condition)
#endif
