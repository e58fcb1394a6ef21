#include "connectors/websocket/destination_overflow.h"

#include <gtest/gtest.h>

namespace haumea::connectors {
namespace {

connect::EncodedMessage Message(size_t bytes) {
    connect::EncodedMessage message;
    message.payload = BufferView::Copy(std::string(bytes, 'x'));
    return message;
}

TEST(DestinationOverflow, HoldsAtMostSoManyMessages) {
    DestinationOverflow overflow;
    size_t taken = 0;
    for (connect::EncodedMessage message = Message(1); overflow.Add("a", message); message = Message(1)) {
        ++taken;
    }
    EXPECT_EQ(taken, 4096U);
    EXPECT_EQ(overflow.size(), taken);
}

TEST(DestinationOverflow, HoldsAtMostSoManyBytesAndTakesNothingOfWhatItRefuses) {
    DestinationOverflow overflow;
    connect::EncodedMessage most = Message((16U << 20U) - 10);
    ASSERT_TRUE(overflow.Add("a", most));
    connect::EncodedMessage more = Message(11);
    EXPECT_FALSE(overflow.Add("b", more));
    EXPECT_EQ(more.payload.len, 11U);
    EXPECT_FALSE(overflow.Has("b"));
    more = Message(10);
    EXPECT_TRUE(overflow.Add("b", more));
}

TEST(DestinationOverflow, GivesAllBackInOrderAndHasRoomAgain) {
    DestinationOverflow overflow;
    for (const char* key : {"a", "b", "a"}) {
        connect::EncodedMessage message = Message(8U << 10U);
        ASSERT_TRUE(overflow.Add(key, message));
    }
    EXPECT_TRUE(overflow.Has("a"));
    const auto entries = overflow.Take();
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].key + entries[1].key + entries[2].key, "aba");
    EXPECT_TRUE(overflow.empty());
    EXPECT_FALSE(overflow.Has("a"));
    connect::EncodedMessage most = Message(16U << 20U);
    EXPECT_TRUE(overflow.Add("c", most));
}

}  // namespace
}  // namespace haumea::connectors
