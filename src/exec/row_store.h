#pragma once

#include <cstddef>
#include <deque>
#include <map>

#include "base/arena.h"
#include "base/ref_counted.h"
#include "connect/source.h"
#include "exec/window_memory.h"
#include "expr/eval.h"

namespace haumea::exec {

// Rows that outlive their messages: the columns that the rule reads are copied into blocks of many rows, so
// that a window over small columns of large messages stays small. A block goes when its last row has gone.
// Owned by an operator; home loop only.
class RowStore {
  public:
    // One kept row. Move only; its store outlives it.
    class Row;

    // `columns`: number of slots of the layout. `firing_bytes`: what a row costs beside its store when its
    // window ends.
    RowStore(WindowMemory& memory, size_t columns, size_t firing_bytes)
        : memory_(memory), columns_(columns), firing_bytes_(firing_bytes) {}
    RowStore(const RowStore&) = delete;
    RowStore& operator=(const RowStore&) = delete;
    ~RowStore() { Clear(); }

    // Copies a row to the end. False: there is no room.
    bool Append(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept;

    // For whoever takes rows in order of their timestamps, equal ones by arrival: copies a row to its place.
    // False: there is no room. In constant time when it is not older than all that were inserted, else
    // logarithmic.
    bool InsertByTime(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept;
    // Null when there is none.
    const Row* oldest() const noexcept;
    // The oldest row, which leaves the store.
    Row TakeOldest() noexcept;

    size_t size() const noexcept { return rows_.size(); }
    bool empty() const noexcept { return rows_.empty(); }
    const Row& operator[](size_t i) const noexcept { return rows_[i]; }
    const Row& front() const noexcept { return rows_.front(); }
    void PopFront(size_t count) noexcept;

  private:
    class Block;

    Row Copy(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept;
    void Clear() noexcept;
    // The oldest row came in order, or there is none.
    bool OldestIsInOrder() const noexcept;

    WindowMemory& memory_;
    const size_t columns_;
    const size_t firing_bytes_;
    Ref<Block> block_;                              // that is being filled
    const connect::Metadata* last_meta_ = nullptr;  // only compared
    std::deque<Row> rows_;                          // in order of their coming
    std::multimap<int64_t, Row>
        early_;  // InsertByTime: those that are older than one before them, by timestamp
};

// Values of many rows. Its memory is counted from its first row to the end of its last.
class RowStore::Block final : public RefCounted<Block> {
  public:
    explicit Block(WindowMemory& memory) : memory_(memory) {}

    Arena& arena() noexcept { return arena_; }
    // What is left of the arena is not worth another row.
    bool full() const noexcept {
        return arena_.reserved_bytes() > 0 && arena_.left() < Arena::kFirstChunk / 8;
    }
    // After something was added to the arena; `more` lies outside of it.
    void Count(size_t more) noexcept {
        outside_ += more;
        memory_.Remove(counted_);
        counted_ = sizeof(Block) + arena_.reserved_bytes() + outside_;
        memory_.Add(counted_);
    }
    // No row is left.
    void Reuse() noexcept {
        arena_.Reset();
        outside_ = 0;
        Count(0);
    }

  private:
    friend class RefCounted<Block>;
    ~Block() { memory_.Remove(counted_); }

    WindowMemory& memory_;
    Arena arena_;
    size_t outside_ = 0;
    size_t counted_ = 0;
};

class RowStore::Row {
  public:
    const expr::Tuple& tuple() const { return tuple_; }
    const Ref<connect::Metadata>& meta() const { return meta_; }
    int64_t timestamp_ms() const { return tuple_.row.timestamp_ms; }

  private:
    friend class RowStore;
    expr::Tuple tuple_;
    Ref<connect::Metadata> meta_;
    Ref<Block> block_;
};

}  // namespace haumea::exec
