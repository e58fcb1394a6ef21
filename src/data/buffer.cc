#include "data/buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/assert.h"

namespace haumea {
namespace {

constexpr size_t kMinClass = 9;   // 512 bytes
constexpr size_t kMaxClass = 16;  // 64 KiB
constexpr size_t kMaxCachedBytes = 1U << 20U;

// Free blocks of one thread by power-of-two size. Bounded: beyond kMaxCachedBytes blocks go back to malloc.
struct FreeLists {
    struct Node {
        Node* next;
    };
    std::array<Node*, kMaxClass + 1> heads{};
    size_t cached_bytes = 0;
    bool alive = true;

    ~FreeLists() {
        alive = false;
        for (Node*& head : heads) {
            while (head != nullptr) {
                Node* next = head->next;
                std::free(head);  // NOLINT
                head = next;
            }
        }
    }
};
thread_local FreeLists free_lists;

size_t ClassOf(size_t total) { return std::max(kMinClass, static_cast<size_t>(std::bit_width(total - 1))); }

}  // namespace

Ref<Buffer> Buffer::Allocate(size_t capacity) {
    size_t total = capacity + kOverhead;
    void* block = nullptr;
    const size_t size_class = ClassOf(total);
    if (size_class <= kMaxClass) {
        total = size_t{1} << size_class;
        FreeLists& lists = free_lists;
        if (FreeLists::Node* node = lists.heads[size_class]; node != nullptr) {
            lists.heads[size_class] = node->next;
            lists.cached_bytes -= total;
            block = node;
        }
    }
    if (block == nullptr) {
        block = std::malloc(total);  // NOLINT
        if (block == nullptr) {
            throw std::bad_alloc();
        }
    }
    char* begin = static_cast<char*>(block) + sizeof(Buffer) + kHeadroom;
    return Ref<Buffer>::Adopt(new (block) Buffer(begin, total - kOverhead));
}

Ref<Buffer> Buffer::Copy(std::string_view bytes) {
    Ref<Buffer> buffer = Allocate(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(buffer->data(), bytes.data(), bytes.size());
    }
    std::memset(buffer->data() + bytes.size(), 0,
                std::min(kPadding, buffer->capacity() + kPadding - bytes.size()));
    return buffer;
}

Ref<Buffer> Buffer::Enlarge(Ref<Buffer> buffer, size_t used, size_t capacity) {
    if (ClassOf(buffer->capacity_ + kOverhead) <= kMaxClass) {
        Ref<Buffer> bigger = Allocate(capacity);
        std::memcpy(bigger->data(), buffer->data(), used);
        return bigger;
    }
    HAUMEA_DCHECK(buffer->unique());
    const size_t total = capacity + kOverhead;
    Buffer* old = buffer.Detach();
    old->~Buffer();
    void* block = std::realloc(old, total);  // NOLINT
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    char* begin = static_cast<char*>(block) + sizeof(Buffer) + kHeadroom;
    return Ref<Buffer>::Adopt(new (block) Buffer(begin, total - kOverhead));
}

void Buffer::Destroy(Buffer* buffer) noexcept {
    const size_t total = buffer->capacity_ + kOverhead;
    buffer->~Buffer();
    const size_t size_class = ClassOf(total);
    FreeLists& lists = free_lists;
    if (size_class <= kMaxClass && lists.alive && lists.cached_bytes + total <= kMaxCachedBytes) {
        auto* node = reinterpret_cast<FreeLists::Node*>(buffer);
        node->next = lists.heads[size_class];
        lists.heads[size_class] = node;
        lists.cached_bytes += total;
        return;
    }
    std::free(buffer);  // NOLINT
}

BufferView BufferView::Copy(std::string_view bytes) {
    Ref<Buffer> buffer = Buffer::Copy(bytes);
    const char* ptr = buffer->data();
    return {Ref<const Buffer>::Share(buffer.get()), ptr, bytes.size()};
}

void BufferBuilder::Append(std::string_view bytes) {
    if (!bytes.empty()) {
        std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }
}

void BufferBuilder::Grow(size_t n) {
    const size_t wanted = std::max(size_ + n, capacity_ * 2);
    buffer_ = buffer_ ? Buffer::Enlarge(std::move(buffer_), size_, wanted) : Buffer::Allocate(wanted);
    base_ = buffer_->data();
    capacity_ = buffer_->capacity();
}

BufferView BufferBuilder::Take() {
    if (!buffer_) {
        Grow(1);
    }
    // Encoders reserve for the worst case. Two classes apart: the copy is at most a quarter of the block,
    // which stays here.
    const size_t have = ClassOf(capacity_ + Buffer::kOverhead);
    if (have <= kMaxClass && ClassOf(size_ + Buffer::kOverhead) + 2 <= have) {
        BufferView view = BufferView::Copy(this->view());
        size_ = 0;
        return view;
    }
    BufferView view{Ref<const Buffer>::Share(buffer_.get()), base_, size_};
    buffer_.Reset();
    base_ = nullptr;
    size_ = 0;
    capacity_ = 0;
    return view;
}

}  // namespace haumea
