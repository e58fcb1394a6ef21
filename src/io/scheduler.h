#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/clock.h"

namespace haumea::io {

// Timers and deferred calls of one loop: what a rule, a window or a reconnect needs of time, without sockets.
// The real one is io::Loop; tests use VirtualScheduler (io/virtual_scheduler.h). All methods on the home loop
// unless said otherwise.
class Scheduler {
  public:
    using Task = std::function<void()>;
    using TimerId = uint64_t;  // never 0

    virtual ~Scheduler() = default;
    virtual const Clock& clock() const = 0;
    // Runs `task` on the loop, after what is running now. Any thread.
    virtual void Post(Task task) = 0;
    // Runs `task` once, not before `delay_ms` have passed (0 and less: in the next turn).
    virtual TimerId RunAfter(int64_t delay_ms, Task task) = 0;
    // The task will not run; does nothing when it ran already.
    virtual void Cancel(TimerId id) = 0;
};

// One timer of its owner: set again replaces, destruction cancels. Home loop only.
class Timer {
  public:
    explicit Timer(Scheduler& scheduler) : scheduler_(&scheduler) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { Cancel(); }

    void Start(int64_t delay_ms, Scheduler::Task task) {
        Cancel();
        id_ = scheduler_->RunAfter(delay_ms, [this, task = std::move(task)] {
            id_ = 0;
            task();
        });
    }
    void Cancel() {
        if (id_ != 0) {
            scheduler_->Cancel(std::exchange(id_, 0));
        }
    }
    bool pending() const { return id_ != 0; }

  private:
    Scheduler* scheduler_;
    Scheduler::TimerId id_ = 0;
};

}  // namespace haumea::io
