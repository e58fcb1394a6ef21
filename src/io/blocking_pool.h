#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "io/scheduler.h"

namespace haumea::io {

// Threads for calls that block: files, fsync. Owned by the engine. Run() from any thread; destruction
// finishes what was accepted, so that nothing that was to be written is lost.
class BlockingPool {
  public:
    explicit BlockingPool(size_t threads = 2, size_t max_waiting = 1024);
    ~BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    // Runs `work` on a thread of the pool and then posts `then` to `home`, which has to outlive the pool.
    // False when `max_waiting` calls wait already: nothing was taken, try again later.
    [[nodiscard]] bool Run(Scheduler& home, std::function<void()> work, std::function<void()> then);
    size_t waiting() const;

  private:
    struct Call {
        Scheduler* home;
        std::function<void()> work;
        std::function<void()> then;
    };
    void Serve();

    size_t max_waiting_;
    mutable std::mutex mutex_;  // protects calls_ and closing_
    std::condition_variable changed_;
    std::deque<Call> calls_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace haumea::io
