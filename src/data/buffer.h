#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ref_counted.h"

namespace haumea {

// Reference counted bytes. Layout of one allocation: object | headroom (32 bytes) | capacity | padding (64
// bytes). The headroom takes a WebSocket header while the buffer is still unshared; the padding lets the JSON
// reader load whole SIMD words past the end (SIMDJSON_PADDING). Written by its one owner, immutable once
// shared.
class Buffer final : public RefCounted<Buffer> {
  public:
    static constexpr size_t kHeadroom = 32;
    static constexpr size_t kPadding = 64;
    // Of a block beside its capacity.
    static constexpr size_t kOverhead = kHeadroom + kPadding + 3 * sizeof(void*);

    // Uninitialised bytes with at least `capacity` usable. Sizes up to 64 KiB come from a per-thread free
    // list.
    static Ref<Buffer> Allocate(size_t capacity);
    static Ref<Buffer> Copy(std::string_view bytes);
    // The same bytes with more room; `buffer` has no other owner. Large ones grow without being copied, where
    // the system can.
    static Ref<Buffer> Enlarge(Ref<Buffer> buffer, size_t used, size_t capacity);

    char* data() noexcept { return begin_; }
    const char* data() const noexcept { return begin_; }
    size_t capacity() const noexcept { return capacity_; }

    static void Destroy(Buffer* buffer) noexcept;

  private:
    Buffer(char* begin, size_t capacity) : begin_(begin), capacity_(capacity) {}
    ~Buffer() = default;
    friend class RefCounted<Buffer>;

    char* begin_;
    size_t capacity_;
};
static_assert(sizeof(Buffer) + Buffer::kHeadroom + Buffer::kPadding == Buffer::kOverhead);

// A stretch of a Buffer that keeps the whole buffer alive. Cheap to copy (one atomic increment).
// Invariant: at least Buffer::kPadding readable bytes follow the view.
struct BufferView {
    Ref<const Buffer> owner;
    const char* ptr = nullptr;
    size_t len = 0;

    std::string_view view() const noexcept { return {ptr, len}; }
    static BufferView Copy(std::string_view bytes);
};

// Grows by doubling; Take() hands out what was written, in a block of fitting size: what is kept for slow
// readers must not cost many times what is counted. Reused between messages by one owner, one thread.
class BufferBuilder {
  public:
    // The next `n` bytes may be written at the returned pointer; call Commit(k) with k <= n afterwards.
    char* Reserve(size_t n) {
        if (capacity_ - size_ < n) [[unlikely]] {
            Grow(n);
        }
        return base_ + size_;
    }
    void Commit(size_t n) noexcept { size_ += n; }
    void Append(std::string_view bytes);
    void Append(char c) {
        *Reserve(1) = c;
        ++size_;
    }
    size_t size() const noexcept { return size_; }
    std::string_view view() const noexcept { return {base_, size_}; }
    char* mutable_data() noexcept { return base_; }
    void Clear() noexcept { size_ = 0; }
    // Drops everything behind the first `size` bytes.
    void Truncate(size_t size) noexcept { size_ = size < size_ ? size : size_; }
    BufferView Take();

  private:
    void Grow(size_t n);

    Ref<Buffer> buffer_;
    char* base_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

}  // namespace haumea
