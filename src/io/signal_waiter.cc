#include "io/signal_waiter.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace haumea::io {
namespace {

// Ends the waiter itself; nobody sends it otherwise.
constexpr int kEnd = SIGUSR2;

sigset_t Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, kEnd}) {
        sigaddset(&set, signal);
    }
    return set;
}

}  // namespace

SignalWaiter::SignalWaiter(std::function<void(int)> on_signal) {
    const sigset_t set = Signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A closed peer is an error of send(), not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    thread_ = std::thread([set, on_signal = std::move(on_signal)] {
        for (;;) {
            int signal = 0;
            if (sigwait(&set, &signal) != 0 || signal == kEnd) {
                return;
            }
            on_signal(signal);
        }
    });
}

SignalWaiter::~SignalWaiter() {
    pthread_kill(thread_.native_handle(), kEnd);
    thread_.join();
}

}  // namespace haumea::io
