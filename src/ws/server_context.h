#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "data/buffer.h"
#include "io/scheduler.h"
#include "ws/prepared_frame.h"

namespace haumea::ws {

class Server;

// Opening handshakes by outcome.
struct HandshakeStats {
    uint64_t accepted = 0;
    uint64_t malformed = 0;       // 400, 431
    uint64_t wrong_method = 0;    // 405
    uint64_t wrong_version = 0;   // 426
    uint64_t unknown_path = 0;    // 404
    uint64_t origin_refused = 0;  // 403
    uint64_t over_limit = 0;      // 503
    uint64_t subprotocol = 0;     // 400: none of those offered is served
    uint64_t timed_out = 0;       // 408 or cut
    uint64_t tls_failed = 0;      // not TLS, or no certificate that is accepted
    uint64_t ended_early = 0;     // the peer left before its request was complete
};

// What the parts of one server share: the loop as they see it, and scratch memory that idle clients do not
// own.
struct ServerContext {
    static constexpr size_t kReadBytes = 60U << 10U;  // with a Buffer's overhead within its 64 KiB class

    io::Scheduler* scheduler = nullptr;
    // Runs a task when the events of the current turn have been handled: a burst of messages is joined by
    // then.
    std::function<void(io::Scheduler::Task)> at_turn_end;
    Server* server = nullptr;
    SharedDeflaters deflaters;

    // Bytes to read into. A fresh buffer when messages inside the last one are still in use.
    Ref<Buffer>& ReadBuffer() {
        if (!read_buffer_ || !read_buffer_->unique()) {
            read_buffer_ = Buffer::Allocate(kReadBytes);
        }
        return read_buffer_;
    }

  private:
    Ref<Buffer> read_buffer_;
};

}  // namespace haumea::ws
