#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "connect/source.h"
#include "exec/collection.h"
#include "exec/window_memory.h"
#include "expr/eval.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"
#include "plan/rule_plan.h"

namespace haumea::exec {

// Where results and errors of the operators go. Implemented by the pipeline.
class ResultListener {
  public:
    virtual ~ResultListener() = default;
    // `rows` live until the call returns. kNothing: an empty window, whose aggregates make a row all the
    // same.
    enum class From : bool { kNothing, kRows };
    virtual void OnResult(std::span<const Value> rows, From from) noexcept = 0;
    virtual void OnFailure(metrics::NodeStats& stats, std::string_view text) noexcept = 0;
};

// What the operators of one rule share. Owned by the pipeline; home loop only.
struct RuleContext {
    RuleContext(const plan::RulePlan& rule_plan, const plan::PlanOptions& plan_options, size_t window_bytes,
                io::Scheduler& loop, ResultListener& listener, std::string_view rule_id)
        : plan(rule_plan),
          options(plan_options),
          scheduler(loop),
          results(listener),
          window_memory(window_bytes, rule_plan.small_result),
          eval(arena, loop.clock(), rule_id) {
        eval.memos.resize(rule_plan.program.memos());
    }

    const plan::RulePlan& plan;
    const plan::PlanOptions& options;
    io::Scheduler& scheduler;
    ResultListener& results;
    WindowMemory window_memory;
    Arena arena;  // reset when everything that a message or a timer caused has been emitted
    expr::EvalContext eval;
    int64_t now_ms = 0;           // arrival of the message, or the timer's time: for statistics
    Ref<connect::Metadata> meta;  // of the message that is being processed; null in windows
    int depth = 0;                // of Turns inside each other
};

// Surrounds everything that one message or timer causes. A rule may feed itself, hence turns may nest; the
// arena is reset with the outermost.
class Turn {
  public:
    explicit Turn(RuleContext& context) noexcept : context_(context) { ++context_.depth; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (--context_.depth == 0) {
            context_.arena.Reset();
        }
    }

  private:
    RuleContext& context_;
};

// One step of a rule. Row by row before a window, collection by collection behind it. Owned by the pipeline;
// home loop only; the data path neither throws nor, once warm, allocates.
class Operator {
  public:
    Operator(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats)
        : context_(context), stats_(std::move(stats)) {}
    Operator(const Operator&) = delete;
    Operator& operator=(const Operator&) = delete;
    virtual ~Operator() = default;

    void SetNext(Operator* next) { next_ = next; }
    metrics::NodeStats& stats() { return *stats_; }

    // Runs `tuple` or `collection` through this operator and those behind it, until one keeps or drops it.
    void Deliver(expr::Tuple tuple) noexcept;
    void Deliver(Collection& collection) noexcept;
    // No row older than `watermark_ms` follows.
    void DeliverWatermark(int64_t watermark_ms) noexcept;

    virtual void Start() {}
    virtual void Stop() {}

  protected:
    // True: goes on to the next operator, changed or not. The tuple is current in eval().
    virtual bool OnTuple(expr::Tuple& tuple) noexcept = 0;
    virtual bool OnCollection(Collection& collection) noexcept = 0;
    virtual void OnWatermark(int64_t) noexcept {}

    RuleContext& context() { return context_; }
    expr::EvalContext& eval() { return context_.eval; }
    Operator* next() { return next_; }
    void Fail(std::string_view text) noexcept { context_.results.OnFailure(*stats_, text); }
    void Fail(std::string_view prefix, const Value& error) noexcept;

  private:
    template <typename Step>
    bool Measure(Step&& step) noexcept;

    RuleContext& context_;
    std::shared_ptr<metrics::NodeStats> stats_;
    Operator* next_ = nullptr;
    int64_t measured_ms_ = -1;
};

// Adds one value to the key of a group or partition: values with the same text are equal, null and missing
// too.
void AppendKeyPart(std::string& key, const Value& value);

// What a condition says about a row or a group.
enum class Verdict : uint8_t { kPass, kDrop, kFail };
// WHERE drops rows for which the condition is null; HAVING fails.
enum class NullVerdict : uint8_t { kDrop, kFail };
// Anything but a boolean fails, with `text` as the reason.
Verdict Judge(const expr::Node& condition, expr::EvalContext& eval, NullVerdict on_null,
              std::string_view prefix, std::string& text);

}  // namespace haumea::exec
