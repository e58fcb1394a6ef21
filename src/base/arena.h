#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <vector>

namespace haumea {

// Bump allocator for everything that lives as long as one batch of rows. Reset() keeps the first chunks, so a
// warm arena allocates nothing. Objects must be trivially destructible. One owner, one thread.
class Arena {
  public:
    static constexpr size_t kFirstChunk = 16U << 10U;
    static constexpr size_t kMaxKeptBytes = 256U << 10U;

    Arena() = default;
    // For few bytes that live long.
    explicit Arena(size_t first_chunk) : first_chunk_(first_chunk) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    Arena(Arena&&) noexcept = default;
    Arena& operator=(Arena&&) noexcept = default;

    void* Allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
        const auto address = reinterpret_cast<uintptr_t>(cursor_);
        const size_t skip = (alignment - address % alignment) % alignment;
        if (static_cast<size_t>(end_ - cursor_) < bytes + skip) [[unlikely]] {
            return Grow(bytes, alignment);
        }
        char* result = cursor_ + skip;
        cursor_ = result + bytes;
        return result;
    }

    // `n` uninitialised objects.
    template <typename T>
    T* AllocateArray(size_t n) {
        static_assert(std::is_trivially_destructible_v<T>);
        return static_cast<T*>(Allocate(sizeof(T) * n, alignof(T)));
    }

    std::string_view Copy(std::string_view text) {
        if (text.empty()) {
            return {};
        }
        char* bytes = static_cast<char*>(Allocate(text.size(), 1));
        std::memcpy(bytes, text.data(), text.size());
        return {bytes, text.size()};
    }

    // Forgets everything; keeps at most kMaxKeptBytes for reuse.
    void Reset() noexcept;
    // Bytes handed out by the system, in use or not.
    size_t reserved_bytes() const noexcept { return reserved_; }
    // What can be handed out without asking the system.
    size_t left() const noexcept { return static_cast<size_t>(end_ - cursor_); }

  private:
    struct Chunk {
        std::unique_ptr<char[]> bytes;
        size_t size;
    };
    void* Grow(size_t bytes, size_t alignment);

    std::vector<Chunk> chunks_;
    size_t current_ = 0;  // index of the chunk that cursor_ points into, when there is one
    char* cursor_ = nullptr;
    char* end_ = nullptr;
    size_t reserved_ = 0;
    size_t first_chunk_ = kFirstChunk;
};

}  // namespace haumea
