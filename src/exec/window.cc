#include "exec/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/zone.h"
#include "exec/tight.h"
#include "exec/window_time.h"

namespace haumea::exec {

namespace {

// What the operators behind the window need for each of its rows.
size_t FiringBytesPerRow(const plan::RulePlan& plan) {
    size_t bytes = sizeof(expr::Tuple);  // in the collection
    if (plan.late_filter != nullptr) {
        bytes += sizeof(uint32_t);
    }
    if (!plan.group_by.empty()) {
        bytes += 2 * sizeof(uint32_t);
    }
    if (!plan.order_by.empty()) {
        bytes += plan.order_by.size() * sizeof(Value) + 2 * sizeof(uint32_t);
    }
    return bytes;
}

}  // namespace

WindowOperator::WindowOperator(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats)
    : Operator(context, std::move(stats)),
      rows_(context.window_memory, context.plan.layout->width(), FiringBytesPerRow(context.plan)) {}

bool WindowOperator::Keep(const expr::Tuple& tuple) noexcept {
    if (rows_.Append(tuple, context().meta)) {
        return true;
    }
    stats().CountDropped();
    if (!full_) {
        full_ = true;
        Fail(
            fmt::format("the window is full: it takes more memory than {}, further rows are dropped; use a "
                        "shorter window or raise the option",
                        context().window_memory.Name()));
    }
    return false;
}

void WindowOperator::PopFront(size_t count) noexcept {
    rows_.PopFront(count);
    full_ = full_ && count == 0;
}

void WindowOperator::PopOlderThan(int64_t timestamp_ms) noexcept {
    size_t count = 0;
    while (count < rows_.size() && rows_[count].timestamp_ms() < timestamp_ms) {
        ++count;
    }
    PopFront(count);
}

void WindowOperator::Emit(size_t count, const expr::WindowRange& range) noexcept {
    ResizeTight(collection_.tuples, 0, count);
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

TimeWindow::TimeWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats, bool event_time)
    : WindowOperator(context, std::move(stats)),
      spec_(*context.plan.window),
      length_ms_(spec_.length * ToMillis(spec_.unit)),
      hop_ms_(spec_.interval * ToMillis(spec_.unit)),
      event_time_(event_time),
      timer_(context.scheduler) {}

int64_t TimeWindow::FirstEnd(int64_t now_ms) const noexcept {
    return FirstWindowEnd(spec_.unit, spec_.interval, now_ms, DefaultZone());
}

void TimeWindow::Start() {
    if (event_time_) {
        return;
    }
    last_ms_ = context().scheduler.clock().NowMs();
    end_ms_ = FirstEnd(last_ms_);
    Schedule();
}

void TimeWindow::Schedule() {
    timer_.Start(end_ms_ - context().scheduler.clock().NowMs(), [this] { OnTimer(); });
}

// Sends the window that ends at end_ms_ and lets go of the rows that no later window needs.
size_t TimeWindow::Fire() noexcept {
    const int64_t end = end_ms_;
    // A tumbling window starts where the one before ended, the first one with its first row.
    const int64_t start = spec_.type == sql::WindowType::kHopping ? end - length_ms_ : last_ms_;
    const expr::WindowRange range{.start_ms = start, .end_ms = end, .trigger_ms = end};
    last_ms_ = end;
    end_ms_ += hop_ms_;
    if (length_ms_ < hop_ms_) {
        PopOlderThan(end - length_ms_);  // hops wider than the window leave gaps
    }
    size_t count = 0;
    while (count < rows().size() && rows()[count].timestamp_ms() < end) {
        ++count;
    }
    Emit(count, range);
    PopOlderThan(end_ms_ - length_ms_);
    return count;
}

void TimeWindow::OnTimer() noexcept {
    const Turn turn(context());
    const int64_t now = context().scheduler.clock().NowMs();
    context().now_ms = now;
    Fire();
    // After a pause of the machine the windows that nobody can have filled are left out.
    if (end_ms_ <= now) {
        end_ms_ = FirstEnd(now);
    }
    Schedule();
}

bool TimeWindow::OnTuple(expr::Tuple& tuple) noexcept {
    if (Keep(tuple) && event_time_ && end_ms_ == 0) {
        last_ms_ = tuple.row.timestamp_ms;
        end_ms_ = FirstEnd(last_ms_);
    }
    return false;
}

void TimeWindow::OnWatermark(int64_t watermark_ms) noexcept {
    if (!event_time_ || end_ms_ == 0) {
        return;
    }
    size_t empty = 0;
    while (end_ms_ <= watermark_ms) {
        empty = Fire() == 0 ? empty + 1 : 0;
        if (empty == kMaxEmptyWindows) {
            SkipEmptyWindows(watermark_ms);
            empty = 0;
        }
    }
}

// One event with a wrong year must not make the rule send windows for hours. Goes on with the first window
// that has a row.
void TimeWindow::SkipEmptyWindows(int64_t watermark_ms) noexcept {
    const int64_t next =
        rows().empty() ? watermark_ms : std::min(rows().front().timestamp_ms(), watermark_ms);
    const int64_t skipped = (next - last_ms_) / hop_ms_;
    if (skipped <= 0) {
        return;
    }
    last_ms_ += skipped * hop_ms_;
    end_ms_ = last_ms_ + hop_ms_;
    stats().CountDropped(skipped);
    Fail(fmt::format("{} empty windows were left out: the event time jumped ahead; check the timestamps",
                     skipped));
}

SlidingWindow::SlidingWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats)
    : WindowOperator(context, std::move(stats)),
      spec_(*context.plan.window),
      length_ms_(spec_.length * ToMillis(spec_.unit)) {}

bool SlidingWindow::OnTuple(expr::Tuple& tuple) noexcept {
    const int64_t end = tuple.row.timestamp_ms;
    const int64_t start = end - length_ms_;
    PopOlderThan(start);
    bool fires = true;
    if (spec_.when != nullptr) {
        const Value condition = spec_.when->Run(eval());
        if (condition.is_error()) {
            Fail(condition.text());
        }
        fires = condition.type() == Type::kBool && condition.as_bool();
    }
    if (Keep(tuple) && fires) {
        Emit(rows().size(), {.start_ms = start, .end_ms = end, .trigger_ms = end});
    }
    return false;
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
