#include "io/timer_heap.h"

#include <utility>

namespace haumea::io {

TimerHeap::TimerId TimerHeap::Add(int64_t due_ns, Task task) {
    if (free_.empty()) {
        free_.push_back(static_cast<uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.task = std::move(task);
    slot.in_use = true;
    const Entry entry{due_ns, ++order_, index};
    heap_.push_back(entry);
    SiftUp(heap_.size() - 1, entry);
    return (static_cast<TimerId>(slot.generation) << 32U) | index;
}

void TimerHeap::Cancel(TimerId id) {
    const auto index = static_cast<uint32_t>(id);
    if (index >= slots_.size() || !slots_[index].in_use ||
        slots_[index].generation != static_cast<uint32_t>(id >> 32U)) {
        return;  // ran already, or was cancelled
    }
    // The task dies when the heap is whole again: its destructor may start or cancel timers.
    const Task dropped = Remove(slots_[index].position);
}

TimerHeap::Task TimerHeap::TakeFirst() { return Remove(0); }

TimerHeap::Task TimerHeap::Remove(size_t position) noexcept {
    const uint32_t index = heap_[position].slot;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (position < heap_.size()) {
        if (position > 0 && last < heap_[(position - 1) / 2]) {
            SiftUp(position, last);
        } else {
            SiftDown(position, last);
        }
    }
    Slot& slot = slots_[index];
    slot.in_use = false;
    slot.generation = slot.generation == std::numeric_limits<uint32_t>::max() ? 1 : slot.generation + 1;
    free_.push_back(index);
    return std::exchange(slot.task, nullptr);
}

void TimerHeap::Place(size_t position, const Entry& entry) noexcept {
    heap_[position] = entry;
    slots_[entry.slot].position = static_cast<uint32_t>(position);
}

void TimerHeap::SiftUp(size_t position, Entry entry) noexcept {
    while (position > 0) {
        const size_t parent = (position - 1) / 2;
        if (!(entry < heap_[parent])) {
            break;
        }
        Place(position, heap_[parent]);
        position = parent;
    }
    Place(position, entry);
}

void TimerHeap::SiftDown(size_t position, Entry entry) noexcept {
    while (true) {
        size_t child = 2 * position + 1;
        if (child >= heap_.size()) {
            break;
        }
        if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) {
            ++child;
        }
        if (!(heap_[child] < entry)) {
            break;
        }
        Place(position, heap_[child]);
        position = child;
    }
    Place(position, entry);
}

}  // namespace haumea::io
