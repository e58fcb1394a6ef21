#include "base/arena.h"

#include <algorithm>

namespace haumea {

void* Arena::Grow(size_t bytes, size_t alignment) {
    const size_t needed = bytes + alignment;
    // Chunks kept from before a Reset() come first.
    while (current_ + 1 < chunks_.size()) {
        ++current_;
        if (chunks_[current_].size >= needed) {
            cursor_ = chunks_[current_].bytes.get();
            end_ = cursor_ + chunks_[current_].size;
            return Allocate(bytes, alignment);
        }
    }
    const size_t usual =
        chunks_.empty() ? first_chunk_ : 2 * std::min<size_t>(chunks_.back().size, 512U << 10U);
    const size_t size = std::max(needed, usual);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    reserved_ += size;
    current_ = chunks_.size() - 1;
    cursor_ = chunks_[current_].bytes.get();
    end_ = cursor_ + size;
    return Allocate(bytes, alignment);
}

void Arena::Reset() noexcept {
    while (!chunks_.empty() && reserved_ > kMaxKeptBytes) {
        reserved_ -= chunks_.back().size;
        chunks_.pop_back();
    }
    current_ = 0;
    cursor_ = chunks_.empty() ? nullptr : chunks_[0].bytes.get();
    end_ = chunks_.empty() ? nullptr : cursor_ + chunks_[0].size;
}

}  // namespace haumea
