#include "ws/frame_log.h"

#include <utility>

namespace haumea::ws {

void FrameLog::Push(Ref<const PreparedFrame> frame) {
    if (size() == ring_.size()) {
        Resize(ring_.empty() ? kSmall : 2 * ring_.size());
    }
    const size_t bytes = frame->wire_bytes();
    ring_[head_ & mask_] = {std::move(frame), total_bytes_};
    total_bytes_ += bytes;
    ++head_;
}

uint64_t FrameLog::FirstWithin(uint64_t bytes) const noexcept {
    uint64_t low = tail_;
    uint64_t high = head_;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (total_bytes_ - BytesBefore(middle) <= bytes) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void FrameLog::TrimTo(uint64_t seq) noexcept {
    for (; tail_ < seq && tail_ < head_; ++tail_) {
        ring_[tail_ & mask_].frame.Reset();
    }
    if (empty() && ring_.size() >= kLarge) {
        std::vector<Entry>().swap(ring_);
        mask_ = 0;
    }
}

void FrameLog::Resize(size_t entries) {
    std::vector<Entry> larger(entries);
    for (uint64_t seq = tail_; seq < head_; ++seq) {
        larger[seq & (entries - 1)] = std::move(ring_[seq & mask_]);
    }
    ring_.swap(larger);
    mask_ = entries - 1;
}

}  // namespace haumea::ws
