#pragma once

// Inside of io::Loop, for io/*.cc only: the one header that shows Asio.

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "io/loop.h"
#include "io/timer_heap.h"

namespace haumea::io {

struct Loop::Impl {
    explicit Impl(const Clock& the_clock) : clock(the_clock) {}

    const Clock& clock;
    boost::asio::io_context context{1};
    // Without it a context that has nothing to wait for at some moment would stop for good.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::atomic<std::thread::id> home{};  // the thread inside Run(), none outside of it

    // Home loop.
    TimerHeap timers;
    std::vector<Task> turn_end;
    std::vector<Task> running;  // what a turn swapped out, kept for its capacity

    std::mutex mutex;  // protects the members below
    std::condition_variable sync_changed;
    std::vector<Task> posted;
    bool stop_requested = false;
    bool ended = false;      // Run() has returned, and was not called again
    bool sleeping = false;   // a Post() has to wake the reactor
    bool wake_sent = false;  // and one has

    void Wake();
    bool TurnBegins();
    void RunPosted();
    void RunDueTimers();
    void RunHandlers();
    void RunTurnEnd();
    void Sleep();
};

}  // namespace haumea::io
