#include "exec/analytic.h"

#include <fmt/format.h>

#include <algorithm>

namespace haumea::exec {

namespace {

// A node of the hash table, the pointers to it and a small state, about.
constexpr size_t kEntryBytes = 160;

}  // namespace

Analytic::Analytic(RuleContext& context, std::shared_ptr<metrics::NodeStats> stats)
    : Operator(context, std::move(stats)), partitions_(context.plan.analytic.size()) {}

Analytic::~Analytic() {
    for (const Partitions& partitions : partitions_) {
        for (const auto& [key, partition] : partitions) {
            context().window_memory.Remove(partition.bytes);
        }
    }
}

bool Analytic::OnTuple(expr::Tuple& tuple) noexcept {
    const RowLayout& layout = *context().plan.layout;
    auto* slots = context().arena.AllocateArray<Value>(layout.width());
    std::copy_n(tuple.row.slots, layout.size(), slots);
    std::fill(slots + layout.size(), slots + layout.width(), Value::Missing());
    tuple.row.slots = slots;
    for (size_t i = 0; i < partitions_.size(); ++i) {
        if (!RunCall(i, slots[layout.size() + i])) {
            return false;
        }
    }
    return true;
}

bool Analytic::RunCall(size_t index, Value& result) noexcept {
    const plan::AnalyticCall& call = context().plan.analytic[index];
    bool counts = true;
    if (call.when != nullptr) {
        const Value value = call.when->Run(eval());
        counts = value.type() != Type::kBool ||
                 value.as_bool();  // as eKuiper: all else counts as true, errors too
    }
    args_.clear();
    for (const expr::Node* arg : call.args) {
        args_.push_back(arg->Run(eval()));
        if (args_.back().is_error()) {
            Fail(args_.back().text());
            return false;
        }
    }
    if (!ReadKey(call)) {
        return false;
    }
    Partition* partition = Find(index);
    if (partition == nullptr) {
        stats().CountDropped();
        Fail(fmt::format(
            "{}what it remembers takes more memory than {}: the row is dropped; partition by fewer distinct "
            "values or raise the option",
            call.error_prefix, context().window_memory.Name()));
        return false;
    }
    expr::FunctionContext function_context{.arena = context().arena,
                                           .clock = eval().clock,
                                           .rule_id = eval().rule_id,
                                           .event_time_ms = eval().event_time_ms};
    result = partition->state->Next(args_, counts, function_context);
    Count(*partition);
    if (context().window_memory.result_limit() == 0) {
        // Partitions that are there may grow into what is kept free of new ones, not beyond.
        context().window_memory.Remove(partition->bytes);
        partitions_[index].erase(partitions_[index].find(key_));
        stats().CountDropped();
        Fail(fmt::format(
            "{}what it remembers takes more memory than {}: the row is dropped and its partition begins anew",
            call.error_prefix, context().window_memory.Name()));
        return false;
    }
    if (result.is_error()) {
        Fail(call.error_prefix, result);
        return false;
    }
    return true;
}

// Values with the same text share a partition, null and missing too.
bool Analytic::ReadKey(const plan::AnalyticCall& call) noexcept {
    key_.clear();
    for (const expr::Node* node : call.partition) {
        const Value value = node->Run(eval());
        if (value.is_error()) {
            Fail(value.text());
            return false;
        }
        AppendKeyPart(key_, value);
    }
    return true;
}

Analytic::Partition* Analytic::Find(size_t index) noexcept {
    Partitions& partitions = partitions_[index];
    if (const auto found = partitions.find(key_); found != partitions.end()) {
        return &found->second;
    }
    if (!context().window_memory.has_room()) {
        return nullptr;
    }
    Partition& partition = partitions[key_];
    partition.state = context().plan.analytic[index].function->analytic();
    partition.bytes = kEntryBytes + key_.size();
    context().window_memory.Add(partition.bytes);
    return &partition;
}

void Analytic::Count(Partition& partition) noexcept {
    context().window_memory.Remove(partition.bytes);
    partition.bytes = kEntryBytes + key_.size() + partition.state->bytes();
    context().window_memory.Add(partition.bytes);
}

}  // namespace haumea::exec
