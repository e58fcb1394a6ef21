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

// A rule that publishes. Shared with the inboxes it waits for and with posted calls, which may outlive it.
struct MemoryBus::Publisher {
    std::string rule_id;
    std::function<void()> resume;  // empty once the publication has ended
    int waits = 0;                 // for that many inboxes
};

// The rows that wait for one subscriber. Two halves: one is filled while the other is delivered.
class MemoryBus::Inbox : public std::enable_shared_from_this<Inbox> {
  public:
    Inbox(io::Scheduler& scheduler, std::string rule_id, std::string pattern, const Limits& limits,
          Receiver& receiver)
        : scheduler_(&scheduler),
          rule_id_(std::move(rule_id)),
          pattern_(std::move(pattern)),
          limits_(limits),
          receiver_(&receiver) {}

    const std::string& rule_id() const { return rule_id_; }
    const std::string& pattern() const { return pattern_; }
    bool full() const { return Exceeds(1); }
    const std::vector<std::shared_ptr<Publisher>>& waiting() const { return waiting_; }

    void Put(const std::string& topic, std::span<const Value> rows, int64_t timestamp_ms) {
        if (!posted_) {
            room_ = !full();
        }
        for (const Value& row : rows) {
            if (!room_ && Exceeds(kOverflow)) {
                ++dropped_;
            } else {
                filling_.rows.push_back({CopyValue(row, filling_.arena), topic, timestamp_ms});
            }
        }
        Schedule();
    }
    void Resume() {
        paused_ = false;
        Schedule();
    }
    void Detach() {
        receiver_ = nullptr;
        Release();
    }
    void Add(const std::shared_ptr<Publisher>& publisher) {
        if (std::find(waiting_.begin(), waiting_.end(), publisher) == waiting_.end()) {
            ++publisher->waits;
            waiting_.push_back(publisher);
        }
    }
    void Remove(const std::shared_ptr<Publisher>& publisher) { std::erase(waiting_, publisher); }

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

    size_t rows() const { return filling_.rows.size() + delivering_.rows.size() - next_; }
    size_t bytes() const { return filling_.arena.reserved_bytes() + delivering_.arena.reserved_bytes(); }
    bool Exceeds(size_t times) const {
        return rows() >= limits_.rows * times || bytes() >= limits_.bytes * times;
    }

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

    // A bounded number of rows per turn, none of those that arrive meanwhile.
    void Deliver() {
        if (receiver_ != nullptr && dropped_ != 0) {
            receiver_->OnDropped(std::exchange(dropped_, 0));
        }
        TakeNextHalf();
        for (int i = 0;
             i < kRowsPerTurn && receiver_ != nullptr && !paused_ && next_ < delivering_.rows.size(); ++i) {
            const Entry& entry = delivering_.rows[next_++];
            paused_ = receiver_->OnRow(entry.object, entry.topic, entry.timestamp_ms) == Flow::kPause;
        }
        TakeNextHalf();
        if (rows() == 0 || (rows() * 2 <= limits_.rows && bytes() * 2 <= limits_.bytes)) {
            Release();
        }
        room_ = !full();
        if (receiver_ != nullptr && rows() != 0) {
            Schedule();
        }
    }

    void TakeNextHalf() {
        if (next_ == delivering_.rows.size()) {
            delivering_.rows.clear();
            delivering_.arena.Reset();
            next_ = 0;
            std::swap(filling_, delivering_);
        }
    }

    // Who waited for this inbox goes on, unless it waits for others.
    void Release() {
        for (const auto& publisher : std::exchange(waiting_, {})) {
            if (--publisher->waits == 0) {
                scheduler_->Post([publisher] {
                    if (publisher->waits == 0 && publisher->resume) {
                        publisher->resume();
                    }
                });
            }
        }
    }

    io::Scheduler* scheduler_;
    std::string rule_id_;
    std::string pattern_;
    Limits limits_;
    Receiver* receiver_;  // null once the subscription has ended
    Half filling_;
    Half delivering_;
    size_t next_ = 0;  // in delivering_
    int64_t dropped_ = 0;
    std::vector<std::shared_ptr<Publisher>> waiting_;
    bool paused_ = false;
    bool posted_ = false;
    bool room_ = true;  // when this turn began
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

class MemoryBus::Share final : public Publication {
  public:
    Share(MemoryBus& bus, std::shared_ptr<Publisher> publisher)
        : bus_(&bus), publisher_(std::move(publisher)) {}
    ~Share() override {
        publisher_->resume = nullptr;
        for (const auto& inbox : bus_->inboxes_) {
            inbox->Remove(publisher_);
        }
    }
    Flow Publish(const std::string& topic, std::span<const Value> rows, int64_t timestamp_ms) override {
        return bus_->Publish(publisher_, topic, rows, timestamp_ms);
    }

  private:
    MemoryBus* bus_;
    std::shared_ptr<Publisher> publisher_;
};

MemoryBus::~MemoryBus() { HAUMEA_CHECK(inboxes_.empty()); }

std::unique_ptr<MemoryBus::Subscription> MemoryBus::Subscribe(std::string rule_id, std::string pattern,
                                                              const Limits& limits, Receiver& receiver) {
    auto inbox =
        std::make_shared<Inbox>(*scheduler_, std::move(rule_id), std::move(pattern), limits, receiver);
    inboxes_.push_back(inbox);
    return std::make_unique<Handle>(*this, std::move(inbox));
}

std::unique_ptr<MemoryBus::Publication> MemoryBus::Advertise(std::string rule_id,
                                                             std::function<void()> resume) {
    return std::make_unique<Share>(
        *this, std::make_shared<Publisher>(Publisher{std::move(rule_id), std::move(resume)}));
}

Flow MemoryBus::Publish(const std::shared_ptr<Publisher>& publisher, const std::string& topic,
                        std::span<const Value> rows, int64_t timestamp_ms) {
    for (const auto& inbox : inboxes_) {
        if (!TopicMatches(inbox->pattern(), topic)) {
            continue;
        }
        inbox->Put(topic, rows, timestamp_ms);
        if (inbox->full() && !Waits(inbox->rule_id(), publisher->rule_id)) {
            inbox->Add(publisher);
        }
    }
    return publisher->waits == 0 ? Flow::kContinue : Flow::kPause;
}

bool MemoryBus::Waits(const std::string& from, const std::string& to) const {
    std::vector<std::string_view> seen{from};
    for (size_t i = 0; i < seen.size(); ++i) {
        if (seen[i] == to) {
            return true;
        }
        for (const auto& inbox : inboxes_) {
            const bool waits = std::any_of(inbox->waiting().begin(), inbox->waiting().end(),
                                           [&](const auto& one) { return one->rule_id == seen[i]; });
            if (waits && std::find(seen.begin(), seen.end(), inbox->rule_id()) == seen.end()) {
                seen.push_back(inbox->rule_id());
            }
        }
    }
    return false;
}

}  // namespace haumea::connect
