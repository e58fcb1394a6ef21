#include "exec/window_time.h"

#include "data/zone.h"

namespace haumea::exec {
namespace {

int64_t FloorDiv(int64_t a, int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

// What the window counts within: the day for hours, the hour for minutes ...
int64_t EnclosingMillis(sql::TimeUnit unit) noexcept {
    switch (unit) {
        case sql::TimeUnit::kDay:
        case sql::TimeUnit::kHour:
            return ToMillis(sql::TimeUnit::kDay);
        case sql::TimeUnit::kMinute:
            return ToMillis(sql::TimeUnit::kHour);
        case sql::TimeUnit::kSecond:
            return ToMillis(sql::TimeUnit::kMinute);
        case sql::TimeUnit::kMillisecond:
            break;
    }
    return ToMillis(sql::TimeUnit::kSecond);
}

}  // namespace

int64_t FirstWindowEnd(sql::TimeUnit unit, int64_t length, int64_t now_ms, uint32_t zone) noexcept {
    const int64_t step = length * ToMillis(unit);
    const int64_t seconds = FloorDiv(now_ms, 1000);
    const int64_t local_ms = now_ms + int64_t{OffsetAt(zone, seconds).seconds} * 1000;
    const int64_t enclosing = EnclosingMillis(unit);
    const int64_t begin = FloorDiv(local_ms, enclosing) * enclosing;
    // Days start at midnight and are not counted within a larger unit.
    const int64_t steps = unit == sql::TimeUnit::kDay ? 1 : (local_ms - begin) / step + 1;
    const int64_t local_end = begin + steps * step;
    const int64_t end_seconds = FloorDiv(local_end, 1000);
    const int64_t end_ms = LocalToEpoch(zone, end_seconds) * 1000 + (local_end - end_seconds * 1000);
    return end_ms > now_ms ? end_ms : now_ms + step;
}

}  // namespace haumea::exec
