#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ref_counted.h"
#include "ws/prepared_frame.h"

namespace haumea::ws {

// The latest messages of an endpoint in order, shared by all its clients: each client is a position (sequence
// number) in here. A ring that grows with what is kept and gives memory back when it runs empty. It knows no
// bound itself; the hub trims it. Owned by the Hub; home loop only.
class FrameLog {
  public:
    // Sequence numbers count from 0 and are never reused: tail() is the oldest kept, head() the next to come.
    uint64_t tail() const noexcept { return tail_; }
    uint64_t head() const noexcept { return head_; }
    uint64_t size() const noexcept { return head_ - tail_; }
    bool empty() const noexcept { return head_ == tail_; }

    void Push(Ref<const PreparedFrame> frame);
    // tail() <= seq < head()
    const Ref<const PreparedFrame>& At(uint64_t seq) const noexcept { return ring_[seq & mask_].frame; }
    // Plain wire bytes of all messages ever before `seq`; tail() <= seq <= head(). Differences are backlogs
    // in bytes.
    uint64_t BytesBefore(uint64_t seq) const noexcept {
        return seq == head_ ? total_bytes_ : ring_[seq & mask_].bytes_before;
    }
    // The oldest seq from which on at most `bytes` are kept.
    uint64_t FirstWithin(uint64_t bytes) const noexcept;
    // Forgets everything before `seq`.
    void TrimTo(uint64_t seq) noexcept;

  private:
    struct Entry {
        Ref<const PreparedFrame> frame;
        uint64_t bytes_before = 0;
    };
    static constexpr size_t kSmall = 64;
    static constexpr size_t kLarge = 4096;  // a ring of this size or more is given back when empty

    void Resize(size_t entries);

    std::vector<Entry> ring_;  // a power of two
    uint64_t mask_ = 0;
    uint64_t tail_ = 0;
    uint64_t head_ = 0;
    uint64_t total_bytes_ = 0;
};

}  // namespace haumea::ws
