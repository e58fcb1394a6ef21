#include "connect/memory_bus.h"

#include <gtest/gtest.h>

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

class MemoryBusTest : public testing::Test {
  protected:
    void Publish(const std::string& topic, std::string text) {
        const Field field{"s", Value::String(text)};
        bus_.Publish(topic, Value::Object({&field, 1}), 1);
    }
    io::VirtualScheduler scheduler_;
    MemoryBus bus_{scheduler_};
    Reader reader_;
};

TEST_F(MemoryBusTest, RowsAreCopiedAndArriveInALaterTurnInOrder) {
    const auto subscription = bus_.Subscribe("a/+", {}, reader_);
    Publish("a/b", "1");
    Publish("b", "x");
    Publish("a/c", "2");
    EXPECT_EQ(reader_.seen, "");
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a/b:1 a/c:2 ");
}

TEST_F(MemoryBusTest, APausedReaderGetsTheRestAfterResume) {
    const auto subscription = bus_.Subscribe("a", {}, reader_);
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

TEST_F(MemoryBusTest, BeyondItsBoundTheNewestAreDroppedCounted) {
    const auto subscription = bus_.Subscribe("a", {.rows = 2, .bytes = 1U << 20U}, reader_);
    for (const char* text : {"1", "2", "3", "4"}) {
        Publish("a", text);
    }
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "a:1 a:2 ");
    EXPECT_EQ(reader_.dropped, 2);
}

TEST_F(MemoryBusTest, NothingArrivesAfterTheSubscriptionHasEnded) {
    auto subscription = bus_.Subscribe("a", {}, reader_);
    Publish("a", "1");
    subscription.reset();
    scheduler_.RunPosted();
    EXPECT_EQ(reader_.seen, "");
}

}  // namespace
}  // namespace haumea::connect
