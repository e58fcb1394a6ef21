#pragma once

#include "exec/operator.h"
#include "exec/row_store.h"

namespace haumea::exec {

// Base of the window operators: keeps rows within its bounds and sends collections of them on.
class WindowOperator : public Operator {
  public:
    WindowOperator(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats);

  protected:
    bool OnCollection(Collection&) noexcept override { return true; }

    // False: the window is full, the row is dropped and counted.
    bool Keep(const expr::Tuple& tuple) noexcept;
    void PopFront(size_t count) noexcept;
    // Rows come in order of their timestamps.
    void PopOlderThan(int64_t timestamp_ms) noexcept;
    // Sends the first `count` kept rows on.
    void Emit(size_t count, const expr::WindowRange& range) noexcept;
    const RowStore& rows() const { return rows_; }

  private:
    RowStore rows_;
    bool full_ = false;  // and said so
    Collection collection_;
};

// TUMBLINGWINDOW and HOPPINGWINDOW: a result at the end of every interval, also without rows. In processing
// time a timer of the rule's loop fires it, in event time the watermark.
class TimeWindow final : public WindowOperator {
  public:
    TimeWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats, bool event_time);
    void Start() override;
    void Stop() override { timer_.Cancel(); }

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;
    void OnWatermark(int64_t watermark_ms) noexcept override;

  private:
    static constexpr size_t kMaxEmptyWindows = 10'000;  // in a row
    void Schedule();
    void OnTimer() noexcept;
    void SkipEmptyWindows(int64_t watermark_ms) noexcept;

    size_t Fire() noexcept;  // number of rows
    int64_t FirstEnd(int64_t now_ms) const noexcept;

    const plan::WindowSpec& spec_;
    const int64_t length_ms_;
    const int64_t hop_ms_;  // tumbling: the length
    const bool event_time_;
    io::Timer timer_;
    int64_t last_ms_ = 0;  // end of the last window, at first the start of the rule or the first row
    int64_t end_ms_ = 0;   // 0: no row yet (event time)
};

// SLIDINGWINDOW: for every row, or every one that fulfils OVER(WHEN ...), the rows of the time up to it; both
// ends belong to the window.
class SlidingWindow final : public WindowOperator {
  public:
    SlidingWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats);

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;

  private:
    const plan::WindowSpec& spec_;
    const int64_t length_ms_;
};

// COUNTWINDOW(n, m): the last n rows, whenever m more have come.
class CountWindow final : public WindowOperator {
  public:
    CountWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats);

  protected:
    bool OnTuple(expr::Tuple& tuple) noexcept override;

  private:
    const plan::WindowSpec& spec_;
    int64_t since_result_ = 0;
};

}  // namespace haumea::exec
