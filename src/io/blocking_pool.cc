#include "io/blocking_pool.h"

#include <utility>

namespace haumea::io {

BlockingPool::BlockingPool(size_t threads, size_t max_waiting) : max_waiting_(max_waiting) {
    for (size_t i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { Serve(); });
    }
}

BlockingPool::~BlockingPool() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

bool BlockingPool::Run(Scheduler& home, std::function<void()> work, std::function<void()> then) {
    {
        const std::lock_guard lock(mutex_);
        if (calls_.size() >= max_waiting_) {
            return false;
        }
        calls_.push_back({&home, std::move(work), std::move(then)});
    }
    changed_.notify_one();
    return true;
}

size_t BlockingPool::waiting() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
}

void BlockingPool::Serve() {
    while (true) {
        Call call;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return closing_ || !calls_.empty(); });
            if (calls_.empty()) {
                return;
            }
            call = std::move(calls_.front());
            calls_.pop_front();
        }
        call.work();
        call.home->Post(std::move(call.then));
    }
}

}  // namespace haumea::io
