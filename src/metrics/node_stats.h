#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haumea::metrics {

struct Number;  // metrics/numbers.h

// Connection state as the status JSON prints it.
enum class ConnectionState : int { kDisconnected = -1, kConnecting = 0, kConnected = 1 };

// Why a node lost a message on purpose (contract §8).
enum class DropReason : uint8_t {
    kOther,
    kNoClient,    // nobody was connected
    kSlowClient,  // the backlog of a client was full
    kQueueFull,   // the queue in front of a remote, or of the action, was full
    kConflated,   // a newer message took its place, as asked for
    kNotText,     // messageType is text, but the payload is none
    kClosed,      // still waiting when the action ended
    kCacheFull,   // the cache was over its bound, or its file failed and memory was full
};
inline constexpr std::array<std::string_view, 8> kDropReasonNames = {
    "other", "no_client", "slow_client", "queue_full", "conflated", "not_text", "closed", "cache_full"};

// Counters of one node (source, operator, sink) of a running rule, under the names of the status JSON
// (`records_in_total` ...). Written by the rule's home loop, read by any thread. A counter means what the
// contract's §8 says: records_out of a sink counts what was handed to the socket or to at least one client's
// backlog.
class NodeStats {
  public:
    enum class Kind { kSource, kOperator, kSink };

    NodeStats(Kind node_kind, std::string node_name) : kind_(node_kind), name_(std::move(node_name)) {}

    // "source", "op" or "sink": the prefix of its numbers in the status JSON, the label in Prometheus.
    static std::string_view KindName(Kind kind) noexcept;

    Kind kind() const { return kind_; }
    // "demo", "2_decoder", "websocket_0_0_transform", "websocket_0": without prefix and instance number.
    const std::string& name() const { return name_; }

    // Home loop. Relaxed single-writer updates: no locked instruction on the hot path.
    void CountIn(int64_t n = 1) noexcept { Add(records_in, n); }
    void CountOut(int64_t n = 1) noexcept { Add(records_out, n); }
    void CountProcessed(int64_t n = 1) noexcept { Add(processed, n); }
    void CountDropped(int64_t n = 1, DropReason reason = DropReason::kOther) noexcept {
        Add(dropped, n);
        Add(dropped_by_reason[static_cast<size_t>(reason)], n);
    }
    void SetInvoked(int64_t now_ms) noexcept { last_invocation_ms.store(now_ms, std::memory_order_relaxed); }
    // Counts an exception and keeps its text.
    void CountException(std::string text, int64_t now_ms);
    void SetConnection(ConnectionState state, const std::string& reason, int64_t now_ms);

    std::atomic<int64_t> records_in{0};
    std::atomic<int64_t> records_out{0};
    std::atomic<int64_t> processed{0};
    std::atomic<int64_t> dropped{0};  // lost on purpose at this node, counted (contract §8)
    std::array<std::atomic<int64_t>, kDropReasonNames.size()>
        dropped_by_reason{};  // they add up to `dropped`
    std::atomic<int64_t> process_latency_us{0};
    std::atomic<int64_t> buffer_length{0};
    std::atomic<int64_t> last_invocation_ms{0};
    std::atomic<int64_t> exceptions{0};

    // The slow-changing part, copied under the mutex.
    struct Texts {
        std::string last_exception;
        int64_t last_exception_ms = 0;
        ConnectionState connection = ConnectionState::kConnecting;
        int64_t last_connected_ms = 0;
        int64_t last_disconnected_ms = 0;
        std::string last_disconnected_message;
        int64_t last_try_ms = 0;
    };
    Texts texts() const;

    // Home loop. The numbers of the connection behind a source or sink, read when somebody looks, and before
    // the counters above are: a reader may bring those up to date. Whoever
    // sets a reader takes it back (an empty one) before it ends.
    using NumbersReader = std::function<void(std::vector<Number>&)>;
    void SetNumbers(NumbersReader reader) { numbers_ = std::move(reader); }
    void ReadNumbers(std::vector<Number>& into) const {
        if (numbers_) {
            numbers_(into);
        }
    }

  private:
    static void Add(std::atomic<int64_t>& counter, int64_t n) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }

    Kind kind_;
    std::string name_;
    mutable std::mutex mutex_;  // protects texts_
    Texts texts_;
    NumbersReader numbers_;  // home loop
};

}  // namespace haumea::metrics
