#include "exec/watermark.h"

#include <algorithm>

namespace haumea::exec {

bool Watermark::Hold(const expr::Tuple& tuple) noexcept {
    KeptTuple kept(tuple, context().plan.layout->size(), context().meta);
    if (rows_.size() >= kMaxKeptRows || bytes_ + kept.bytes() > kMaxKeptBytes) {
        stats().CountDropped();
        if (!full_) {
            full_ = true;
            Fail(
                "too many rows wait for the watermark: rows beyond 256 MiB or 4000000 rows are dropped; use "
                "a "
                "shorter lateTolerance");
        }
        return false;
    }
    bytes_ += kept.bytes();
    const auto at =
        std::upper_bound(rows_.begin(), rows_.end(), kept.timestamp_ms(),
                         [](int64_t ts, const KeptTuple& row) { return ts < row.timestamp_ms(); });
    rows_.insert(at, std::move(kept));
    return true;
}

void Watermark::Release() noexcept {
    const Ref<connect::Metadata> meta = context().meta;
    while (!rows_.empty() && rows_.front().timestamp_ms() <= watermark_ms_) {
        const KeptTuple row = std::move(rows_.front());
        rows_.pop_front();
        bytes_ -= row.bytes();
        full_ = false;
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
    if (!Hold(tuple)) {
        return false;
    }
    if (watermark > watermark_ms_) {
        watermark_ms_ = watermark;
        Release();
        next()->DeliverWatermark(watermark_ms_);
    } else if (timestamp == watermark_ms_) {
        Release();
    }
    return false;
}

}  // namespace haumea::exec
