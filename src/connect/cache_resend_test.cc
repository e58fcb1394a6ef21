#include "connect/testing/cache_fixture.h"

namespace haumea::connect {
namespace {

// The resend properties: when late messages go, where, and how they are marked.
using CacheResendTest = CacheStageTest;

TEST_F(CacheResendTest, ResendIntervalKeepsLateMessagesApartAndNewOnesPushThemOut) {
    settings_.resend_interval_ms = 100;
    remote_.connected = false;
    Start();
    PushAll(1, 6);
    remote_.Connect();
    Advance(1);
    EXPECT_EQ(remote_.Take(), Texts{"1"});
    Advance(100);
    EXPECT_EQ(remote_.Take(), Texts{"2"});
    PushAll(7, 8);
    EXPECT_EQ(remote_.Take(), Numbers(3, 4));
    Advance(10'000);
    EXPECT_EQ(remote_.Take(), Numbers(5, 8));
}

TEST_F(CacheResendTest, LateMessagesCarryTheIndicatorAndOthersDoNot) {
    Start();
    const auto push = [this](int number) {
        EncodedMessage message;
        message.payload = BufferView::Copy(std::to_string(number));
        message.resent = BufferView::Copy(fmt::format("{}!", number));
        stage_->Push(std::move(message));
        scheduler_.RunPosted();
    };
    push(1);
    remote_.Lose();
    push(2);
    remote_.Connect();
    Advance(10);
    EXPECT_EQ(remote_.Take(), (Texts{"1", "1!", "2!"}));
    push(3);
    EXPECT_EQ(remote_.Take(), Texts{"3"});
}

TEST_F(CacheResendTest, WithAlterQueueNewMessagesDoNotWaitForLateOnes) {
    settings_.alter_queue = true;
    settings_.resend_interval_ms = 1'000;
    remote_.connected = false;
    Start();
    PushAll(1, 4);
    remote_.Connect();
    Advance(1);
    remote_.Take();
    PushAll(100, 100);
    EXPECT_EQ(remote_.wire.front(), "100");
    Advance(10'000);
    remote_.Confirm();
    EXPECT_EQ(cache_stats_.buffer_length, 0);
}

TEST_F(CacheResendTest, WithAlterQueueWhatWasInFlightBecomesLate) {
    settings_.alter_queue = true;
    Start();
    PushAll(1, 3);
    EXPECT_EQ(remote_.Take(), Numbers(1, 3));
    remote_.Lose();
    remote_.Connect();
    Advance(20);
    EXPECT_EQ(remote_.Take(), Numbers(1, 3));
    Advance(200);
    remote_.Confirm();
    EXPECT_EQ(cache_stats_.buffer_length, 0);
    EXPECT_EQ(cache_stats_.records_out, 3);
}

TEST_F(CacheResendTest, WithAlterQueueOneThatCannotBeSentLeavesTheOthersTheirConfirmation) {
    settings_.alter_queue = true;
    Start();
    PushAll(1, 2);
    Advance(100);
    EXPECT_EQ(remote_.asked.size(), 1U);
    remote_.drops = true;
    Push("no text");
    remote_.drops = false;
    remote_.Confirm();
    EXPECT_EQ(cache_stats_.buffer_length, 0);
    EXPECT_EQ(cache_stats_.records_out, 3);
    remote_.Take();
    remote_.Lose();
    remote_.Connect();
    Advance(1'000);
    EXPECT_EQ(remote_.Take(), Texts{}) << "what is confirmed is not sent again";
}

TEST_F(CacheResendTest, WithPriority1NewMessagesWaitBehindLateOnes) {
    settings_.alter_queue = true;
    settings_.priority = 1;
    remote_.connected = false;
    remote_.room = 2;
    Start();
    PushAll(1, 4);
    remote_.Connect();
    PushAll(5, 5);
    EXPECT_EQ(remote_.Take(), Numbers(1, 2));
    remote_.MakeRoom(SIZE_MAX);
    Advance(20);
    EXPECT_EQ(remote_.Take(), Numbers(3, 5));
}

TEST_F(CacheResendTest, WithPriorityBelow1NewMessagesGoFirstAndLateOnesInTurnOrWhenThereAreNone) {
    settings_.alter_queue = true;
    settings_.backlog.memory_messages = 4096;
    settings_.backlog.page_messages = 1024;
    for (const int priority : {0, -1}) {
        SCOPED_TRACE(priority);
        settings_.priority = priority;
        settings_.backlog.file = (folder_ / fmt::format("p{}.db", priority)).string();
        remote_.connected = false;
        Start();
        PushAll(1, 1000);
        remote_.Connect();
        const auto first_turn = static_cast<int>(remote_.Take().size());
        ASSERT_LT(first_turn, 1000) << "a turn has its limit";
        PushAll(5000, 5000);
        const Texts with_new = remote_.Take();
        ASSERT_FALSE(with_new.empty());
        EXPECT_EQ(with_new.front(), "5000");
        EXPECT_EQ(with_new.size(), priority == 0 ? 2U : 1U);
        Advance(10);
        const size_t late = remote_.Take().size();
        EXPECT_EQ(late > 1, priority == 0) << late;
        EXPECT_GE(late, 1U);
        Advance(1'000);  // no new ones: now those that are late
        remote_.Confirm();
        EXPECT_EQ(cache_stats_.buffer_length, 0);
        remote_.Take();
        Stop();
    }
}

TEST_F(CacheResendTest, LateMessagesMayHaveADestinationOfTheirOwn) {
    settings_.alter_queue = true;
    other_ = std::make_unique<FakeRemote>();
    remote_.connected = false;
    Start();
    PushAll(1, 3);
    Advance(20);
    EXPECT_EQ(other_->Take(), Numbers(1, 3));
    remote_.Connect();
    PushAll(4, 5);
    EXPECT_EQ(remote_.Take(), Numbers(4, 5));
    EXPECT_EQ(other_->Take(), Texts{});
    other_->Confirm();
    Advance(100);
    remote_.Confirm();
    other_->Confirm();
    EXPECT_EQ(cache_stats_.buffer_length, 0);
}

}  // namespace
}  // namespace haumea::connect
