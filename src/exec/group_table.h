#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"

namespace haumea::exec {

// Numbers distinct keys 0, 1, 2 ... in order of first appearance. Hash table with its nodes and keys in one
// arena: a million keys of 10 bytes take 60 MB. Owned by GroupBy, reused from window to window; home loop
// only.
class GroupTable {
  public:
    static constexpr uint32_t kFull = UINT32_MAX;

    // The number of `key`, a new one when it is the first of its kind; kFull when that would take the table
    // beyond `limit` bytes.
    uint32_t Number(std::string_view key, size_t limit);
    size_t size() const noexcept { return size_; }
    size_t bytes() const noexcept { return buckets_.capacity() * sizeof(Node*) + arena_.reserved_bytes(); }
    // Forgets all keys; keeps little memory.
    void Clear() noexcept;

  private:
    static constexpr size_t kFirstBuckets = 64;
    struct Node {
        Node* next;
        size_t hash;
        std::string_view key;
        uint32_t number;
    };
    void Grow();

    Arena arena_;
    std::vector<Node*> buckets_;  // a power of two of them
    uint32_t size_ = 0;
};

}  // namespace haumea::exec
