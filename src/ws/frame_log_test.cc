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

}  // namespace
}  // namespace haumea::ws
