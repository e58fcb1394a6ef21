// The half of the dynamic sink that has a cache per destination, and messages that wait until theirs can be
// opened.
#include <algorithm>
#include <utility>

#include "connectors/websocket/dynamic_target.h"

namespace haumea::connectors {

using connect::EncodedMessage;

namespace {

// How often messages that wait for room are looked at.
constexpr int64_t kOverflowMs = 20;

}  // namespace

// What takes the messages when each target has a cache.
class DynamicSink::Caches final : public connect::Outlet {
  public:
    explicit Caches(DynamicSink& owner) : owner_(&owner) {}
    connect::Flow Push(EncodedMessage message) noexcept override {
        return owner_->PushToCache(std::move(message));
    }
    void SetResumeCallback(std::function<void()> resume) override {
        owner_->caches_->SetResumeCallback(std::move(resume));
    }
    void Close() noexcept override { owner_->caches_->SetResumeCallback({}); }

  private:
    DynamicSink* owner_;
};

std::unique_ptr<connect::Outlet> DynamicSink::CachePerDestination(connect::DestinationCaches& caches) {
    caches_ = &caches;
    return std::make_unique<Caches>(*this);
}

connect::Flow DynamicSink::PushToCache(EncodedMessage message) noexcept {
    if (const std::string key(closed_ ? "" : KeyOf(message));
        !key.empty() && (overflow_.Has(key) || (!targets_.contains(key) && !HasRoom()))) {
        if (!Wait(key, message)) {
            stats_->CountIn();
            NoRoom();
        }
        return connect::Flow::kContinue;
    }
    Target* target = closed_ ? nullptr : FindOrMake(message);
    if (target == nullptr) {
        stats_->CountIn();
        return connect::Flow::kContinue;
    }
    target->used_ms = scheduler_->clock().NowMs();
    return target->cache.stage->Push(std::move(message));
}

bool DynamicSink::Wait(const std::string& key, EncodedMessage& message) noexcept {
    if (!overflow_.Add(key, message)) {
        return false;
    }
    stats_->buffer_length.store(static_cast<int64_t>(overflow_.size()), std::memory_order_relaxed);
    LookAgain();
    return true;
}

void DynamicSink::LookAgain() noexcept {
    if (!closed_ && (!overflow_.empty() || !left_over_.empty()) && !overflow_timer_.pending()) {
        overflow_timer_.Start(kOverflowMs, [this] {
            OpenWaiting();
            DrainOverflow();
        });
    }
}

void DynamicSink::DrainOverflow() noexcept {
    bool room = true;
    for (DestinationOverflow::Entry& entry : overflow_.Take()) {
        room = room && HasRoom();
        if (overflow_.Has(entry.key) || (!room && !targets_.contains(entry.key))) {
            Wait(entry.key, entry.message);
        } else {
            static_cast<void>(PushToCache(std::move(entry.message)));
        }
    }
    stats_->buffer_length.store(static_cast<int64_t>(overflow_.size()), std::memory_order_relaxed);
}

// At the end what still waits goes to the files of its destinations.
void DynamicSink::KeepOverflow() noexcept {
    for (DestinationOverflow::Entry& entry : overflow_.Take()) {
        auto found = targets_.find(entry.key);
        if (found == targets_.end()) {
            KeyOf(entry.message);
            auto made = std::make_shared<Target>(*this, entry.key);
            auto sink = make_(values_, *made);
            auto cache = sink ? caches_->Make(*sink->sink, values_)
                              : Result<connect::DestinationCaches::Cache>(Fail(sink.error()));
            if (!cache) {
                Drop("message dropped: " + cache.error().message);
                continue;
            }
            made->made = std::move(*sink);
            made->cache = std::move(*cache);
            const std::string_view key = made->key;
            found = targets_.emplace(key, std::move(made)).first;
        }
        static_cast<void>(found->second->cache.stage->Push(std::move(entry.message)));
    }
}

void DynamicSink::OpenWaiting() {
    while (!closed_ && !left_over_.empty() && HasRoom()) {
        EncodedMessage example;
        example.dynamic = std::move(left_over_.back());
        left_over_.pop_back();
        FindOrMake(example);
    }
    LookAgain();
}

}  // namespace haumea::connectors
