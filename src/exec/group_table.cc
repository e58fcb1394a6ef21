#include "exec/group_table.h"

#include <algorithm>
#include <functional>

namespace haumea::exec {

uint32_t GroupTable::Number(std::string_view key, size_t limit) {
    const size_t hash = std::hash<std::string_view>()(key);
    if (!buckets_.empty()) {
        for (const Node* node = buckets_[hash & (buckets_.size() - 1)]; node != nullptr; node = node->next) {
            if (node->hash == hash && node->key == key) {
                return node->number;
            }
        }
    }
    if (size_ == buckets_.size()) {
        Grow();
    }
    if (bytes() + key.size() > limit) {
        return kFull;
    }
    Node*& head = buckets_[hash & (buckets_.size() - 1)];
    auto* node = arena_.AllocateArray<Node>(1);
    *node = {.next = head, .hash = hash, .key = arena_.Copy(key), .number = size_};
    head = node;
    return size_++;
}

void GroupTable::Grow() {
    std::vector<Node*> bigger(std::max(kFirstBuckets, buckets_.size() * 2));
    for (Node* node : buckets_) {
        while (node != nullptr) {
            Node*& head = bigger[node->hash & (bigger.size() - 1)];
            Node* next = node->next;
            node->next = head;
            head = node;
            node = next;
        }
    }
    buckets_ = std::move(bigger);
}

void GroupTable::Clear() noexcept {
    constexpr size_t kManyBuckets = 4096;
    arena_.Reset();
    if (buckets_.size() > kManyBuckets) {
        std::vector<Node*>().swap(buckets_);
    }
    std::fill(buckets_.begin(), buckets_.end(), nullptr);
    size_ = 0;
}

}  // namespace haumea::exec
