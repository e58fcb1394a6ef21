#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/ref_counted.h"
#include "io/stream.h"
#include "ws/prepared_frame.h"

namespace haumea::ws {

// What happens to a client whose backlog is full because its own socket is.
enum class SlowConsumer : uint8_t {
    kDropOldest,
    kDropNewest,  // what it has is kept, what comes is dropped until it has caught up
    kConflate,    // only the newest message is kept
    kDisconnect,  // closed with 1013
    kBlock,       // everybody waits, for a limited time
};

struct BacklogLimits {
    uint64_t messages = 65'536;
    uint64_t bytes = 16U << 20U;

    bool operator==(const BacklogLimits&) const = default;
};

// One client as the hub sees it: a position in the shared log instead of a queue. Base of the session, which
// brings the socket. Home loop only.
class Subscriber {
  public:
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;
    virtual ~Subscriber() = default;

    // Messages that were dropped for this client alone.
    uint64_t dropped() const noexcept { return dropped_; }

  protected:
    Subscriber() = default;

    // As io::Stream; called by the hub only.
    virtual io::IoResult Write(std::span<const iovec> parts) noexcept = 0;
    // The socket took less than it was given; Hub::OnWritable is to follow when it takes more.
    virtual void WaitWritable() = 0;
    virtual void OnWriteFailed(const io::IoResult& result) noexcept = 0;
    // The first message is dropped since it kept up. For the log.
    virtual void OnSlow() noexcept = 0;
    // Policy kDisconnect, or a client that blocks for too long: is to call Hub::Finish or Hub::Remove.
    virtual void OnTooSlow(std::string_view reason) noexcept = 0;
    // After Hub::Finish: everything up to its last bytes has gone to the socket.
    virtual void OnDrained() noexcept = 0;

  private:
    friend class Hub;
    static constexpr uint64_t kNoStop = UINT64_MAX;
    enum class Place : uint8_t { kNone, kReady, kBlocked };

    // Messages taken out of the log for a client of policy kDropNewest, so that it does not hold the log's
    // tail.
    struct OwnBacklog {
        std::deque<Ref<const PreparedFrame>> frames;
        uint64_t bytes = 0;
    };

    uint64_t next_seq_ = 0;
    uint64_t stop_seq_ = kNoStop;       // nothing from here on is for this client
    Ref<const PreparedFrame> partial_;  // begun frame; goes on even when the log has forgotten it
    size_t partial_offset_ = 0;
    std::string control_;  // whole frames, sent at the next frame border
    size_t control_offset_ = 0;
    std::string last_bytes_;  // sent when stop_seq_ is reached
    std::unique_ptr<OwnBacklog> own_;
    uint64_t dropped_ = 0;
    int64_t full_since_ms_ = 0;  // kBlock: since when it holds up everybody
    uint32_t index_ = 0;         // in the list of its place
    WireForm form_;
    Place place_ = Place::kNone;
    bool slow_ = false;  // from the first drop until it has caught up
    bool drained_ = false;
};

}  // namespace haumea::ws
