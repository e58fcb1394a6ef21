#include "connect/memory_bus.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace haumea::connect {

namespace {

// Cuts the first level off `rest`; false when nothing is left.
bool NextLevel(std::string_view& rest, bool& more, std::string_view& level) noexcept {
    if (!more) {
        return false;
    }
    const size_t slash = rest.find('/');
    level = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view();
    return true;
}

}  // namespace

bool TopicMatches(std::string_view pattern, std::string_view topic) noexcept {
    bool more_pattern = true;
    bool more_topic = true;
    for (;;) {
        std::string_view wanted;
        std::string_view level;
        if (!NextLevel(pattern, more_pattern, wanted)) {
            return !more_topic;
        }
        if (wanted == "#") {
            return true;
        }
        if (!NextLevel(topic, more_topic, level) || (wanted != "+" && wanted != level)) {
            return false;
        }
    }
}

bool IsTopicPattern(std::string_view pattern) noexcept {
    bool more = true;
    std::string_view level;
    while (NextLevel(pattern, more, level)) {
        if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) {
            return false;
        }
        if (level == "#" && more) {
            return false;
        }
    }
    return true;
}

bool HasWildcard(std::string_view topic) noexcept {
    return topic.find_first_of("+#") != std::string_view::npos;
}

// The rows that wait for one subscriber. Two halves: one is filled while the other is delivered.
class MemoryBus::Inbox : public std::enable_shared_from_this<Inbox> {
  public:
    Inbox(io::Scheduler& scheduler, std::string pattern, const Limits& limits, Receiver& receiver)
        : scheduler_(&scheduler), pattern_(std::move(pattern)), limits_(limits), receiver_(&receiver) {}

    const std::string& pattern() const { return pattern_; }

    void Put(const std::string& topic, const Value& object, int64_t timestamp_ms) {
        const size_t waiting = filling_.rows.size() + delivering_.rows.size() - next_;
        if (waiting >= limits_.rows ||
            filling_.arena.reserved_bytes() + delivering_.arena.reserved_bytes() >= limits_.bytes) {
            ++dropped_;
        } else {
            filling_.rows.push_back({CopyValue(object, filling_.arena), topic, timestamp_ms});
        }
        Schedule();
    }
    void Resume() {
        paused_ = false;
        Schedule();
    }
    void Detach() { receiver_ = nullptr; }

  private:
    struct Entry {
        Value object;  // in the arena of its half
        std::string topic;
        int64_t timestamp_ms;
    };
    struct Half {
        Arena arena;
        std::vector<Entry> rows;
    };

    void Schedule() {
        if (posted_ || paused_) {
            return;
        }
        posted_ = true;
        scheduler_->Post([self = shared_from_this()] {
            self->posted_ = false;
            self->Deliver();
        });
    }

    // One half per turn: what arrives meanwhile waits for the next.
    void Deliver() {
        if (receiver_ != nullptr && dropped_ != 0) {
            receiver_->OnDropped(std::exchange(dropped_, 0));
        }
        if (next_ == delivering_.rows.size()) {
            delivering_.rows.clear();
            delivering_.arena.Reset();
            next_ = 0;
            std::swap(filling_, delivering_);
        }
        while (receiver_ != nullptr && !paused_ && next_ < delivering_.rows.size()) {
            const Entry& entry = delivering_.rows[next_++];
            paused_ = receiver_->OnRow(entry.object, entry.topic, entry.timestamp_ms) == Flow::kPause;
        }
        if (receiver_ != nullptr && (next_ < delivering_.rows.size() || !filling_.rows.empty())) {
            Schedule();
        }
    }

    io::Scheduler* scheduler_;
    std::string pattern_;
    Limits limits_;
    Receiver* receiver_;  // null once the subscription has ended
    Half filling_;
    Half delivering_;
    size_t next_ = 0;  // in delivering_
    int64_t dropped_ = 0;
    bool paused_ = false;
    bool posted_ = false;
};

class MemoryBus::Handle final : public Subscription {
  public:
    Handle(MemoryBus& bus, std::shared_ptr<Inbox> inbox) : bus_(&bus), inbox_(std::move(inbox)) {}
    ~Handle() override {
        inbox_->Detach();
        std::erase(bus_->inboxes_, inbox_);
    }
    void Resume() override { inbox_->Resume(); }

  private:
    MemoryBus* bus_;
    std::shared_ptr<Inbox> inbox_;
};

MemoryBus::~MemoryBus() { HAUMEA_CHECK(inboxes_.empty()); }

std::unique_ptr<MemoryBus::Subscription> MemoryBus::Subscribe(std::string pattern, const Limits& limits,
                                                              Receiver& receiver) {
    auto inbox = std::make_shared<Inbox>(*scheduler_, std::move(pattern), limits, receiver);
    inboxes_.push_back(inbox);
    return std::make_unique<Handle>(*this, std::move(inbox));
}

size_t MemoryBus::Publish(const std::string& topic, const Value& object, int64_t timestamp_ms) {
    size_t receivers = 0;
    for (const auto& inbox : inboxes_) {
        if (TopicMatches(inbox->pattern(), topic)) {
            inbox->Put(topic, object, timestamp_ms);
            ++receivers;
        }
    }
    return receivers;
}

}  // namespace haumea::connect
