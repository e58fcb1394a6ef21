#include "io/loop.h"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "io/loop_impl.h"

namespace haumea::io {
namespace {

// Handlers of one turn, and how long they take together before no further one begins: sockets which are
// always ready must not starve timers and posted calls, and one handler may decode a full read for many
// rules.
constexpr int kHandlersPerTurn = 256;
constexpr int64_t kHandlerNsPerTurn = 1'000'000;

// Timers follow the machine's monotonic clock whatever Clock the loop was given: the reactor sleeps by it.
int64_t SteadyNs() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

Loop::Loop(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}

Loop::~Loop() {
    HAUMEA_CHECK(impl_->home.load() == std::thread::id());
    // Tasks may own objects whose destructors post and cancel: they go while everything else still stands.
    while (true) {
        std::vector<Task> dropped;
        {
            const std::lock_guard lock(impl_->mutex);
            dropped.swap(impl_->posted);
        }
        for (Task& task : std::exchange(impl_->turn_end, {})) {
            dropped.push_back(std::move(task));
        }
        while (impl_->timers.size() > 0) {
            dropped.push_back(impl_->timers.TakeFirst());
        }
        if (dropped.empty()) {
            return;
        }
    }
}

void Loop::Run() {
    impl_->home.store(std::this_thread::get_id());
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->ended = false;
    }
    while (impl_->TurnBegins()) {
        impl_->RunPosted();
        impl_->RunDueTimers();
        impl_->RunHandlers();
        impl_->RunTurnEnd();
        impl_->Sleep();
    }
    impl_->RunTurnEnd();
    impl_->home.store(std::thread::id());
    const std::lock_guard lock(impl_->mutex);
    impl_->stop_requested = false;
    impl_->ended = true;
    impl_->sync_changed.notify_all();
}

void Loop::Stop() {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop_requested = true;
    impl_->Wake();
}

bool Loop::IsCurrent() const noexcept {
    const std::thread::id home = impl_->home.load(std::memory_order_relaxed);
    // Before Run() and after it the loop belongs to whoever builds or tears it down.
    return home == std::this_thread::get_id() || home == std::thread::id();
}

const Clock& Loop::clock() const { return impl_->clock; }

void Loop::Post(Task task) {
    const std::lock_guard lock(impl_->mutex);
    impl_->posted.push_back(std::move(task));
    impl_->Wake();
}

Scheduler::TimerId Loop::RunAfter(int64_t delay_ms, Task task) {
    HAUMEA_ASSERT_LOOP(*this);
    constexpr int64_t kMaxDelayMs = int64_t{1} << 40U;  // 34 years: keeps the sum in range
    const int64_t delay = delay_ms < 0 ? 0 : std::min(delay_ms, kMaxDelayMs);
    return impl_->timers.Add(SteadyNs() + delay * 1'000'000, std::move(task));
}

void Loop::Cancel(TimerId id) {
    HAUMEA_ASSERT_LOOP(*this);
    impl_->timers.Cancel(id);
}

bool Loop::RunSync(const Task& task) {
    HAUMEA_CHECK(impl_->home.load() != std::this_thread::get_id());
    struct Call {
        bool started = false;
        bool done = false;
        bool cancelled = false;
    };
    // Shared: the posted task may outlive this frame when the loop ends before it runs.
    const auto call = std::make_shared<Call>();
    const Task* body = &task;
    Post([impl = impl_.get(), call, body] {
        {
            const std::lock_guard lock(impl->mutex);
            if (call->cancelled) {
                return;
            }
            call->started = true;
        }
        (*body)();
        const std::lock_guard lock(impl->mutex);
        call->done = true;
        impl->sync_changed.notify_all();
    });
    std::unique_lock lock(impl_->mutex);
    impl_->sync_changed.wait(lock, [&] { return call->done || (impl_->ended && !call->started); });
    call->cancelled = !call->done;
    return call->done;
}

void Loop::OnTurnEnd(Task task) {
    HAUMEA_ASSERT_LOOP(*this);
    impl_->turn_end.push_back(std::move(task));
}

// Under the mutex.
void Loop::Impl::Wake() {
    if (sleeping && !wake_sent && home.load(std::memory_order_relaxed) != std::this_thread::get_id()) {
        wake_sent = true;
        boost::asio::post(context, [] {});
    }
}

bool Loop::Impl::TurnBegins() {
    const std::lock_guard lock(mutex);
    return !stop_requested;
}

void Loop::Impl::RunPosted() {
    {
        const std::lock_guard lock(mutex);
        running.swap(posted);
    }
    // By index and moved out one by one: a task dies right after it ran.
    for (Task& entry : running) {
        const Task task = std::move(entry);
        task();
    }
    running.clear();
}

void Loop::Impl::RunDueTimers() {
    if (timers.size() == 0) {
        return;
    }
    const int64_t now = SteadyNs();
    // What a timer starts with no delay is due later than `now`, hence waits for the next turn.
    while (timers.next_due() <= now) {
        const Task task = timers.TakeFirst();
        task();
    }
}

void Loop::Impl::RunHandlers() {
    const int64_t end = SteadyNs() + kHandlerNsPerTurn;
    for (int i = 0; i < kHandlersPerTurn && context.poll_one() != 0 && SteadyNs() < end; ++i) {
    }
}

void Loop::Impl::RunTurnEnd() {
    // Tasks that a turn-end task adds belong to the next turn; Sleep() sees them.
    std::vector<Task> tasks;
    tasks.swap(turn_end);
    for (const Task& task : tasks) {
        task();
    }
    if (turn_end.empty()) {
        tasks.clear();
        turn_end.swap(tasks);  // keeps the capacity
    }
}

void Loop::Impl::Sleep() {
    {
        const std::lock_guard lock(mutex);
        if (!posted.empty() || !turn_end.empty() || stop_requested) {
            return;
        }
        sleeping = true;
        wake_sent = false;
    }
    const int64_t due = timers.next_due();
    if (due == TimerHeap::kNever) {
        context.run_one();
    } else {
        const int64_t wait = due - SteadyNs();
        context.run_one_for(std::chrono::nanoseconds(wait > 0 ? wait : 0));
    }
    const std::lock_guard lock(mutex);
    sleeping = false;
}

}  // namespace haumea::io
