#include "io/fd_waiter.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <utility>

#include "base/assert.h"
#include "io/loop_impl.h"

namespace haumea::io {

using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

struct FdWaiter::State : std::enable_shared_from_this<State> {
    struct Direction {
        std::function<void()> ready;
        bool armed = false;
    };

    State(Loop& the_loop, int fd) : loop(&the_loop), descriptor(the_loop.impl().context, fd) {}

    void Wait(Direction& direction, Descriptor::wait_type type, std::function<void()> ready) {
        HAUMEA_ASSERT_LOOP(*loop);
        direction.ready = std::move(ready);
        if (direction.armed || !descriptor.is_open()) {
            return;
        }
        direction.armed = true;
        descriptor.async_wait(type, [self = shared_from_this(), &direction](const auto& /*error*/) {
            direction.armed = false;
            if (const auto callback = std::exchange(direction.ready, nullptr)) {
                callback();
            }
        });
    }

    Loop* loop;
    Descriptor descriptor;
    Direction read;
    Direction write;
};

FdWaiter::FdWaiter(Loop& loop, int fd) : state_(std::make_shared<State>(loop, fd)) {}

FdWaiter::~FdWaiter() { Close(); }

int FdWaiter::fd() const noexcept {
    return state_->descriptor.is_open() ? state_->descriptor.native_handle() : -1;
}

void FdWaiter::WaitReadable(std::function<void()> ready) {
    state_->Wait(state_->read, Descriptor::wait_read, std::move(ready));
}

void FdWaiter::WaitWritable(std::function<void()> ready) {
    state_->Wait(state_->write, Descriptor::wait_write, std::move(ready));
}

void FdWaiter::CancelWaits() noexcept {
    // The callbacks may own what calls this; they die last.
    const auto read = std::exchange(state_->read.ready, nullptr);
    const auto write = std::exchange(state_->write.ready, nullptr);
}

void FdWaiter::Close() noexcept {
    CancelWaits();
    boost::system::error_code ignored;
    state_->descriptor.close(ignored);
}

int FdWaiter::Release() {
    CancelWaits();
    return state_->descriptor.release();
}

}  // namespace haumea::io
