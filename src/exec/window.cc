#include "exec/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/zone.h"
#include "exec/window_time.h"

namespace haumea::exec {

bool WindowOperator::Keep(const expr::Tuple& tuple) noexcept {
    KeptTuple kept(tuple, context().plan.layout->size(), context().meta);
    if (rows_.size() >= kMaxKeptRows || bytes_ + kept.bytes() > kMaxKeptBytes) {
        stats().CountDropped();
        if (!full_) {
            full_ = true;
            Fail("the window is full: rows beyond 256 MiB or 4000000 rows are dropped; use a shorter window");
        }
        return false;
    }
    bytes_ += kept.bytes();
    rows_.push_back(std::move(kept));
    return true;
}

void WindowOperator::PopFront(size_t count) noexcept {
    for (size_t i = 0; i < count; ++i) {
        bytes_ -= rows_.front().bytes();
        rows_.pop_front();
    }
    full_ = full_ && count == 0;
}

void WindowOperator::Emit(size_t count, const expr::WindowRange& range) noexcept {
    collection_.tuples.clear();
    for (size_t i = 0; i < count; ++i) {
        collection_.tuples.push_back(rows_[i].tuple());
    }
    const plan::RulePlan& plan = context().plan;
    collection_.grouped = plan.aggregate && plan.group_by.empty();
    collection_.groups.clear();
    if (collection_.grouped) {
        collection_.groups.push_back({0, count});
    }
    collection_.range = range;
    stats().CountOut();
    context().meta.Reset();
    next()->Deliver(collection_);
    context().eval.window = nullptr;
}

TumblingWindow::TumblingWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats,
                               bool event_time)
    : WindowOperator(context, std::move(stats)),
      spec_(*context.plan.window),
      length_ms_(spec_.length * ToMillis(spec_.unit)),
      event_time_(event_time),
      timer_(context.scheduler) {}

void TumblingWindow::Start() {
    if (event_time_) {
        return;
    }
    start_ms_ = context().scheduler.clock().NowMs();
    end_ms_ = FirstWindowEnd(spec_.unit, spec_.length, start_ms_, DefaultZone());
    Schedule();
}

void TumblingWindow::Schedule() {
    timer_.Start(end_ms_ - context().scheduler.clock().NowMs(), [this] { OnTimer(); });
}

void TumblingWindow::OnTimer() noexcept {
    const int64_t now = context().scheduler.clock().NowMs();
    const int64_t end = end_ms_;
    const int64_t start = start_ms_;
    start_ms_ = end;
    end_ms_ += length_ms_;
    // After a pause of the machine the windows that nobody can have filled are left out.
    if (end_ms_ <= now) {
        end_ms_ = FirstWindowEnd(spec_.unit, spec_.length, now, DefaultZone());
    }
    Schedule();
    const Turn turn(context());
    const size_t count = rows().size();
    context().now_ms = now;
    Emit(count, {.start_ms = start, .end_ms = end, .trigger_ms = end});
    PopFront(count);
}

bool TumblingWindow::OnTuple(expr::Tuple& tuple) noexcept {
    if (Keep(tuple) && event_time_ && end_ms_ == 0) {
        start_ms_ = tuple.row.timestamp_ms;
        end_ms_ = FirstWindowEnd(spec_.unit, spec_.length, start_ms_, DefaultZone());
    }
    return false;
}

void TumblingWindow::OnWatermark(int64_t watermark_ms) noexcept {
    if (!event_time_ || end_ms_ == 0) {
        return;
    }
    size_t empty = 0;
    while (end_ms_ <= watermark_ms) {
        size_t count = 0;
        while (count < rows().size() && rows()[count].timestamp_ms() < end_ms_) {
            ++count;
        }
        Emit(count, {.start_ms = start_ms_, .end_ms = end_ms_, .trigger_ms = end_ms_});
        PopFront(count);
        start_ms_ = end_ms_;
        end_ms_ += length_ms_;
        empty = count == 0 ? empty + 1 : 0;
        if (empty == kMaxEmptyWindows && end_ms_ <= watermark_ms) {
            SkipEmptyWindows(watermark_ms);
        }
    }
}

// One event with a wrong year must not make the rule send windows for hours.
void TumblingWindow::SkipEmptyWindows(int64_t watermark_ms) noexcept {
    const int64_t next =
        rows().empty() ? watermark_ms : std::min(rows().front().timestamp_ms(), watermark_ms);
    const int64_t skipped = (next - start_ms_) / length_ms_;
    if (skipped <= 0) {
        return;
    }
    start_ms_ += skipped * length_ms_;
    end_ms_ = start_ms_ + length_ms_;
    stats().CountDropped(skipped);
    Fail(fmt::format("{} empty windows were left out: the event time jumped ahead; check the timestamps",
                     skipped));
}

CountWindow::CountWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats)
    : WindowOperator(context, std::move(stats)), spec_(*context.plan.window) {}

bool CountWindow::OnTuple(expr::Tuple& tuple) noexcept {
    const auto length = static_cast<size_t>(spec_.length);
    if (!Keep(tuple)) {
        return false;
    }
    if (rows().size() > length) {
        PopFront(rows().size() - length);
    }
    if (++since_result_ < spec_.interval) {
        return false;
    }
    since_result_ = 0;
    if (rows().size() < length) {
        return false;
    }
    const int64_t now = context().scheduler.clock().NowMs();
    Emit(length, {.start_ms = now, .end_ms = now, .trigger_ms = now});
    if (spec_.interval >= spec_.length) {
        PopFront(length);
    }
    return false;
}

}  // namespace haumea::exec
