#include "ws/frame_log.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::ws {
namespace {

Ref<const PreparedFrame> Frame(size_t payload_bytes) {
    return PreparedFrame::Make(Opcode::kText, BufferView::Copy(std::string(payload_bytes, 'x')));
}

TEST(FrameLog, KeepsOrderWhileTheRingGrowsAndWraps) {
    FrameLog log;
    for (int i = 0; i < 40; ++i) {
        log.Push(Frame(static_cast<size_t>(i)));
    }
    log.TrimTo(30);
    for (int i = 40; i < 240; ++i) {
        log.Push(Frame(static_cast<size_t>(i)));
    }
    ASSERT_EQ(log.tail(), 30U);
    ASSERT_EQ(log.head(), 240U);
    for (uint64_t seq = log.tail(); seq < log.head(); ++seq) {
        EXPECT_EQ(log.At(seq)->payload().size(), seq);
    }
}

TEST(FrameLog, CountsBytesWithFramingBetweenAnyTwoPositions) {
    FrameLog log;
    log.Push(Frame(10));
    log.Push(Frame(20));
    log.Push(Frame(30));
    log.TrimTo(1);
    EXPECT_EQ(log.BytesBefore(3) - log.BytesBefore(1), 22U + 32U);
    EXPECT_EQ(log.FirstWithin(32), 2U);
    EXPECT_EQ(log.FirstWithin(31), 3U);
    EXPECT_EQ(log.FirstWithin(1000), 1U);
}

TEST(FrameLog, FreesFramesWhenTrimmedAndCountsOnWhenEmpty) {
    FrameLog log;
    const Ref<const PreparedFrame> frame = Frame(1);
    for (int i = 0; i < 5000; ++i) {
        log.Push(frame);
    }
    log.TrimTo(5000);
    EXPECT_TRUE(frame->unique());
    log.Push(frame);
    EXPECT_EQ(log.At(5000).get(), frame.get());
    EXPECT_EQ(log.head(), 5001U);
}

TEST(FrameLog, SmallMessagesAreJoinedUntilALargeOneOrTheEndOfABlock) {
    FrameLog log;
    log.Push(Frame(1));
    for (int i = 0; i < 3; ++i) {
        log.Push(Frame(10), FrameLog::Join::kIfSmall);
    }
    log.Push(Frame(100'000), FrameLog::Join::kIfSmall);
    log.Push(Frame(20), FrameLog::Join::kIfSmall);
    uint64_t end = 6;
    EXPECT_TRUE(log.Joined(0, end).empty());
    end = 6;
    EXPECT_EQ(log.Joined(1, end).size(), 3U * 12U);
    EXPECT_EQ(end, 4U);
    end = 3;
    EXPECT_EQ(log.Joined(2, end).size(), 12U);
    EXPECT_EQ(end, 3U);
    end = 6;
    EXPECT_TRUE(log.Joined(4, end).empty());
    end = 6;
    EXPECT_EQ(log.Joined(5, end).size(), 22U);
}

TEST(FrameLog, OnlyTheLatestMessagesStayJoined) {
    FrameLog log;
    for (int i = 0; i < 40'000; ++i) {
        log.Push(Frame(98), FrameLog::Join::kIfSmall);  // 100 bytes each
    }
    uint64_t end = 40'000;
    EXPECT_TRUE(log.Joined(0, end).empty());
    end = 40'000;
    EXPECT_FALSE(log.Joined(39'999, end).empty());
    end = 40'000;
    EXPECT_FALSE(log.Joined(31'000, end).empty());
    log.TrimTo(35'000);
    end = 40'000;
    EXPECT_FALSE(log.Joined(35'000, end).empty());
}

TEST(FrameLog, FindsTheMessageThatAByteBelongsTo) {
    FrameLog log;
    for (const size_t size : {10, 20, 30}) {
        log.Push(Frame(size));
    }
    log.TrimTo(1);
    const uint64_t begin = log.BytesBefore(1);
    EXPECT_EQ(log.SeqAt(begin, 1, 3), 1U);
    EXPECT_EQ(log.SeqAt(begin + 21, 1, 3), 1U);
    EXPECT_EQ(log.SeqAt(begin + 22, 1, 3), 2U);
    EXPECT_EQ(log.SeqAt(begin + 22 + 32, 1, 3), 3U);
    EXPECT_EQ(log.SeqAt(begin + 1000, 1, 2), 2U);
}

}  // namespace
}  // namespace haumea::ws
