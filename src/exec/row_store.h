#pragma once

#include <cstddef>
#include <deque>

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
    // Copies a row behind those that are not younger.
    bool InsertByTime(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept;

    size_t size() const noexcept { return rows_.size(); }
    bool empty() const noexcept { return rows_.empty(); }
    const Row& operator[](size_t i) const noexcept { return rows_[i]; }
    const Row& front() const noexcept { return rows_.front(); }
    void PopFront(size_t count) noexcept;
    // The oldest row, which leaves the store.
    Row TakeFront() noexcept;

  private:
    class Block;

    Row Copy(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept;
    void Clear() noexcept { PopFront(rows_.size()); }

    WindowMemory& memory_;
    const size_t columns_;
    const size_t firing_bytes_;
    Ref<Block> block_;                              // that is being filled
    const connect::Metadata* last_meta_ = nullptr;  // only compared
    std::deque<Row> rows_;
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
