#include "exec/watermark.h"

#include <fmt/format.h>

namespace haumea::exec {

bool Watermark::Hold(const expr::Tuple& tuple) noexcept {
    if (rows_.InsertByTime(tuple, context().meta)) {
        full_ = false;
        return true;
    }
    return false;
}

void Watermark::Advance(int64_t watermark_ms) noexcept {
    if (watermark_ms > watermark_ms_) {
        watermark_ms_ = watermark_ms;
        Release();
        next()->DeliverWatermark(watermark_ms_);
    }
}

void Watermark::Release() noexcept {
    const Ref<connect::Metadata> meta = context().meta;
    while (const RowStore::Row* const oldest = rows_.oldest()) {
        if (oldest->timestamp_ms() > watermark_ms_) {
            break;
        }
        const RowStore::Row row = rows_.TakeOldest();
        context().meta = row.meta();
        stats().CountOut();
        next()->Deliver(row.tuple());
    }
    context().meta = meta;
}

bool Watermark::OnTuple(expr::Tuple& tuple) noexcept {
    const int64_t timestamp = tuple.row.timestamp_ms;
    if (timestamp < watermark_ms_) {
        stats().CountDropped();
        return false;
    }
    int64_t watermark = 0;
    if (__builtin_sub_overflow(timestamp, late_tolerance_ms_, &watermark)) {
        stats().CountDropped();
        return false;
    }
    const bool held = Hold(tuple);
    Advance(watermark);
    // Time moves on also with a row for which there was no room, and windows that end make room.
    if (!held && !Hold(tuple)) {
        stats().CountDropped();
        if (!full_) {
            full_ = true;
            Fail(fmt::format(
                "rows that wait for the watermark or the end of their window take more memory than {}, "
                "further rows are dropped; use a shorter lateTolerance or window, or raise the option",
                context().window_memory.Name()));
        }
    } else if (timestamp == watermark_ms_) {
        Release();
    }
    return false;
}

}  // namespace haumea::exec
