// The half of the dynamic sink that has a cache per destination, and messages that wait until theirs can be
// opened.
#include <utility>
#include <vector>

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

void DynamicSink::StartCaches() {
    caches_->Start(settings_.values, [this](std::vector<std::vector<std::string>> found) {
        for (std::vector<std::string>& dynamic : found) {
            EncodedMessage example;
            example.dynamic = dynamic;
            const std::string key(KeyOf(example));
            if (!targets_.contains(key)) {
                left_over_.try_emplace(key, LeftOver{std::move(dynamic), 0});
            }
        }
        OpenWaiting();
    });
}

std::unique_ptr<connect::Outlet> DynamicSink::CachePerDestination(connect::DestinationCaches& caches) {
    caches_ = &caches;
    return std::make_unique<Caches>(*this);
}

connect::Flow DynamicSink::PushToCache(EncodedMessage message) noexcept {
    const std::string_view key = closed_ ? std::string_view() : KeyOf(message);
    const bool behind = !overflow_.empty() && overflow_.Has(std::string(key));
    if (!key.empty() && (behind || (!targets_.contains(key) && !HasRoom()))) {
        if (!Wait(std::string(key), message)) {
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
    Opened(target->key);
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
    std::vector<std::pair<std::string, std::vector<EncodedMessage>>> parts;  // that have no place, in order
    std::unordered_map<std::string, size_t> places;                          // where in parts
    for (DestinationOverflow::Entry& entry : overflow_.Take()) {
        const auto found = places.find(entry.key);
        if (found == places.end() && (targets_.contains(entry.key) || HasRoom())) {
            static_cast<void>(PushToCache(std::move(entry.message)));
            continue;
        }
        const size_t place = found != places.end() ? found->second : parts.size();
        if (place == parts.size()) {
            places.emplace(entry.key, place);
            parts.emplace_back(std::move(entry.key), std::vector<EncodedMessage>());
        }
        parts[place].second.push_back(std::move(entry.message));
    }
    const bool busy = caches_->spilling();
    for (auto& [key, messages] : parts) {
        if (busy) {
            WaitOn(key, std::move(messages));
        } else {
            SpillOverflow(key, std::move(messages));
        }
    }
    stats_->buffer_length.store(static_cast<int64_t>(overflow_.size()), std::memory_order_relaxed);
    LookAgain();
}

// Into the file of their destination, so that they survive the process while they wait.
void DynamicSink::SpillOverflow(const std::string& key, std::vector<EncodedMessage> messages) noexcept {
    KeyOf(messages.front());
    if (!left_over_.contains(key)) {
        Target nobody(*this, key);
        if (auto checked = make_(values_, nobody); !checked) {
            stats_->CountIn(static_cast<int64_t>(messages.size()));
            stats_->CountDropped(static_cast<int64_t>(messages.size()) - 1);
            Drop("message dropped: " + checked.error().message);
            return;
        }
    }
    if (caches_->Spill(values_, messages)) {
        LeftOver& left = left_over_.try_emplace(key, LeftOver{messages.front().dynamic, 0}).first->second;
        left.spilled += messages.size();
    } else {
        WaitOn(key, std::move(messages));
    }
}

void DynamicSink::WaitOn(const std::string& key, std::vector<EncodedMessage> messages) noexcept {
    for (EncodedMessage& message : messages) {
        if (!Wait(key, message)) {
            stats_->CountIn();
            NoRoom();
        }
    }
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
        example.dynamic = left_over_.begin()->second.dynamic;
        FindOrMake(example);
        Opened(std::string(left_over_.begin()->first));
    }
    LookAgain();
}

// The cache of that destination finds what is in its file.
void DynamicSink::Opened(const std::string& key) {
    if (const auto found = left_over_.find(key); found != left_over_.end()) {
        caches_->Unspill(found->second.spilled);
        left_over_.erase(found);
    }
}

}  // namespace haumea::connectors
