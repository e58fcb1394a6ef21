#include "exec/row_store.h"

#include <algorithm>
#include <utility>

namespace haumea::exec {

RowStore::Row RowStore::Copy(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept {
    if (!block_ || block_->full()) {
        block_ = MakeRef<Block>(memory_);
    }
    Arena& arena = block_->arena();
    Row row;
    row.tuple_ = tuple;
    row.tuple_.derived = nullptr;
    row.meta_ = meta;
    row.block_ = block_;
    auto* slots = arena.AllocateArray<Value>(columns_);
    std::transform(tuple.row.slots, tuple.row.slots + columns_, slots,
                   [&arena](const Value& value) { return CopyValue(value, arena); });
    row.tuple_.row.slots = slots;
    row.tuple_.row.rest = CopyValue(Value::Object(tuple.row.rest), arena).fields();
    row.tuple_.meta = meta ? &meta->object() : nullptr;
    // Messages of one client share their metadata.
    const bool new_meta = meta.get() != last_meta_ && meta;
    last_meta_ = meta.get();
    block_->Count(sizeof(Row) + firing_bytes_ + (new_meta ? meta->bytes() : 0));
    return row;
}

bool RowStore::Append(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept {
    if (!memory_.has_room()) {
        return false;
    }
    rows_.push_back(Copy(tuple, meta));
    return true;
}

bool RowStore::InsertByTime(const expr::Tuple& tuple, const Ref<connect::Metadata>& meta) noexcept {
    if (!memory_.has_room()) {
        return false;
    }
    const int64_t timestamp_ms = tuple.row.timestamp_ms;
    if (rows_.empty() || rows_.back().timestamp_ms() <= timestamp_ms) {
        rows_.push_back(Copy(tuple, meta));
    } else {
        early_.emplace(timestamp_ms, Copy(tuple, meta));
    }
    return true;
}

// Of equal age, those in order came first: the others met a younger one.
bool RowStore::OldestIsInOrder() const noexcept {
    return early_.empty() || (!rows_.empty() && rows_.front().timestamp_ms() <= early_.begin()->first);
}

const RowStore::Row* RowStore::oldest() const noexcept {
    if (!OldestIsInOrder()) {
        return &early_.begin()->second;
    }
    return rows_.empty() ? nullptr : &rows_.front();
}

RowStore::Row RowStore::TakeOldest() noexcept {
    if (OldestIsInOrder()) {
        Row row = std::move(rows_.front());
        rows_.pop_front();
        return row;
    }
    Row row = std::move(early_.begin()->second);
    early_.erase(early_.begin());
    return row;
}

void RowStore::PopFront(size_t count) noexcept {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(count));
    if (rows_.empty()) {
        last_meta_ = nullptr;
        if (block_ && block_->unique()) {
            block_->Reuse();
        }
    }
}

void RowStore::Clear() noexcept {
    early_.clear();
    PopFront(rows_.size());
}

}  // namespace haumea::exec
