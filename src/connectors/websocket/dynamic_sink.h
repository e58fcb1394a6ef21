#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connect/destination_caches.h"
#include "connect/sink.h"
#include "connectors/websocket/destination_overflow.h"
#include "io/scheduler.h"
#include "metrics/node_stats.h"
#include "metrics/numbers.h"

namespace haumea::connectors {

// Hears of the connection of a sink that is one of several, in place of its node.
class ConnectionObserver {
  public:
    virtual ~ConnectionObserver() = default;
    virtual void OnConnection(metrics::ConnectionState state, const std::string& reason) = 0;
    // As metrics::NodeStats::SetNumbers.
    virtual void SetNumbers(metrics::NodeStats::NumbersReader reader) = 0;
};

// A sink whose destination is computed for every message (templates in `path` and header values, contract
// §6): one target per distinct value, opened with the first message for it and closed when it has been idle.
// Bounded; a message that would need one more while none is idle is dropped and counted (with enableCache it
// waits for a while, in bounds). All targets count into the node of the sink; its connection is the worst of
// theirs, with the name of that target, and its numbers are those of all, closed ones included. With
// enableCache each target has a cache of its own in front of it. Owned by one action; home loop only.
class DynamicSink final : public connect::MessageSink {
  public:
    struct Settings {
        std::vector<size_t> values;              // which of EncodedMessage::dynamic make the destination
        size_t max_targets = 64;                 // property maxDynamicTargets
        int64_t idle_ms = 300'000;               // property dynamicTargetIdle
        bool waits = false;                      // MessageSink::waits() of every target
        bool confirms = false;                   // targets confirm delivery to a cache
        std::function<Result<void>()> can_open;  // may say at Open() that no target could ever; may be empty
    };
    struct Made {
        std::unique_ptr<connect::MessageSink> sink;
        std::string name;  // for people
    };
    // A target from its values, in the order of Settings::values; the error names the property and the value.
    using Make = std::function<Result<Made>(std::span<const std::string_view> values, ConnectionObserver&)>;

    DynamicSink(io::Scheduler& scheduler, Settings settings, Make make);
    ~DynamicSink() override;

    Result<void> Open(metrics::NodeStats& stats) override;
    connect::Delivery Send(const connect::EncodedMessage& message) noexcept override;
    bool waits() const override { return settings_.waits; }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    std::unique_ptr<connect::Outlet> CachePerDestination(connect::DestinationCaches& caches) override;
    bool UseConfirmation(connect::DeliveryListener& listener) override;
    bool RequestConfirmation(uint64_t mark) override;
    bool idle() const override;
    void Close() override;

    size_t targets() const noexcept { return targets_.size(); }

  private:
    class Target;
    class Caches;

    connect::Flow PushToCache(connect::EncodedMessage message) noexcept;
    // Destinations that have messages of an earlier run are opened as far as there is room.
    void StartCaches();
    void OpenWaiting();
    void Opened(const std::string& key);
    // What tells destinations apart, in values_ and as one text that lives as long as the message or until
    // the next call; empty: the message has none.
    std::string_view KeyOf(const connect::EncodedMessage& message) noexcept;
    // Null: the message is lost, and counted.
    Target* FindOrMake(const connect::EncodedMessage& message) noexcept;
    Target* MakeTarget(std::string_view key) noexcept;
    bool HasRoom() noexcept;
    bool MakeRoom(int64_t now_ms) noexcept;
    void NoRoom() noexcept;
    // False: it has to wait, but there is no room for that.
    bool Wait(const std::string& key, connect::EncodedMessage& message) noexcept;
    void WaitOn(const std::string& key, std::vector<connect::EncodedMessage> messages) noexcept;
    void LookAgain() noexcept;
    void DrainOverflow() noexcept;
    void SpillOverflow(const std::string& key, std::vector<connect::EncodedMessage> messages) noexcept;
    void KeepOverflow() noexcept;
    void CloseTarget(Target& target) noexcept;
    void Drop(std::string text) noexcept;
    void CloseIdle() noexcept;
    void Watch(int64_t delay_ms);
    // The connection of `target` has changed.
    void Changed(Target& target);
    void ShowWorst();
    void ReadNumbers(metrics::Numbers& into) const;
    void Confirmed();
    void Lost();

    io::Scheduler* scheduler_;
    Settings settings_;
    Make make_;
    metrics::NodeStats* stats_ = nullptr;
    std::function<void()> ready_;
    std::unordered_map<std::string_view, std::shared_ptr<Target>> targets_;  // by Target::key
    std::vector<std::shared_ptr<Target>> buried_;  // closed, perhaps from inside one of their own calls
    metrics::Numbers gone_;                        // counters of targets that are closed
    const Target* worst_ = nullptr;                // whose connection is shown
    bool closed_ = false;
    bool full_ = false;                     // said already that targets are missing
    std::vector<std::string_view> values_;  // scratch
    std::string key_;                       // scratch

    connect::DestinationCaches* caches_ = nullptr;  // each target has its own
    // Destinations without a target that have messages in their files, of an earlier run or for want of room.
    struct LeftOver {
        std::vector<std::string> dynamic;  // of one of the messages
        size_t spilled = 0;                // of this run
    };
    std::unordered_map<std::string, LeftOver> left_over_;
    DestinationOverflow overflow_;                   // messages that wait for room for their target
    connect::DeliveryListener* listener_ = nullptr;  // one cache for all stands in front (resendDestination)
    uint64_t last_mark_ = 0;                         // asked for
    uint64_t confirmed_mark_ = 0;                    // reported
    io::Timer idle_timer_;
    io::Timer burial_timer_;
    io::Timer overflow_timer_;
};

}  // namespace haumea::connectors
