#pragma once

#include <functional>
#include <thread>

namespace haumea::io {

// Turns SIGINT and SIGTERM into a call, on a thread of its own that does nothing else. Made by main() before
// any other thread, since threads inherit the blocked signals. One per process.
class SignalWaiter {
  public:
    // `on_signal` runs for every signal that arrives, on the waiter's thread: post to a loop from there.
    explicit SignalWaiter(std::function<void(int signal)> on_signal);
    SignalWaiter(const SignalWaiter&) = delete;
    SignalWaiter& operator=(const SignalWaiter&) = delete;
    ~SignalWaiter();

  private:
    std::thread thread_;
};

}  // namespace haumea::io
