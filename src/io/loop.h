#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/assert.h"
#include "io/scheduler.h"

namespace haumea::io {

// One event loop on one thread: sockets, timers, posted calls. Everything with a socket or a rule belongs to
// exactly one loop. Asio is the reactor inside, and stays behind the pimpl.
class Loop final : public Scheduler {
  public:
    explicit Loop(const Clock& clock = SystemClock::Instance());
    ~Loop() override;

    // Serves until Stop(). On the thread that becomes the loop's own.
    void Run();
    // Any thread. Run() returns after the current turn (at once when it was not called yet); what is still
    // posted stays for the next Run() and is dropped with the loop.
    void Stop();
    // On the thread inside Run(); any thread while nobody is in it.
    bool IsCurrent() const noexcept;

    const Clock& clock() const override;
    // Any thread: one wake-up for a burst (a vector under a mutex, swapped by the loop).
    void Post(Task task) override;
    TimerId RunAfter(int64_t delay_ms, Task task) override;
    void Cancel(TimerId id) override;

    // Runs `task` on the loop and waits for it. Not from the loop itself, and never from a thread that the
    // loop waits for. False when Run() has returned instead: the task did not run and will not.
    bool RunSync(const Task& task);
    // Runs `task` once when the current turn's events have been handled, before the loop sleeps: where sends
    // of a burst are joined. Home loop only.
    void OnTurnEnd(Task task);

    // The reactor, for io/*.cc only.
    struct Impl;
    Impl& impl() noexcept { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace haumea::io

// Opens every method of a class that is bound to a loop.
#define HAUMEA_ASSERT_LOOP(loop) HAUMEA_DCHECK((loop).IsCurrent())
