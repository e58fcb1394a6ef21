#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connect/cache_stage.h"
#include "connect/services.h"
#include "connect/sink.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// The caches of an action whose destination is computed for every message: one per destination, each with a
// file of its own, so that one that is away holds up no other. Together they have the bounds of one, and
// count into the same nodes. Made by the stages of the action, used by the sink that knows the destinations.
// Owned by the action, outlives that sink; home loop only.
class DestinationCaches {
  public:
    using MakeSink = std::function<Result<std::unique_ptr<MessageSink>>()>;
    struct Cache {
        std::string file;
        std::unique_ptr<MessageSink> resend_sink;  // null: late messages go where all go
        std::unique_ptr<CacheStage> stage;
    };

    // `settings.backlog.file`: of an action with one destination; the others lie in the folder beside it.
    // `nodes` hold `shown`. `make_resend_sink` may be empty.
    DestinationCaches(CacheSettings settings, CacheStage::Nodes shown,
                      const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes,
                      MakeSink make_resend_sink, Services& services);
    ~DestinationCaches() { *alive_ = false; }
    DestinationCaches(const DestinationCaches&) = delete;
    DestinationCaches& operator=(const DestinationCaches&) = delete;

    // Looks what earlier runs have left, where `values` (of EncodedMessage::dynamic) tell destinations apart;
    // `found` follows with the dynamic values of one message of each destination that has some waiting.
    void Start(std::vector<size_t> values, std::function<void(std::vector<std::vector<std::string>>)> found);
    // The cache in front of `sink`, which has not been opened yet. Open() follows when the sink is open.
    Result<Cache> Make(MessageSink& sink, std::span<const std::string_view> values);
    Result<void> Open(Cache& cache);
    // At the end: what is unconfirmed has a moment left, the rest stays in the file. `kept` lives as long as
    // `sink`.
    void Leave(Cache cache, std::unique_ptr<MessageSink> sink, std::shared_ptr<void> kept);

    // Puts messages into the file of a destination that has no cache open now: it may have one later, which
    // finds them. False: not now, or it would be more than the bound; nothing was taken.
    bool Spill(std::span<const std::string_view> values, std::span<const EncodedMessage> messages);
    // The disk still writes what was spilled before: what comes meanwhile goes together, later.
    bool spilling() const noexcept { return spilling_ > 0; }
    // So many of them have a cache again, which counts them.
    void Unspill(size_t messages);

    void SetResumeCallback(std::function<void()> resume) { resume_ = std::move(resume); }

  private:
    void Arrange();

    CacheSettings settings_;
    CacheStage::Nodes shown_;
    const std::vector<std::shared_ptr<metrics::NodeStats>>* nodes_;
    MakeSink make_resend_sink_;
    Services* services_;
    std::function<void()> resume_;
    std::vector<size_t> values_;
    std::function<void(std::vector<std::vector<std::string>>)> found_;
    bool arranged_ = false;
    size_t spilled_ = 0;
    size_t spilling_ = 0;
    std::vector<std::function<void()>> waiting_;  // caches to be opened once the files are in order
    io::Timer retry_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // tasks of the disk may outlive this object
};

}  // namespace haumea::connect
