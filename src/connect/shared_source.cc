#include "connect/shared_source.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace haumea::connect {

// One rule's share in a running source.
class SharedSources::Subscriber final : public Source {
  public:
    Subscriber(SharedSources& owner, std::string stream, Make make)
        : owner_(&owner), stream_(std::move(stream)), make_(std::move(make)) {}
    ~Subscriber() override { Subscriber::Stop(); }
    Subscriber(const Subscriber&) = delete;
    Subscriber& operator=(const Subscriber&) = delete;

    Result<void> Start(SourceListener& listener) override;
    void Stop() override;
    void Resume() override;
    void ReadNumbers(metrics::Numbers& into) const override;

    bool paused() const noexcept { return paused_; }
    void Answered(Flow flow) noexcept { paused_ = paused_ || flow == Flow::kPause; }
    SourceListener* listener() const noexcept { return listener_; }

  private:
    SharedSources* owner_;
    std::string stream_;
    Make make_;
    SourceListener* listener_ = nullptr;  // null: not started, or stopped
    bool paused_ = false;
};

// The running source and everybody who reads it.
class SharedSources::Hub final : public SourceListener {
  public:
    explicit Hub(std::unique_ptr<Source> source) : source_(std::move(source)) {}

    Result<void> Start() { return source_->Start(*this); }
    void Add(Subscriber& subscriber) {
        subscribers_.push_back(&subscriber);
        if (connection_known_) {
            subscriber.listener()->OnConnection(state_, reason_, since_ms_);
        }
    }
    // True: nobody is left.
    bool Remove(Subscriber& subscriber) {
        std::replace(subscribers_.begin(), subscribers_.end(), &subscriber,
                     static_cast<Subscriber*>(nullptr));
        if (depth_ == 0) {
            std::erase(subscribers_, nullptr);
        }
        return std::all_of(subscribers_.begin(), subscribers_.end(),
                           [](const Subscriber* s) { return s == nullptr; });
    }
    void Stop() { source_->Stop(); }
    void ReadNumbers(metrics::Numbers& into) const { source_->ReadNumbers(into); }
    bool delivering() const noexcept { return depth_ != 0; }

    // Goes on when nobody holds it up any longer.
    void ResumeUnlessPaused() {
        if (source_paused_ && depth_ == 0 && !AnyPaused()) {
            source_paused_ = false;
            if (!subscribers_.empty()) {
                source_->Resume();
            }
        }
    }

    Flow OnBytes(const BufferView& payload, int64_t timestamp_ms,
                 const Ref<Metadata>& meta) noexcept override {
        return Deliver([&](SourceListener& to) { return to.OnBytes(payload, timestamp_ms, meta); });
    }
    Flow OnRow(const Value& object, int64_t timestamp_ms, const Ref<Metadata>& meta) noexcept override {
        return Deliver([&](SourceListener& to) { return to.OnRow(object, timestamp_ms, meta); });
    }
    void OnError(Error error) noexcept override {
        ForEach([&](Subscriber& subscriber) { subscriber.listener()->OnError(error); });
    }
    void OnDropped(int64_t messages, std::string text) noexcept override {
        ForEach([&](Subscriber& subscriber) { subscriber.listener()->OnDropped(messages, text); });
    }
    void OnEnd(std::string message) noexcept override {
        ForEach([&](Subscriber& subscriber) { subscriber.listener()->OnEnd(message); });
    }
    void OnConnection(metrics::ConnectionState state, const std::string& reason,
                      int64_t since_ms) noexcept override {
        // While it is away, every further report is of an attempt to come back.
        if (!connection_known_ || state != state_) {
            since_ms_ = since_ms;
        }
        connection_known_ = true;
        state_ = state;
        reason_ = reason;
        ForEach(
            [&](Subscriber& subscriber) { subscriber.listener()->OnConnection(state, reason, since_ms); });
    }

  private:
    // Everybody gets the message that makes one of them pause: a source takes none back.
    template <typename Call>
    Flow Deliver(Call&& call) noexcept {
        ForEach([&](Subscriber& subscriber) { subscriber.Answered(call(*subscriber.listener())); });
        source_paused_ = AnyPaused();
        return source_paused_ ? Flow::kPause : Flow::kContinue;
    }

    bool AnyPaused() const noexcept {
        return std::any_of(subscribers_.begin(), subscribers_.end(),
                           [](const Subscriber* s) { return s != nullptr && s->paused(); });
    }

    // Subscribers may come and go during the calls; those who come have to wait for the next message.
    template <typename Call>
    void ForEach(Call&& call) noexcept {
        ++depth_;
        const size_t count = subscribers_.size();
        for (size_t i = 0; i < count; ++i) {
            if (subscribers_[i] != nullptr && subscribers_[i]->listener() != nullptr) {
                call(*subscribers_[i]);
            }
        }
        if (--depth_ == 0) {
            std::erase(subscribers_, nullptr);
        }
    }

    std::unique_ptr<Source> source_;
    std::vector<Subscriber*> subscribers_;  // null: left during a delivery
    int depth_ = 0;
    bool source_paused_ = false;
    bool connection_known_ = false;
    metrics::ConnectionState state_ = metrics::ConnectionState::kConnecting;
    std::string reason_;
    int64_t since_ms_ = 0;  // of state_
};

Result<void> SharedSources::Subscriber::Start(SourceListener& listener) {
    auto& hub = owner_->hubs_[stream_];
    const bool fresh = !hub;
    if (fresh) {
        auto source = make_();
        if (!source) {
            owner_->hubs_.erase(stream_);
            return Fail(std::move(source.error()));
        }
        hub = std::make_unique<Hub>(std::move(*source));
    }
    listener_ = &listener;
    paused_ = false;
    hub->Add(*this);
    if (fresh) {
        if (auto started = hub->Start(); !started) {
            listener_ = nullptr;
            owner_->hubs_.erase(stream_);
            return started;
        }
    }
    return {};
}

void SharedSources::Subscriber::Resume() {
    paused_ = false;
    if (const auto found = owner_->hubs_.find(stream_);
        listener_ != nullptr && found != owner_->hubs_.end()) {
        found->second->ResumeUnlessPaused();
    }
}

void SharedSources::Subscriber::ReadNumbers(metrics::Numbers& into) const {
    if (const auto found = owner_->hubs_.find(stream_);
        listener_ != nullptr && found != owner_->hubs_.end()) {
        found->second->ReadNumbers(into);
    }
}

void SharedSources::Subscriber::Stop() {
    if (std::exchange(listener_, nullptr) == nullptr) {
        return;
    }
    const auto found = owner_->hubs_.find(stream_);
    if (found == owner_->hubs_.end()) {
        return;
    }
    if (!found->second->Remove(*this)) {
        found->second->ResumeUnlessPaused();
        return;
    }
    std::unique_ptr<Hub> hub = std::move(found->second);
    owner_->hubs_.erase(found);
    hub->Stop();
    if (hub->delivering()) {
        owner_->retired_.push_back(std::move(hub));
        owner_->scheduler_->Post([self = owner_->self_] {
            if (*self != nullptr) {
                (*self)->retired_.clear();
            }
        });
    }
}

SharedSources::SharedSources(io::Scheduler& scheduler)
    : scheduler_(&scheduler), self_(std::make_shared<SharedSources*>(this)) {}

SharedSources::~SharedSources() { *self_ = nullptr; }

std::unique_ptr<Source> SharedSources::Join(std::string stream, Make make) {
    return std::make_unique<Subscriber>(*this, std::move(stream), std::move(make));
}

size_t SharedSources::running() const noexcept { return hubs_.size(); }

}  // namespace haumea::connect
