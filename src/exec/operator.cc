#include "exec/operator.h"

#include "data/go_format.h"

namespace haumea::exec {

// Clocks are read once per millisecond and node: at full load they would cost more than the work.
template <typename Step>
bool Operator::Measure(Step&& step) noexcept {
    stats_->CountIn();
    bool go_on = false;
    if (measured_ms_ == context_.now_ms) {
        go_on = step();
    } else {
        measured_ms_ = context_.now_ms;
        stats_->SetInvoked(context_.now_ms);
        const Clock& clock = context_.scheduler.clock();
        const int64_t begin = clock.MonotonicNs();
        go_on = step();
        stats_->process_latency_us.store((clock.MonotonicNs() - begin) / 1000, std::memory_order_relaxed);
    }
    stats_->CountProcessed();
    if (go_on) {
        stats_->CountOut();
    }
    return go_on;
}

void Operator::Deliver(expr::Tuple tuple) noexcept {
    // Once for all operators, so that an alias is computed once per row.
    eval().window = nullptr;
    eval().SwitchGroup({&tuple, 1});
    eval().SwitchRow(&tuple);
    eval().event_time_ms = tuple.row.timestamp_ms;
    for (Operator* op = this; op != nullptr; op = op->next_) {
        if (!op->Measure([&] { return op->OnTuple(tuple); })) {
            return;
        }
    }
}

void Operator::Deliver(Collection& collection) noexcept {
    for (Operator* op = this; op != nullptr; op = op->next_) {
        if (!op->Measure([&] { return op->OnCollection(collection); })) {
            return;
        }
    }
}

void Operator::DeliverWatermark(int64_t watermark_ms) noexcept {
    for (Operator* op = this; op != nullptr; op = op->next_) {
        op->OnWatermark(watermark_ms);
    }
}

void Operator::Fail(std::string_view prefix, const Value& error) noexcept {
    std::string text(prefix);
    text += error.text();
    Fail(text);
}

void AppendKeyPart(std::string& key, const Value& value) {
    const size_t begin = key.size();
    AppendGoText(key, value);
    // The length keeps ("1,", "2") and ("1", ",2") apart, whatever the texts contain.
    const size_t length = key.size() - begin;
    key.append(reinterpret_cast<const char*>(&length), sizeof(length));
}

Verdict Judge(const expr::Node& condition, expr::EvalContext& eval, NullVerdict on_null,
              std::string_view prefix, std::string& text) {
    const Value value = condition.Run(eval);
    if (value.type() == Type::kBool) [[likely]] {
        return value.as_bool() ? Verdict::kPass : Verdict::kDrop;
    }
    if (value.is_null() && on_null == NullVerdict::kDrop) {
        return Verdict::kDrop;
    }
    text = prefix;
    if (value.is_error()) {
        text += value.text();
    } else {
        text += "invalid condition that returns non-bool value " + GoTyped(value);
    }
    return Verdict::kFail;
}

}  // namespace haumea::exec
