#include "exec/group.h"

#include <algorithm>
#include <numeric>

#include "data/go_format.h"
#include "expr/operators.h"

namespace haumea::exec {

bool GroupBy::AssignGroups(Collection& collection) noexcept {
    collection.groups.clear();
    groups_.clear();
    group_of_.resize(collection.tuples.size());
    expr::EvalContext& ctx = eval();
    ctx.window = &collection.range;
    ctx.SwitchGroup(collection.tuples);
    for (size_t i = 0; i < collection.tuples.size(); ++i) {
        ctx.SwitchRow(&collection.tuples[i]);
        ctx.event_time_ms = collection.tuples[i].row.timestamp_ms;
        key_.clear();
        for (const expr::Node* dimension : context().plan.group_by) {
            const Value value = dimension->Run(ctx);
            if (value.is_error()) {
                Fail("run Group By error: ", value);
                return false;
            }
            const size_t begin = key_.size();
            AppendGoText(key_, value);
            // The length keeps ("1,", "2") and ("1", ",2") apart, whatever the texts contain.
            const size_t length = key_.size() - begin;
            key_.append(reinterpret_cast<const char*>(&length), sizeof(length));
        }
        const auto [group, added] =
            groups_.try_emplace(key_, static_cast<uint32_t>(collection.groups.size()));
        if (added) {
            collection.groups.emplace_back();
        }
        group_of_[i] = group->second;
        ++collection.groups[group->second].size;
    }
    return true;
}

bool GroupBy::OnCollection(Collection& collection) noexcept {
    if (collection.tuples.empty() || !AssignGroups(collection)) {
        return false;
    }
    size_t begin = 0;
    for (Collection::Group& group : collection.groups) {
        group.begin = begin;
        begin += group.size;
        group.size = 0;
    }
    ordered_.resize(collection.tuples.size());
    for (size_t i = 0; i < collection.tuples.size(); ++i) {
        Collection::Group& group = collection.groups[group_of_[i]];
        ordered_[group.begin + group.size++] = collection.tuples[i];
    }
    collection.tuples.swap(ordered_);
    collection.grouped = true;
    return true;
}

const Value* RowNumber::Numbers(int64_t number) noexcept {
    const uint32_t count = context().plan.derived;
    auto* values = context().arena.AllocateArray<Value>(count);
    std::fill_n(values, count, Value::Int(number));
    return values;
}

bool RowNumber::OnTuple(expr::Tuple& tuple) noexcept {
    tuple.derived = Numbers(1);
    return true;
}

bool RowNumber::OnCollection(Collection& collection) noexcept {
    for (size_t i = 0; i < collection.size(); ++i) {
        const size_t at = collection.grouped ? collection.groups[i].begin : i;
        if (at < collection.tuples.size()) {
            collection.tuples[at].derived = Numbers(static_cast<int64_t>(i) + 1);
        }
    }
    return true;
}

bool OrderBy::ComputeKeys(const Collection& collection) noexcept {
    keys_.clear();
    for (size_t i = 0; i < collection.size(); ++i) {
        collection.Enter(i, eval());
        for (const plan::SortKey& key : context().plan.order_by) {
            const Value value = key.node->Run(eval());
            if (value.is_error()) {
                Fail("run Order By error: ", value);
                return false;
            }
            keys_.push_back(value);
        }
    }
    return true;
}

int OrderBy::CompareResults(uint32_t i, uint32_t k) noexcept {
    const std::vector<plan::SortKey>& sort = context().plan.order_by;
    for (size_t key = 0; key < sort.size(); ++key) {
        const Value& a = keys_[i * sort.size() + key];
        const Value& b = keys_[k * sort.size() + key];
        if (a.is_null() || b.is_null()) {
            // Rows without a key keep their order, whatever the further keys are.
            return a.is_null() == b.is_null() ? 0 : (a.is_null() ? 1 : -1);
        }
        if (a.type() == Type::kBool && b.type() == Type::kBool) {
            continue;  // booleans have no order
        }
        const expr::Order order = expr::Compare(a, b);
        if (!order.comparable) {
            if (mismatch_.empty()) {
                mismatch_ = "run Order By error: incompatible types for comparison: ";
                mismatch_ += GoTypeName(a.type());
                mismatch_ += " and ";
                mismatch_ += GoTypeName(b.type());
            }
            continue;
        }
        if (order.sign != 0) {
            return sort[key].ascending ? order.sign : -order.sign;
        }
    }
    return 0;
}

bool OrderBy::OnCollection(Collection& collection) noexcept {
    if (collection.size() < 2) {
        return true;
    }
    if (!ComputeKeys(collection)) {
        return false;
    }
    mismatch_.clear();
    order_.resize(collection.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(),
                     [this](uint32_t a, uint32_t b) { return CompareResults(a, b) < 0; });
    if (!mismatch_.empty()) {
        Fail(mismatch_);
        return false;
    }
    if (collection.grouped) {
        groups_.assign(collection.groups.begin(), collection.groups.end());
        for (size_t i = 0; i < order_.size(); ++i) {
            collection.groups[i] = groups_[order_[i]];
        }
        return true;
    }
    tuples_.assign(collection.tuples.begin(), collection.tuples.end());
    for (size_t i = 0; i < order_.size(); ++i) {
        collection.tuples[i] = tuples_[order_[i]];
    }
    return true;
}

}  // namespace haumea::exec
