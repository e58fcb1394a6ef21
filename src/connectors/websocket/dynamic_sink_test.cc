#include "connectors/websocket/dynamic_sink.h"

#include <gtest/gtest.h>

#include <map>

#include "io/virtual_scheduler.h"

namespace haumea::connectors {
namespace {

using connect::Delivery;
using metrics::ConnectionState;
using Texts = std::vector<std::string>;

// What a test sees and decides of one destination.
struct Wire {
    Texts messages;
    Delivery answer = Delivery::kAccepted;
    bool idle = true;
    bool open_fails = false;
    bool closed = false;
    ConnectionObserver* observer = nullptr;
    connect::DeliveryListener* listener = nullptr;
    std::function<void()> ready;
    std::vector<uint64_t> asked;
};

class WireSink final : public connect::MessageSink {
  public:
    explicit WireSink(Wire& wire) : wire_(&wire) {}
    Result<void> Open(metrics::NodeStats&) override {
        if (wire_->open_fails) {
            return Failf("port in use");
        }
        return {};
    }
    Delivery Send(const connect::EncodedMessage& message) noexcept override {
        if (wire_->answer != Delivery::kBlocked) {
            wire_->messages.emplace_back(message.payload.view());
        }
        return wire_->answer;
    }
    void SetReadyCallback(std::function<void()> ready) override { wire_->ready = std::move(ready); }
    bool UseConfirmation(connect::DeliveryListener& listener) override {
        wire_->listener = &listener;
        return true;
    }
    bool RequestConfirmation(uint64_t mark) override {
        wire_->asked.push_back(mark);
        return true;
    }
    bool idle() const override { return wire_->idle; }
    void Close() override { wire_->closed = true; }

  private:
    Wire* wire_;
};

class Cache final : public connect::DeliveryListener {
  public:
    void OnConfirmed(uint64_t mark) override { confirmed.push_back(mark); }
    void OnLost() override { ++lost; }
    std::vector<uint64_t> confirmed;
    int lost = 0;
};

class DynamicSinkTest : public testing::Test {
  protected:
    void Make(size_t max_targets = 3, std::vector<size_t> values = {0},
              connect::DeliveryListener* cache = nullptr) {
        DynamicSink::Settings settings;
        settings.values = std::move(values);
        settings.max_targets = max_targets;
        settings.idle_ms = 1000;
        settings.confirms = cache != nullptr;
        sink_ = std::make_unique<DynamicSink>(
            scheduler_, std::move(settings),
            [this](std::span<const std::string_view> given,
                   ConnectionObserver& observer) -> Result<DynamicSink::Made> {
                std::string name;
                for (const std::string_view value : given) {
                    if (value.find('!') != std::string_view::npos) {
                        return Failf("property path: bad value \"{}\"", value);
                    }
                    name += name.empty() ? std::string(value) : "+" + std::string(value);
                }
                ++made_;
                Wire& wire = wires_[name];
                wire.observer = &observer;
                wire.closed = false;
                return DynamicSink::Made{std::make_unique<WireSink>(wire), name};
            });
        sink_->SetReadyCallback([this] { ++ready_; });
        if (cache != nullptr) {
            EXPECT_TRUE(sink_->UseConfirmation(*cache));
        }
        ASSERT_TRUE(sink_->Open(stats_));
    }
    Delivery Send(std::string_view text, Texts dynamic) {
        connect::EncodedMessage message;
        message.payload = BufferView::Copy(text);
        message.dynamic = std::move(dynamic);
        return sink_->Send(message);
    }
    void Pass(int64_t ms) { scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms); }

    io::VirtualScheduler scheduler_{1000};
    metrics::NodeStats stats_{metrics::NodeStats::Kind::kSink, "websocket_0"};
    std::map<std::string, Wire> wires_;
    int made_ = 0;
    int ready_ = 0;
    std::unique_ptr<DynamicSink> sink_;
};

TEST_F(DynamicSinkTest, EveryDistinctValueHasOneTarget) {
    Make();
    EXPECT_EQ(Send("1", {"/a"}), Delivery::kAccepted);
    EXPECT_EQ(Send("2", {"/b"}), Delivery::kAccepted);
    EXPECT_EQ(Send("3", {"/a"}), Delivery::kAccepted);
    EXPECT_EQ(wires_["/a"].messages, (Texts{"1", "3"}));
    EXPECT_EQ(wires_["/b"].messages, Texts{"2"});
    EXPECT_EQ(made_, 2);
}

TEST_F(DynamicSinkTest, SeveralValuesTogetherAreTheDestination) {
    Make(8, {2, 0});
    Send("1", {"b", "of another property", "/a"});
    Send("2", {"c", "of another property", "/a"});
    Send("3", {"", "", "/a+b"});
    EXPECT_EQ(wires_["/a+b"].messages, Texts{"1"});
    EXPECT_EQ(wires_["/a+b+"].messages, Texts{"3"});
    EXPECT_EQ(wires_["/a+c"].messages, Texts{"2"});
    EXPECT_EQ(made_, 3);
}

TEST_F(DynamicSinkTest, ABadValueIsACountedDropThatNamesIt) {
    Make();
    EXPECT_EQ(Send("1", {"/!"}), Delivery::kDropped);
    EXPECT_EQ(stats_.dropped.load(), 1);
    EXPECT_EQ(stats_.texts().last_exception, "message dropped: property path: bad value \"/!\"");
    EXPECT_EQ(Send("1", {}), Delivery::kDropped);
    EXPECT_EQ(stats_.dropped.load(), 2);
    EXPECT_NE(stats_.texts().last_exception.find("no value"), std::string::npos);
}

TEST_F(DynamicSinkTest, WhenFullTheTargetIdleLongestMakesRoom) {
    Make();
    for (const char* path : {"/a", "/b", "/c"}) {
        Send("1", {path});
        Pass(10);
    }
    Send("2", {"/a"});
    Pass(10);
    EXPECT_EQ(Send("1", {"/d"}), Delivery::kAccepted);
    EXPECT_TRUE(wires_["/b"].closed);
    EXPECT_FALSE(wires_["/a"].closed);
    EXPECT_EQ(sink_->targets(), 3U);
}

TEST_F(DynamicSinkTest, WhenNoneIsIdleTheMessageIsDroppedAndCounted) {
    Make();
    for (const char* path : {"/a", "/b", "/c"}) {
        Send("1", {path});
        wires_[path].idle = false;
    }
    Pass(10);
    EXPECT_EQ(Send("1", {"/d"}), Delivery::kDropped);
    EXPECT_EQ(Send("2", {"/e"}), Delivery::kDropped);
    EXPECT_EQ(stats_.dropped.load(), 2);
    EXPECT_EQ(stats_.exceptions.load(), 1) << "one text, a counter for the rest";
    EXPECT_EQ(
        stats_.texts().last_exception,
        "dynamic_targets: 3 are open and none is idle, messages for others are dropped; maxDynamicTargets "
        "allows more");
    EXPECT_EQ(Send("3", {"/a"}), Delivery::kAccepted);
}

TEST_F(DynamicSinkTest, AnIdleTargetIsClosedAfterItsTimeAndMadeAgainWhenNeeded) {
    Make();
    Send("1", {"/a"});
    Pass(600);
    Send("1", {"/b"});
    wires_["/b"].idle = false;
    Pass(399);
    EXPECT_EQ(sink_->targets(), 2U);
    Pass(1);
    EXPECT_TRUE(wires_["/a"].closed);
    Pass(5000);
    EXPECT_FALSE(wires_["/b"].closed) << "busy";
    wires_["/b"].idle = true;
    Pass(1000);
    EXPECT_TRUE(wires_["/b"].closed);
    EXPECT_EQ(sink_->targets(), 0U);
    EXPECT_EQ(scheduler_.timers(), 0U) << "nothing to watch";
    EXPECT_EQ(Send("2", {"/a"}), Delivery::kAccepted);
    EXPECT_EQ(wires_["/a"].messages, (Texts{"1", "2"}));
}

TEST_F(DynamicSinkTest, ATargetThatIsWaitedForStays) {
    Make();
    wires_["/a"].answer = Delivery::kBlocked;
    EXPECT_EQ(Send("1", {"/a"}), Delivery::kBlocked);
    Pass(10'000);
    EXPECT_FALSE(wires_["/a"].closed);
    wires_["/a"].answer = Delivery::kAccepted;
    wires_["/a"].ready();
    EXPECT_EQ(ready_, 1);
    EXPECT_EQ(Send("1", {"/a"}), Delivery::kAccepted);
}

TEST_F(DynamicSinkTest, ATargetMayMakeRoomForAnotherFromInsideItsOwnCall) {
    Make(1);
    wires_["/a"].answer = Delivery::kBlocked;
    Send("1", {"/a"});
    Pass(10);
    sink_->SetReadyCallback([this] { Send("2", {"/b"}); });
    const std::function<void()> ready = wires_["/a"].ready;
    ready();
    EXPECT_EQ(wires_["/b"].messages, Texts{"2"});
    Pass(1);
}

TEST_F(DynamicSinkTest, ATargetThatCannotBeOpenedIsACountedDrop) {
    Make();
    wires_["/a"].open_fails = true;
    EXPECT_EQ(Send("1", {"/a"}), Delivery::kDropped);
    EXPECT_EQ(stats_.texts().last_exception, "message dropped: /a: port in use");
    EXPECT_EQ(sink_->targets(), 0U);
    wires_["/a"].open_fails = false;
    EXPECT_EQ(Send("2", {"/a"}), Delivery::kAccepted);
}

TEST_F(DynamicSinkTest, TheConnectionShownIsTheWorstWithItsName) {
    Make();
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kConnecting);
    Send("1", {"/a"});
    wires_["/a"].observer->OnConnection(ConnectionState::kConnected, "");
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kConnected);
    Send("1", {"/b"});
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kConnecting);
    wires_["/b"].observer->OnConnection(ConnectionState::kDisconnected, "it went away");
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kDisconnected);
    EXPECT_EQ(stats_.texts().last_disconnected_message, "/b: it went away");
    EXPECT_EQ(stats_.texts().last_exception, "/b: it went away");
    wires_["/b"].observer->OnConnection(ConnectionState::kConnected, "");
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kConnected);
    sink_->Close();
    EXPECT_EQ(stats_.texts().connection, ConnectionState::kDisconnected);
    EXPECT_TRUE(wires_["/a"].closed);
    EXPECT_EQ(Send("1", {"/a"}), Delivery::kDropped);
}

TEST_F(DynamicSinkTest, AMarkIsConfirmedWhenEveryTargetThatHadMessagesHasAnswered) {
    Cache cache;
    Make(3, {0}, &cache);
    for (const char* path : {"/a", "/b"}) {
        wires_[path].answer = Delivery::kQueued;
        Send("1", {path});
    }
    EXPECT_TRUE(sink_->RequestConfirmation(1));
    Send("2", {"/a"});
    EXPECT_TRUE(sink_->RequestConfirmation(2));
    EXPECT_EQ(wires_["/b"].asked, std::vector<uint64_t>{1}) << "nothing new was sent there";
    wires_["/a"].listener->OnConfirmed(1);
    wires_["/a"].listener->OnConfirmed(2);
    EXPECT_TRUE(cache.confirmed.empty());
    EXPECT_FALSE(sink_->idle());
    wires_["/b"].listener->OnConfirmed(1);
    EXPECT_EQ(cache.confirmed, std::vector<uint64_t>{2});
    EXPECT_TRUE(sink_->idle());
    EXPECT_FALSE(sink_->RequestConfirmation(3)) << "nothing waits for it";
}

TEST_F(DynamicSinkTest, ItsNumbersAreThoseOfAllTargetsAndCountersOutliveThem) {
    static constexpr metrics::NumberKind kSent{"sent", "sent_total",
                                               metrics::PrometheusText::FamilyType::kCounter, "sent"};
    static constexpr metrics::NumberKind kOpen{"open", "open", metrics::PrometheusText::FamilyType::kGauge,
                                               "open"};
    Make();
    int looks = 0;
    for (const char* path : {"/a", "/b"}) {
        Send("1", {path});
        wires_[path].observer->SetNumbers([&looks](metrics::Numbers& into) {
            ++looks;
            into.push_back({&kSent, {}, 2});
            into.push_back({&kOpen, {}, 1});
        });
    }
    metrics::Numbers numbers;
    stats_.ReadNumbers(numbers);
    ASSERT_EQ(numbers.size(), 2U);
    EXPECT_EQ(numbers[0].value, 4);
    EXPECT_EQ(numbers[1].value, 2);
    EXPECT_EQ(looks, 2) << "whoever looks brings every target up to date";
    Pass(2000);
    EXPECT_EQ(sink_->targets(), 0U);
    numbers.clear();
    stats_.ReadNumbers(numbers);
    ASSERT_EQ(numbers.size(), 1U);
    EXPECT_EQ(numbers[0].value, 4);
}

TEST_F(DynamicSinkTest, ALostTargetWithUnconfirmedMessagesLosesThemForTheCache) {
    Cache cache;
    Make(3, {0}, &cache);
    for (const char* path : {"/a", "/b"}) {
        wires_[path].answer = Delivery::kQueued;
        Send("1", {path});
    }
    EXPECT_TRUE(sink_->RequestConfirmation(1));
    wires_["/b"].listener->OnConfirmed(1);
    wires_["/b"].listener->OnLost();
    EXPECT_EQ(cache.lost, 0) << "it had nothing unconfirmed";
    wires_["/a"].listener->OnLost();
    EXPECT_EQ(cache.lost, 1);
    Send("1", {"/b"});
    EXPECT_TRUE(sink_->RequestConfirmation(2));
    wires_["/b"].listener->OnConfirmed(1);
    EXPECT_TRUE(cache.confirmed.empty()) << "an answer to a question from before the loss";
    wires_["/b"].listener->OnConfirmed(2);
    EXPECT_EQ(cache.confirmed, std::vector<uint64_t>{2});
}

}  // namespace
}  // namespace haumea::connectors
