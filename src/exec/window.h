#pragma once

#include <deque>

#include "exec/operator.h"
#include "exec/row_store.h"

namespace haumea::exec {

// Base of the window operators: keeps rows within its bounds and sends collections of them on.
class WindowOperator : public Operator {
  public:
    using Operator::Operator;

  protected:
    bool OnCollection(Collection&) noexcept override { return true; }

    // False: the window is full, the row is dropped and counted.
    bool Keep(const expr::Tuple& tuple) noexcept;
    void PopFront(size_t count) noexcept;
    // Sends the first `count` kept rows on.
    void Emit(size_t count, const expr::WindowRange& range) noexcept;
    std::deque<KeptTuple>& rows() { return rows_; }

  private:
    std::deque<KeptTuple> rows_;
    size_t bytes_ = 0;
    bool full_ = false;
    Collection collection_;
};

// TUMBLINGWINDOW: a result at the end of every interval, also without rows. In processing time a timer of the
// rule's loop fires it, in event time the watermark.
class TumblingWindow final : public WindowOperator {
  public:
    TumblingWindow(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats, bool event_time);
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

    const plan::WindowSpec& spec_;
    const int64_t length_ms_;
    const bool event_time_;
    io::Timer timer_;
    int64_t start_ms_ = 0;
    int64_t end_ms_ = 0;  // 0: no row yet (event time)
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
