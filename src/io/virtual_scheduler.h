#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "io/scheduler.h"

namespace haumea::io {

// A scheduler whose time moves only when told: unit tests, the .test runner, benchmarks. One thread.
class VirtualScheduler final : public Scheduler {
  public:
    explicit VirtualScheduler(int64_t now_ms = 0) : clock_(now_ms) {}

    const Clock& clock() const override { return clock_; }
    void Post(Task task) override { posted_.push_back(std::move(task)); }
    TimerId RunAfter(int64_t delay_ms, Task task) override {
        const TimerId id = ++last_id_;
        timers_.emplace(std::pair(clock_.NowMs() + (delay_ms < 0 ? 0 : delay_ms), id), std::move(task));
        return id;
    }
    void Cancel(TimerId id) override {
        std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
    }

    // Runs everything posted, and what that posts.
    void RunPosted() {
        while (!posted_.empty()) {
            Task task = std::move(posted_.front());
            posted_.pop_front();
            task();
        }
    }
    // Moves to `now_ms`, running what is due on the way, each at its own time.
    void AdvanceTo(int64_t now_ms) {
        RunPosted();
        while (!timers_.empty() && timers_.begin()->first.first <= now_ms) {
            auto node = timers_.extract(timers_.begin());
            clock_.AdvanceTo(node.key().first);
            node.mapped()();
            RunPosted();
        }
        clock_.AdvanceTo(now_ms);
    }
    size_t timers() const { return timers_.size(); }

  private:
    VirtualClock clock_;
    TimerId last_id_ = 0;
    std::deque<Task> posted_;
    std::map<std::pair<int64_t, TimerId>, Task> timers_;
};

}  // namespace haumea::io
