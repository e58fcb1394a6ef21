#pragma once

#include <functional>
#include <memory>

#include "io/loop.h"

namespace haumea::io {

// Owns a file descriptor that is registered with a loop's reactor, and calls back once when it is ready. The
// calls themselves (recv, sendmsg, accept4) are its user's. For io/*.cc. Home loop only.
//
// A cancelled wait stays armed in the reactor without a callback, which makes cancelling and waiting again
// free of system calls.
class FdWaiter {
  public:
    FdWaiter(Loop& loop, int fd);
    ~FdWaiter();
    FdWaiter(const FdWaiter&) = delete;
    FdWaiter& operator=(const FdWaiter&) = delete;

    int fd() const noexcept;
    bool is_open() const noexcept { return fd() >= 0; }
    // Each replaces the callback of its direction. It runs from the loop, once; not after the waiter's
    // Close().
    void WaitReadable(std::function<void()> ready);
    void WaitWritable(std::function<void()> ready);
    void CancelWaits() noexcept;
    void Close() noexcept;
    // Gives the descriptor away, unregistered and open.
    int Release();

  private:
    struct State;
    // Shared with the handlers in the reactor, which may come after this object has gone.
    std::shared_ptr<State> state_;
};

}  // namespace haumea::io
