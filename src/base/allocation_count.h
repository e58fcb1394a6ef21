#pragma once

// Counts the allocations of a test program: include it in exactly one of its files, it replaces operator new.
// Not under sanitizers, which bring an operator new of their own; HAUMEA_COUNTS_ALLOCATIONS tells.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HAUMEA_COUNTS_ALLOCATIONS 1

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace haumea {

// Allocations of all threads since the program began.
inline std::atomic<size_t> allocation_count = 0;

inline void* CountedAllocate(size_t size) {
    allocation_count.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size == 0 ? 1 : size); memory != nullptr) {
        return memory;
    }
    throw std::bad_alloc();
}

inline void* CountedAllocate(size_t size, std::align_val_t alignment) {
    allocation_count.fetch_add(1, std::memory_order_relaxed);
    const auto step = static_cast<size_t>(alignment);
    if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step); memory != nullptr) {
        return memory;
    }
    throw std::bad_alloc();
}

}  // namespace haumea

[[gnu::noinline]] void* operator new(size_t size) { return haumea::CountedAllocate(size); }
[[gnu::noinline]] void* operator new[](size_t size) { return haumea::CountedAllocate(size); }
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
    return haumea::CountedAllocate(size, alignment);
}
[[gnu::noinline]] void* operator new[](size_t size, std::align_val_t alignment) {
    return haumea::CountedAllocate(size, alignment);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
    std::free(memory);
}

#endif
