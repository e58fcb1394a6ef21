#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/ref_counted.h"
#include "ws/prepared_frame.h"

namespace haumea::ws {

// The latest messages of an endpoint in order, shared by all its clients: each client is a position (sequence
// number) in here. A ring that grows with what is kept and gives memory back when it runs empty. It knows no
// bound itself; the hub trims it. Owned by the Hub; home loop only.
//
// Small messages may be joined: their plain wire bytes are laid one behind the other, once for all clients,
// so that many of them leave as one piece. A send of 64 pieces of 512 bytes takes twice as long as one of the
// same bytes in one. Only the latest 1 MiB is joined; older messages are in their frames, as all are.
class FrameLog {
  public:
    // Sequence numbers count from 0 and are never reused: tail() is the oldest kept, head() the next to come.
    uint64_t tail() const noexcept { return tail_; }
    uint64_t head() const noexcept { return head_; }
    uint64_t size() const noexcept { return head_ - tail_; }
    bool empty() const noexcept { return head_ == tail_; }

    enum class Join : uint8_t { kNo, kIfSmall };
    void Push(Ref<const PreparedFrame> frame, Join join = Join::kNo);
    // tail() <= seq < head()
    const Ref<const PreparedFrame>& At(uint64_t seq) const noexcept { return ring_[seq & mask_].frame; }
    // Plain wire bytes of all messages ever before `seq`; tail() <= seq <= head(). Differences are backlogs
    // in bytes.
    uint64_t BytesBefore(uint64_t seq) const noexcept {
        return seq == head_ ? total_bytes_ : ring_[seq & mask_].bytes_before;
    }
    // The last seq of from..to before which at most `position` bytes lie, counted as BytesBefore does.
    uint64_t SeqAt(uint64_t position, uint64_t from, uint64_t to) const noexcept;
    // Plain wire bytes of the messages `seq` to `end` (not included) as far as they are joined; none when the
    // first is not. `end` becomes the seq behind them.
    std::string_view Joined(uint64_t seq, uint64_t& end) const noexcept;
    // The oldest seq from which on at most `bytes` are kept.
    uint64_t FirstWithin(uint64_t bytes) const noexcept;
    // Forgets everything before `seq`.
    void TrimTo(uint64_t seq) noexcept;

  private:
    // Joined bytes of the messages first_seq to end_seq (not included).
    struct Block {
        Ref<Buffer> buffer;
        size_t used = 0;
        uint64_t first_seq = 0;
        uint64_t end_seq = 0;
        uint64_t bytes_before = 0;  // first_seq
    };
    struct Entry {
        Ref<const PreparedFrame> frame;
        uint64_t bytes_before = 0;
        const Block* block = nullptr;  // null: not joined
    };
    static constexpr size_t kBlockBytes = (32U << 10U) - Buffer::kOverhead;
    static constexpr size_t kMaxBlocks = 32;
    static constexpr size_t kMaxJoined = 4096;  // larger messages are pieces of their own
    static constexpr size_t kSmall = 64;
    static constexpr size_t kLarge = 4096;  // a ring of this size or more is given back when empty

    void Resize(size_t entries);
    const Block* JoinLast(const PreparedFrame& frame);
    void DropOldestBlock() noexcept;

    std::vector<Entry> ring_;  // a power of two
    uint64_t mask_ = 0;
    uint64_t tail_ = 0;
    uint64_t head_ = 0;
    uint64_t total_bytes_ = 0;
    std::deque<Block> blocks_;  // does not move them
};

}  // namespace haumea::ws
