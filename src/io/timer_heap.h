#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "io/scheduler.h"

namespace haumea::io {

// The timers of one loop: a binary heap over reused slots, so that starting and cancelling cost O(log n) and
// allocate nothing after warm-up, however often pings and deadlines are set again. Timers of the same instant
// run in the order in which they were started. Home loop only.
class TimerHeap {
  public:
    using Task = Scheduler::Task;
    using TimerId = Scheduler::TimerId;
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    TimerId Add(int64_t due_ns, Task task);
    void Cancel(TimerId id);
    // When the first timer is due, kNever when there is none.
    int64_t next_due() const noexcept { return heap_.empty() ? kNever : heap_.front().due_ns; }
    // Takes the first timer out and returns its task. Only when next_due() is not kNever.
    Task TakeFirst();
    size_t size() const noexcept { return heap_.size(); }

  private:
    struct Slot {
        Task task;
        uint32_t generation = 1;
        uint32_t position = 0;  // in heap_ while in use
        bool in_use = false;
    };
    struct Entry {
        int64_t due_ns;
        uint64_t order;
        uint32_t slot;

        bool operator<(const Entry& other) const noexcept {
            return due_ns != other.due_ns ? due_ns < other.due_ns : order < other.order;
        }
    };

    void Place(size_t position, const Entry& entry) noexcept;
    void SiftUp(size_t position, Entry entry) noexcept;
    void SiftDown(size_t position, Entry entry) noexcept;
    Task Remove(size_t position) noexcept;

    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    std::vector<Entry> heap_;
    uint64_t order_ = 0;
};

}  // namespace haumea::io
