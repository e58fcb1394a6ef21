#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "connect/source.h"
#include "data/buffer.h"
#include "data/value.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// One result of a rule: a list of rows (a window gives many, a single event one). Rows are kObject values
// with sorted keys; they live until the call returns. An error row is {"error": text} with is_error set (rule
// option sendError).
struct Emission {
    std::span<const Value> rows;
    bool is_error = false;
    // The window was empty; its aggregates made a row all the same. omitIfEmpty leaves it out.
    bool from_nothing = false;
    // Metadata of the source message, when the emission comes from exactly one; may be null.
    const Metadata* meta = nullptr;
};

// What goes to a transport: the payload after encode, compress, encrypt.
struct EncodedMessage {
    BufferView payload;
    // The payload is a text (neither compressed nor encrypted nor bytes) and valid UTF-8.
    bool is_text = true;
    // Values of dynamic properties for this message (template results), in the order of SinkSpec::templates;
    // empty when the action has none.
    std::vector<std::string> dynamic;
    // The payload when the message does not go out at once but from the cache (property
    // resendIndicatorField); without an owner: the same.
    BufferView resent;
};

// What happened to a message that was handed to a transport.
enum class Delivery {
    kAccepted,  // handed to the socket, or to at least one client's backlog: counts as records_out
    kQueued,   // taken; the sink counts records_out itself when the socket has it, and confirms it when asked
               // to
    kDropped,  // lost, counted by the sink with its reason (no client ...)
    kBlocked,  // not taken; offer it again after the ready callback
};

// What a transport with confirmed delivery tells the cache in front of it. Called from the loop, never from
// inside a call of the transport.
class DeliveryListener {
  public:
    virtual ~DeliveryListener() = default;
    // Everything that was sent before RequestConfirmation(mark) has been read by the remote.
    virtual void OnConfirmed(uint64_t mark) = 0;
    // What was sent and is not confirmed may be lost: it is to be sent again. The transport has forgotten it.
    virtual void OnLost() = 0;
};

class DestinationCaches;

// Where the encoded messages of an action go: a queue or a cache, with the transport behind it. Owned by the
// action; home loop only.
class Outlet {
  public:
    virtual ~Outlet() = default;
    // kPause: the rule is to wait, the resume callback follows. The message has been taken all the same.
    virtual Flow Push(EncodedMessage message) noexcept = 0;
    virtual void SetResumeCallback(std::function<void()> resume) = 0;
    // Before the transport is closed: what waits is dropped (and counted) or kept for the next start.
    virtual void Close() noexcept = 0;
};

// The last stage of an action: a transport that takes encoded messages. Home loop only.
class MessageSink {
  public:
    virtual ~MessageSink() = default;
    // Opens the transport in the background; an error means that it can never work (port in use, bad
    // certificate).
    virtual Result<void> Open(metrics::NodeStats& stats) = 0;
    virtual Delivery Send(const EncodedMessage& message) noexcept = 0;
    // kBlocked means that the rule has to wait, not that this action is to lose messages (a client that may
    // block, or this process being short of CPU). Fixed after construction.
    virtual bool waits() const { return false; }
    // Called once after a Send that returned kBlocked, when it is worth trying again.
    virtual void SetReadyCallback(std::function<void()> ready) = 0;
    // A cache stands in front (called before Open): what cannot go out now is not taken (kBlocked: nobody is
    // connected, the remote is away) instead of queued or dropped, and the ready callback follows when it
    // can. True: what Send has answered with kQueued is the cache's to keep until `listener` hears of it.
    // False: what was taken is done. The sink outlives its listener's interest, which ends with Close().
    virtual bool UseConfirmation(DeliveryListener& listener) {
        static_cast<void>(listener);
        return false;
    }
    // Asks the remote whether it has read everything up to here; marks grow. False: not connected.
    virtual bool RequestConfirmation(uint64_t mark) {
        static_cast<void>(mark);
        return false;
    }
    // A cache is asked for, and this sink has several destinations: it keeps one for each, made by `caches`
    // (which outlives it), and what it returns takes the messages instead of Send(). Called once, before
    // Open(). Null: it has one destination.
    virtual std::unique_ptr<Outlet> CachePerDestination(DestinationCaches& caches) {
        static_cast<void>(caches);
        return nullptr;
    }
    // Closing it now would lose nothing that it took and cut nobody off.
    virtual bool idle() const { return true; }
    // Ends politely; messages that were accepted are drained up to the sink's close timeout.
    virtual void Close() = 0;
};

// A sink that takes rows as they are (memory, log): no encoding. Home loop only.
class RowSink {
  public:
    virtual ~RowSink() = default;
    virtual Result<void> Open(metrics::NodeStats& stats) = 0;
    // kPause: the rule is to wait, the resume callback follows. The rows have been taken all the same.
    virtual Flow Send(const Emission& emission) noexcept = 0;
    // Before Open(); a sink that never says kPause needs none.
    virtual void SetResumeCallback(std::function<void()> resume) { static_cast<void>(resume); }
    virtual void Close() = 0;
};

// One action of a rule: the pipeline of stages with its sink at the end. Owned by the rule's pipeline; home
// loop only.
class Action {
  public:
    virtual ~Action() = default;
    virtual Result<void> Open() = 0;
    // Takes the rows (copies what it keeps). kPause: the action's queue is full and the rule is to wait
    // (disableBufferFullDiscard, slowConsumer=block); the resume callback follows.
    virtual Flow Emit(const Emission& emission) noexcept = 0;
    virtual void SetResumeCallback(std::function<void()> resume) = 0;
    // Does it want emissions with is_error? `rule_option`: sendError of the rule.
    virtual bool takes_errors(bool rule_option) const noexcept { return rule_option; }
    // Sends what batching holds back (end of a bounded source, stop).
    virtual void Flush() noexcept = 0;
    virtual void Close() = 0;
    // The nodes in the order of the status JSON: operators, then the sink. Stable while the action lives.
    virtual const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const = 0;
    // Problems that did not stop the creation (unknown property ...); fixed after construction.
    virtual const std::vector<std::string>& warnings() const = 0;
};

}  // namespace haumea::connect
