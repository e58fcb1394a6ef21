#pragma once

#include <cstddef>
#include <vector>

#include "expr/eval.h"

namespace haumea::exec {

// The rows of one window on their way through the operators behind it. Reused from window to window by the
// window operator; its rows live until the call chain returns. Home loop only.
struct Collection {
    struct Group {
        size_t begin = 0;
        size_t size = 0;
    };
    std::vector<expr::Tuple> tuples;
    // Stretches of `tuples`; results come one per group when `grouped`, else one per tuple.
    std::vector<Group> groups;
    bool grouped = false;
    expr::WindowRange range;

    size_t size() const { return grouped ? groups.size() : tuples.size(); }

    // Makes the i-th result current: its columns, and what aggregates range over.
    void Enter(size_t i, expr::EvalContext& eval) const noexcept {
        eval.window = &range;
        if (grouped) {
            const Group& group = groups[i];
            eval.SwitchGroup({tuples.data() + group.begin, group.size});
            eval.SwitchRow(group.size == 0 ? nullptr : &tuples[group.begin]);
            eval.event_time_ms = range.trigger_ms;
            return;
        }
        if (i == 0) {
            eval.SwitchGroup(tuples);
        }
        eval.SwitchRow(&tuples[i]);
        eval.event_time_ms = tuples[i].row.timestamp_ms;
    }
};

}  // namespace haumea::exec
