#include "exec/filter.h"

namespace haumea::exec {
namespace {

constexpr std::string_view kWhereError = "run Where error: ";
constexpr std::string_view kHavingError = "run Having error: ";

}  // namespace

bool Filter::OnTuple(expr::Tuple&) noexcept {
    const Verdict verdict = Judge(condition_, eval(), NullVerdict::kDrop, kWhereError, reason_);
    if (verdict == Verdict::kFail) {
        Fail(reason_);
    }
    return verdict == Verdict::kPass;
}

bool Filter::OnCollection(Collection& collection) noexcept {
    expr::EvalContext& ctx = eval();
    ctx.window = &collection.range;
    // Aggregates in WHERE range over the whole window, so that the rows stay until all are judged.
    ctx.SwitchGroup(collection.tuples);
    auto* passed = context().arena.AllocateArray<uint32_t>(collection.tuples.size());
    size_t count = 0;
    for (size_t i = 0; i < collection.tuples.size(); ++i) {
        ctx.SwitchRow(&collection.tuples[i]);
        ctx.event_time_ms = collection.tuples[i].row.timestamp_ms;
        const Verdict verdict = Judge(condition_, ctx, NullVerdict::kDrop, kWhereError, reason_);
        if (verdict == Verdict::kFail) {
            Fail(reason_);
            return false;
        }
        if (verdict == Verdict::kPass) {
            passed[count++] = static_cast<uint32_t>(i);
        }
    }
    for (size_t i = 0; i < count; ++i) {
        collection.tuples[i] = collection.tuples[passed[i]];
    }
    collection.tuples.resize(count);
    if (collection.grouped) {
        collection.groups.assign(1, {0, count});
    }
    return count > 0;
}

bool Having::OnTuple(expr::Tuple&) noexcept {
    const Verdict verdict = Judge(*context().plan.having, eval(), NullVerdict::kFail, kHavingError, reason_);
    if (verdict == Verdict::kFail) {
        Fail(reason_);
    }
    return verdict == Verdict::kPass;
}

bool Having::OnCollection(Collection& collection) noexcept {
    const expr::Node& condition = *context().plan.having;
    if (!collection.grouped) {
        eval().window = &collection.range;
        eval().SwitchGroup(collection.tuples);
        eval().SwitchRow(collection.tuples.empty() ? nullptr : &collection.tuples.front());
        eval().event_time_ms = collection.range.trigger_ms;
        const Verdict verdict = Judge(condition, eval(), NullVerdict::kFail, kHavingError, reason_);
        if (verdict == Verdict::kFail) {
            Fail(reason_);
        }
        return verdict == Verdict::kPass;
    }
    size_t kept = 0;
    for (size_t i = 0; i < collection.groups.size(); ++i) {
        collection.Enter(i, eval());
        const Verdict verdict = Judge(condition, eval(), NullVerdict::kFail, kHavingError, reason_);
        if (verdict == Verdict::kFail) {
            Fail(reason_);
            return false;
        }
        if (verdict == Verdict::kPass) {
            collection.groups[kept++] = collection.groups[i];
        }
    }
    collection.groups.resize(kept);
    return kept > 0;
}

}  // namespace haumea::exec
