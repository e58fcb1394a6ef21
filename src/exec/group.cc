#include "exec/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "data/go_format.h"
#include "exec/tight.h"
#include "expr/operators.h"

namespace haumea::exec {

// Writes the key of the current row to key_.
bool GroupBy::ReadKey() noexcept {
    key_.clear();
    for (const expr::Node* dimension : context().plan.group_by) {
        const Value value = dimension->Run(eval());
        if (value.is_error()) {
            Fail("run Group By error: ", value);
            return false;
        }
        AppendKeyPart(key_, value);
    }
    return true;
}

void GroupBy::ReportDropped(size_t rows) noexcept {
    stats().CountDropped(static_cast<int64_t>(rows));
    Fail(fmt::format(
        "the window has too many groups: with them it takes more memory than {}, {} rows of further "
        "groups are dropped; group by fewer distinct values or raise the option",
        context().window_memory.Name(), rows));
}

// Fills group_of_ and the sizes of the groups. Rows of groups for which there is no room leave the
// collection.
bool GroupBy::AssignGroups(Collection& collection) noexcept {
    expr::EvalContext& ctx = eval();
    ctx.window = &collection.range;
    ctx.SwitchGroup(collection.tuples);
    std::vector<expr::Tuple>& tuples = collection.tuples;
    ResizeTight(group_of_, 0, tuples.size());
    std::vector<Collection::Group>& groups = collection.groups;
    groups.clear();
    const size_t limit = context().window_memory.result_limit();
    const size_t arena_before = context().arena.reserved_bytes();
    size_t kept = 0;
    for (const expr::Tuple& tuple : tuples) {
        ctx.SwitchRow(&tuple);
        ctx.event_time_ms = tuple.row.timestamp_ms;
        if (!ReadKey()) {
            return false;
        }
        const size_t beside =
            groups.capacity() * sizeof(Collection::Group) + context().arena.reserved_bytes() - arena_before;
        const uint32_t group = table_.Number(key_, limit - std::min(limit, beside));
        if (group == GroupTable::kFull) {
            continue;
        }
        if (group == groups.size()) {
            groups.emplace_back();
        }
        group_of_.push_back(group);
        ++groups[group].size;
        tuples[kept++] = tuple;
    }
    if (kept < tuples.size()) {
        ReportDropped(tuples.size() - kept);
        tuples.resize(kept);
    }
    return kept > 0;
}

bool GroupBy::OnCollection(Collection& collection) noexcept {
    if (collection.tuples.empty()) {
        return false;
    }
    const bool assigned = AssignGroups(collection);
    table_.Clear();
    if (!assigned) {
        return false;
    }
    size_t begin = 0;
    for (Collection::Group& group : collection.groups) {
        group.begin = begin;
        begin += group.size;
        group.size = 0;
    }
    ResizeTight(order_, collection.tuples.size(), collection.tuples.size());
    for (uint32_t i = 0; i < collection.tuples.size(); ++i) {
        Collection::Group& group = collection.groups[group_of_[i]];
        order_[group.begin + group.size++] = i;
    }
    Permute(collection.tuples, order_);
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
    ResizeTight(keys_, 0, collection.size() * context().plan.order_by.size());
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
    ResizeTight(order_, collection.size(), collection.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::stable_sort(order_.begin(), order_.end(),
                     [this](uint32_t a, uint32_t b) { return CompareResults(a, b) < 0; });
    if (!mismatch_.empty()) {
        Fail(mismatch_);
        return false;
    }
    if (collection.grouped) {
        Permute(collection.groups, order_);
    } else {
        Permute(collection.tuples, order_);
    }
    return true;
}

}  // namespace haumea::exec
