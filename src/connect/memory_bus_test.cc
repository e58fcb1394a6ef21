#include "connect/memory_bus.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/virtual_scheduler.h"

namespace haumea::connect {
namespace {

TEST(Topics, PlusIsOneLevelAndHashTheRest) {
    EXPECT_TRUE(TopicMatches("a/b", "a/b"));
    EXPECT_TRUE(TopicMatches("a/+/c", "a/b/c"));
    EXPECT_TRUE(TopicMatches("a/#", "a/b/c"));
    EXPECT_TRUE(TopicMatches("a/#", "a"));
    EXPECT_TRUE(TopicMatches("#", "a/b"));
    EXPECT_TRUE(TopicMatches("+/+", "a/"));
    EXPECT_FALSE(TopicMatches("a/+", "a"));
    EXPECT_FALSE(TopicMatches("a/+", "a/b/c"));
    EXPECT_FALSE(TopicMatches("a/b", "a"));
    EXPECT_FALSE(TopicMatches("a", "a/b"));
    EXPECT_TRUE(IsTopicPattern("a/+/#"));
    EXPECT_FALSE(IsTopicPattern("a/#/b"));
    EXPECT_FALSE(IsTopicPattern("a/b+"));
}

class Reader final : public MemoryBus::Receiver {
  public:
    Flow OnRow(const Value& object, const std::string& topic, int64_t) noexcept override {
        seen += topic + ":" + std::string(object.Get("s").text()) + " ";
        return answer;
    }
    void OnDropped(int64_t rows) noexcept override { dropped += rows; }
    std::string seen;
    int64_t dropped = 0;
    Flow answer = Flow::kContinue;
};

// A rule with one topic to write to and one to read from.
class MemoryBusTest : public testing::Test {
  protected:
    Flow Publish(const std::string& topic, std::string text) {
        return Publish(*feeder_, topic, std::move(text));
    }
    static Flow Publish(MemoryBus::Publication& from, const std::string& topic, std::string text) {
        const Field field{"s", Value::String(text)};
        const Value row = Value::Object({&field, 1});
        return from.Publish(topic, {&row, 1}, 1);
    }
    static Flow PublishList(MemoryBus::Publication& from, const std::string& topic, size_t rows) {
        const Field field{"s", Value::String("x")};
        const std::vector<Value> list(rows, Value::Object({&field, 1}));
        return from.Publish(topic, list, 1);
    }
    std::unique_ptr<MemoryBus::Publication> Advertise(std::string rule, int& resumed) {
        return bus_.Advertise(std::move(rule), [&resumed] { ++resumed; });
    }
    static constexpr MemoryBus::Limits kTwoRows{.rows = 2, .bytes = 1U << 20U};

    io::VirtualScheduler scheduler_;
    MemoryBus bus_{scheduler_};
    Reader reader_;
    int resumed_ = 0;
    std::unique_ptr<MemoryBus::Publication> feeder_ = Advertise("feeder", resumed_);
};

TEST_F(MemoryBusTest, RowsAreCopiedAndArriveInALaterTurnInOrder) {
    const auto subscription = bus_.Subscribe("r", "a/+", {}, reader_);
    Publish("a/b", "1");
    Publish("b", "x");
    Publish("a/c", "2");
    EXPECT_EQ(reader_.seen, "");
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a/b:1 a/c:2 ");
}

TEST_F(MemoryBusTest, APausedReaderGetsTheRestAfterResume) {
    const auto subscription = bus_.Subscribe("r", "a", {}, reader_);
    reader_.answer = Flow::kPause;
    Publish("a", "1");
    Publish("a", "2");
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 ");
    reader_.answer = Flow::kContinue;
    Publish("a", "3");
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 ");
    subscription->Resume();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 a:2 a:3 ");
}

TEST_F(MemoryBusTest, AFullReaderMakesItsFeederWaitUntilItIsHalfEmptyAndLosesNothing) {
    const auto subscription = bus_.Subscribe("r", "a", {.rows = 4, .bytes = 1U << 20U}, reader_);
    reader_.answer = Flow::kPause;
    for (const char* text : {"1", "2", "3"}) {
        EXPECT_EQ(Publish("a", text), Flow::kContinue);
    }
    EXPECT_EQ(Publish("a", "4"), Flow::kPause);
    scheduler_.RunPosted();
    subscription->Resume();  // takes one more and pauses again: two wait, half of four
    EXPECT_EQ(resumed_, 0);
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 a:2 ");
    EXPECT_EQ(resumed_, 1);
    reader_.answer = Flow::kContinue;
    subscription->Resume();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 a:2 a:3 a:4 ");
    EXPECT_EQ(reader_.dropped, 0);
    EXPECT_EQ(resumed_, 1);
}

TEST_F(MemoryBusTest, AFeederOfTwoReadersWaitsForTheSlowerOne) {
    Reader quick;
    const auto fast = bus_.Subscribe("fast", "a", kTwoRows, quick);
    const auto slow = bus_.Subscribe("slow", "a", kTwoRows, reader_);
    reader_.answer = Flow::kPause;
    Publish("a", "1");
    Publish("a", "2");
    Publish("a", "3");
    scheduler_.RunPosted();
    EXPECT_EQ(quick.seen, "a:1 a:2 a:3 ");
    EXPECT_EQ(Publish("a", "4"), Flow::kPause);
    reader_.answer = Flow::kContinue;
    slow->Resume();
    scheduler_.RunPosted();
    EXPECT_EQ(resumed_, 1);
    EXPECT_EQ(reader_.seen, "a:1 a:2 a:3 a:4 ");
}

TEST_F(MemoryBusTest, AListThatFindsRoomIsTakenWhole) {
    const auto subscription = bus_.Subscribe("r", "a", kTwoRows, reader_);
    EXPECT_EQ(PublishList(*feeder_, "a", 1000), Flow::kPause);
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.dropped, 0);
    EXPECT_EQ(reader_.seen.size(), 1000 * std::string("a:x ").size());
    EXPECT_EQ(resumed_, 1);
}

TEST_F(MemoryBusTest, WhatComesRowByRowInATurnThatFoundRoomIsTakenWhole) {
    const auto subscription = bus_.Subscribe("r", "a", kTwoRows, reader_);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(Publish("a", "x"), i < 1 ? Flow::kContinue : Flow::kPause);
    }
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.dropped, 0);
    EXPECT_EQ(reader_.seen.size(), 1000 * std::string("a:x ").size());
}

TEST_F(MemoryBusTest, AFeederThatCannotWaitHasFourTimesTheRoomThenTheNewestAreDroppedCounted) {
    const auto subscription = bus_.Subscribe("r", "a", kTwoRows, reader_);
    reader_.answer = Flow::kPause;
    Publish("a", "first");
    scheduler_.RunPosted();
    for (int i = 0; i < 10; ++i) {
        Publish("a", std::to_string(i));
    }
    reader_.answer = Flow::kContinue;
    subscription->Resume();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:first a:0 a:1 a:2 a:3 a:4 a:5 a:6 a:7 ");
    EXPECT_EQ(reader_.dropped, 2);
}

TEST_F(MemoryBusTest, TheEndOfAReaderFreesWhoWaitedForIt) {
    auto subscription = bus_.Subscribe("r", "a", kTwoRows, reader_);
    Publish("a", "1");
    EXPECT_EQ(Publish("a", "2"), Flow::kPause);
    subscription.reset();
    scheduler_.RunPosted();
    EXPECT_EQ(resumed_, 1);
    EXPECT_EQ(Publish("a", "3"), Flow::kContinue);
}

TEST_F(MemoryBusTest, AFeederThatEndsWhileItWaitsIsNotCalledAnyMore) {
    const auto subscription = bus_.Subscribe("r", "a", kTwoRows, reader_);
    Publish("a", "1");
    EXPECT_EQ(Publish("a", "2"), Flow::kPause);
    feeder_.reset();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 a:2 ");
    EXPECT_EQ(resumed_, 0);
}

TEST_F(MemoryBusTest, ARuleThatFeedsItselfDoesNotWaitForItself) {
    const auto subscription = bus_.Subscribe("feeder", "a", kTwoRows, reader_);
    Publish("a", "1");
    EXPECT_EQ(Publish("a", "2"), Flow::kContinue);
}

TEST_F(MemoryBusTest, RulesInACircleNeverAllWait) {
    Reader reader_b;
    Reader reader_c;
    int resumed_b = 0;
    int resumed_c = 0;
    const auto a_in = bus_.Subscribe("a", "to_a", kTwoRows, reader_);
    const auto b_in = bus_.Subscribe("b", "to_b", kTwoRows, reader_b);
    const auto c_in = bus_.Subscribe("c", "to_c", kTwoRows, reader_c);
    const auto a = Advertise("a", resumed_);
    const auto b = Advertise("b", resumed_b);
    const auto c = Advertise("c", resumed_c);
    PublishList(*feeder_, "to_a", 2);  // waits for a, is in no circle
    EXPECT_EQ(PublishList(*a, "to_b", 2), Flow::kPause);
    EXPECT_EQ(PublishList(*b, "to_c", 2), Flow::kPause);
    EXPECT_EQ(PublishList(*c, "to_a", 2), Flow::kContinue);  // would close the circle
    reader_c.answer = Flow::kContinue;
    scheduler_.RunPosted();
    EXPECT_EQ(resumed_b, 1);
    EXPECT_EQ(resumed_c, 0);
    EXPECT_EQ(reader_c.dropped + reader_b.dropped + reader_.dropped, 0);
}

TEST_F(MemoryBusTest, NothingArrivesAfterTheSubscriptionHasEnded) {
    auto subscription = bus_.Subscribe("r", "a", {}, reader_);
    Publish("a", "1");
    subscription.reset();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "");
}

}  // namespace
}  // namespace haumea::connect
