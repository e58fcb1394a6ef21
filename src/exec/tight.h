#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace haumea::exec {

// Scratch vectors that live from window to window follow the size of the windows both ways, and do not grow
// by doubling: their memory is bounded with that of the rows. Keeps `size` elements and room for `capacity`.
template <typename T>
void ResizeTight(std::vector<T>& scratch, size_t size, size_t capacity) {
    constexpr size_t kSmall = 1024;
    if (capacity > scratch.capacity()) {
        scratch.resize(std::min(size, scratch.size()));
        scratch.reserve(scratch.capacity() == 0 ? capacity : capacity + capacity / 8);
    } else if (scratch.capacity() > kSmall && capacity < scratch.capacity() / 4) {
        scratch.resize(std::min(size, scratch.size()));
        scratch.shrink_to_fit();
        scratch.reserve(capacity);
    }
    scratch.resize(size);
}

// Puts the element that `order[i]` names at place i. Forgets the order.
template <typename T>
void Permute(std::vector<T>& elements, std::vector<uint32_t>& order) {
    for (uint32_t start = 0; start < order.size(); ++start) {
        uint32_t to = start;
        if (order[to] == start) {
            continue;
        }
        T moved = std::move(elements[start]);
        while (order[to] != start) {
            const uint32_t from = std::exchange(order[to], to);
            elements[to] = std::move(elements[from]);
            to = from;
        }
        elements[to] = std::move(moved);
        order[to] = to;
    }
}

}  // namespace haumea::exec
