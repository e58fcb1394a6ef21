#pragma once

#include <algorithm>
#include <array>

#include "data/value.h"

namespace haumea::text_template {

// Values of variables. The usual few stand in the object itself, more in the arena.
class VariableStack {
  public:
    explicit VariableStack(Arena& arena) : arena_(&arena) {}
    VariableStack(const VariableStack&) = delete;
    VariableStack& operator=(const VariableStack&) = delete;

    size_t size() const noexcept { return size_; }
    Value& operator[](size_t index) noexcept { return values_[index]; }
    void push_back(const Value& value) {
        resize(size_ + 1);
        values_[size_ - 1] = value;
    }
    // New ones are missing.
    void resize(size_t size) {
        if (size > capacity_) {
            const size_t capacity = std::max(size, 2 * capacity_);
            Value* more = arena_->AllocateArray<Value>(capacity);
            std::copy_n(values_, size_, more);
            values_ = more;
            capacity_ = capacity;
        }
        if (size > size_) {
            std::fill_n(values_ + size_, size - size_, Value());
        }
        size_ = size;
    }

  private:
    Arena* arena_;
    std::array<Value, 16> first_;
    Value* values_ = first_.data();
    size_t size_ = 0;
    size_t capacity_ = first_.size();
};

}  // namespace haumea::text_template
