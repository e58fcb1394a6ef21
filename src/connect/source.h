#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ref_counted.h"
#include "base/result.h"
#include "data/buffer.h"
#include "data/value.h"
#include "metrics/node_stats.h"
#include "metrics/numbers.h"

namespace haumea::connect {

// Metadata of one message (remote address, topic, path variables ...), read with meta(). Immutable, shared by
// the rows of the message.
class Metadata final : public RefCounted<Metadata> {
  public:
    // Copies `object` (kObject) into an arena of its own.
    explicit Metadata(const Value& object) : object_(CopyValue(object, arena_)) {}
    const Value& object() const { return object_; }
    // Memory that is held.
    size_t bytes() const noexcept { return sizeof(Metadata) + arena_.reserved_bytes(); }

  private:
    friend class RefCounted<Metadata>;
    ~Metadata() = default;
    static constexpr size_t kFirstChunk = 256;
    Arena arena_{kFirstChunk};
    Value object_;
};

// What a listener tells its source: kPause asks it to deliver nothing more until Resume(). What was delivered
// with the call that returned kPause has been taken.
enum class Flow { kContinue, kPause };

// Receives what a source produces. Home loop only; all calls noexcept.
class SourceListener {
  public:
    virtual ~SourceListener() = default;
    // One message in the stream's FORMAT.
    virtual Flow OnBytes(const BufferView& payload, int64_t timestamp_ms,
                         const Ref<Metadata>& meta) noexcept = 0;
    // One row that needs no decoding (memory, simulator, file lines that are parsed by the source). `object`
    // lives until the call returns.
    virtual Flow OnRow(const Value& object, int64_t timestamp_ms, const Ref<Metadata>& meta) noexcept = 0;
    // Something went wrong with one message or with reading; the source goes on.
    virtual void OnError(Error error) noexcept = 0;
    // `messages` that had arrived were given up, for the reason in `text`.
    virtual void OnDropped(int64_t messages, std::string text) noexcept {
        static_cast<void>(messages);
        OnError(Error(std::move(text)));
    }
    // A bounded source has delivered everything; `message` may be empty. No further calls follow.
    virtual void OnEnd(std::string message) noexcept = 0;
    // `since_ms` (wall clock): when the connection came to that, which may be long before this source joined
    // it.
    virtual void OnConnection(metrics::ConnectionState state, const std::string& reason,
                              int64_t since_ms) noexcept = 0;
};

// A running source of one stream. Made by its descriptor's factory on any thread; every method on the home
// loop.
class Source {
  public:
    virtual ~Source() = default;
    // Starts to deliver to `listener`, which outlives the source. An error means that the source cannot work
    // at all; a peer that is away is no error (OnConnection tells).
    virtual Result<void> Start(SourceListener& listener) = 0;
    // No calls to the listener after this returns.
    virtual void Stop() = 0;
    // After a Flow::kPause. A source over TCP stops reading its socket in between, so that the peer is slowed
    // down.
    virtual void Resume() = 0;
    // What is counted of the connection behind it, for whoever looks at the status; nothing where there is
    // none. Between Start() and Stop().
    virtual void ReadNumbers(metrics::Numbers& into) const { static_cast<void>(into); }
};

}  // namespace haumea::connect
