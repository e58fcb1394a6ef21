#include "ws/frame_log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace haumea::ws {

void FrameLog::Push(Ref<const PreparedFrame> frame, Join join) {
    if (size() == ring_.size()) {
        Resize(ring_.empty() ? kSmall : 2 * ring_.size());
    }
    const size_t bytes = frame->wire_bytes();
    const Block* block = join == Join::kIfSmall && bytes <= kMaxJoined ? JoinLast(*frame) : nullptr;
    ring_[head_ & mask_] = {std::move(frame), total_bytes_, block};
    total_bytes_ += bytes;
    ++head_;
}

// Lays the message that becomes the head behind the one before it.
const FrameLog::Block* FrameLog::JoinLast(const PreparedFrame& frame) {
    const size_t bytes = frame.wire_bytes();
    if (blocks_.empty() || blocks_.back().end_seq != head_ ||
        blocks_.back().buffer->capacity() - blocks_.back().used < bytes) {
        if (blocks_.size() == kMaxBlocks) {
            DropOldestBlock();
        }
        blocks_.push_back({Buffer::Allocate(kBlockBytes), 0, head_, head_, total_bytes_});
    }
    Block& block = blocks_.back();
    std::array<iovec, 2> parts;
    const size_t count = frame.Gather(WireForm::Plain(), 0, parts);
    for (const iovec& part : std::span(parts).first(count)) {
        std::memcpy(block.buffer->data() + block.used, part.iov_base, part.iov_len);
        block.used += part.iov_len;
    }
    ++block.end_seq;
    return &block;
}

void FrameLog::DropOldestBlock() noexcept {
    const Block& block = blocks_.front();
    for (uint64_t seq = std::max(block.first_seq, tail_); seq < block.end_seq; ++seq) {
        ring_[seq & mask_].block = nullptr;
    }
    blocks_.pop_front();
}

std::string_view FrameLog::Joined(uint64_t seq, uint64_t& end) const noexcept {
    const Block* block = ring_[seq & mask_].block;
    if (block == nullptr) {
        end = seq;
        return {};
    }
    end = std::min(end, block->end_seq);
    const uint64_t begin = BytesBefore(seq);
    return {block->buffer->data() + (begin - block->bytes_before), BytesBefore(end) - begin};
}

uint64_t FrameLog::SeqAt(uint64_t position, uint64_t from, uint64_t to) const noexcept {
    while (from < to) {
        const uint64_t middle = to - (to - from) / 2;
        if (BytesBefore(middle) <= position) {
            from = middle;
        } else {
            to = middle - 1;
        }
    }
    return from;
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
    while (!blocks_.empty() && blocks_.front().end_seq <= tail_) {
        blocks_.pop_front();
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
