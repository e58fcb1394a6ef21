// How much may wait for a client, and what happens beyond: the policies of slowConsumer.
#include "ws/hub_test_support.h"

#include <vector>

namespace haumea::ws {
namespace {

TEST_F(HubTest, FullClientDropsItsOldestAndDisturbsNobody) {
    Make({4, 1000}, SlowConsumer::kDropOldest);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 0;
    for (const char letter : std::string("abcdefghij")) {
        EXPECT_EQ(Publish({&letter, 1}), Publication::kAccepted);
        Turn();
    }
    EXPECT_EQ(good->Letters(), "abcdefghij");
    EXPECT_EQ(hub_->stats().dropped_oldest, 6U);
    EXPECT_EQ(hub_->stats().slow_clients, 1U);
    EXPECT_EQ(hub_->Backlog(*stuck).messages, 4U);
    EXPECT_LE(hub_->stats().log_messages, 70U);
    EXPECT_EQ(stuck->slow_events, 1);
    stuck->Open(SIZE_MAX);
    Turn();
    EXPECT_EQ(stuck->Letters(), "ghij");
    EXPECT_EQ(hub_->stats().slow_clients, 0U);
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

TEST_F(HubTest, WhatSlowClientsMissIsTakenOnce) {
    Make({3, 1000}, SlowConsumer::kDropOldest);
    auto stuck = Client();
    stuck->room = 0;
    EXPECT_EQ(hub_->TakeDropped(), 0U);
    for (const char letter : std::string("abcdef")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_EQ(hub_->TakeDropped(), hub_->stats().dropped_oldest);
    EXPECT_GT(hub_->stats().dropped_oldest, 0U);
    EXPECT_EQ(hub_->TakeDropped(), 0U);
}

TEST_F(HubTest, BacklogIsBoundedInBytesToo) {
    Make({1000, 9}, SlowConsumer::kDropOldest);
    auto stuck = Client();
    stuck->room = 0;
    for (const char letter : std::string("abcdef")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_EQ(hub_->stats().dropped_oldest, 3U);
    stuck->Open(SIZE_MAX);
    EXPECT_EQ(stuck->Letters(), "def");
}

TEST_F(HubTest, DropNewestKeepsWhatWaitsAndSkipsUntilCaughtUp) {
    Make({3, 1000}, SlowConsumer::kDropNewest);
    auto stuck = Client();
    stuck->room = 0;
    for (const char letter : std::string("abcdefg")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_EQ(hub_->stats().dropped_newest, 4U);
    stuck->Open(SIZE_MAX);
    Publish("h");
    Turn();
    EXPECT_EQ(stuck->Letters(), "abch");
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

TEST_F(HubTest, StuckClientOfDropNewestDoesNotHoldTheLog) {
    Make({3, 1000}, SlowConsumer::kDropNewest);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 0;
    for (int i = 0; i < 1000; ++i) {
        Publish("x");
        Turn();
    }
    EXPECT_LE(hub_->stats().log_messages, 200U);
    EXPECT_EQ(hub_->stats().dropped_newest, 997U);
}

TEST_F(HubTest, ConflateLeavesOnlyTheNewest) {
    Make({2, 1000}, SlowConsumer::kConflate);
    auto stuck = Client();
    stuck->room = 0;
    for (const char letter : std::string("abc")) {
        Publish({&letter, 1});
        Turn();
    }
    stuck->Open(SIZE_MAX);
    EXPECT_EQ(stuck->Letters(), "c");
    EXPECT_EQ(hub_->stats().dropped_conflated, 2U);
}

TEST_F(HubTest, ConflateKeepsOnlyTheNewestUntilTheClientTakesBytesAgain) {
    Make({3, 1000}, SlowConsumer::kConflate);
    auto stuck = Client();
    stuck->room = 0;
    for (const char letter : std::string("abcdefgh")) {
        Publish({&letter, 1});
        Turn();
        if (letter == 'f') {
            hub_->BringUpToDate();
            EXPECT_EQ(hub_->Backlog(*stuck).messages, 1U);
            EXPECT_EQ(stuck->dropped(), 5U);
        }
    }
    stuck->Open(SIZE_MAX);
    EXPECT_EQ(stuck->Letters(), "h");
    EXPECT_EQ(hub_->stats().dropped_conflated, 7U);
    for (const char letter : std::string("ij")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_EQ(stuck->Letters(), "hij");
    EXPECT_EQ(stuck->slow_events, 1);
    EXPECT_EQ(hub_->stats().slow_clients, 0U);
}

TEST_F(HubTest, HighWaterIsWhatEverWaitedAndNeverMoreThanTheLimits) {
    for (const SlowConsumer policy :
         {SlowConsumer::kDropOldest, SlowConsumer::kDropNewest, SlowConsumer::kConflate,
          SlowConsumer::kDisconnect, SlowConsumer::kBlock}) {
        Make({4, 1000}, policy);
        auto stuck = Client();
        stuck->room = 0;
        for (int i = 0; i < 9; ++i) {
            Publish("x");
            Turn();
        }
        scheduler_.AdvanceTo(scheduler_.clock().NowMs() + 2000);
        EXPECT_EQ(hub_->stats().backlog_messages_max, 4U) << static_cast<int>(policy);
        EXPECT_GE(hub_->stats().backlog_bytes_max, 12U) << static_cast<int>(policy);
        hub_->Remove(*stuck);
        EXPECT_EQ(hub_->stats().backlog_messages_max, 4U) << static_cast<int>(policy);
        EXPECT_EQ(hub_->stats().log_messages, 0U) << static_cast<int>(policy);
    }
}

TEST_F(HubTest, WhatNobodyNeedsAnyMoreDoesNotShowAsWaiting) {
    Make({2, 1000}, SlowConsumer::kDisconnect);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 0;
    for (int i = 0; i < 50; ++i) {
        Publish("x");
        Turn();
    }
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

TEST_F(HubTest, DisconnectClosesTheClientBeyondItsBacklog) {
    Make({2, 1000}, SlowConsumer::kDisconnect);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 1;
    for (const char letter : std::string("abcdef")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_EQ(stuck->too_slow_events, 1);
    EXPECT_EQ(hub_->stats().closed_slow, 1U);
    EXPECT_EQ(good->Letters(), "abcdef");
    stuck->Open(SIZE_MAX);
    Turn();
    EXPECT_EQ(stuck->got, std::string("\x81\x01") + "a<1013>");  // the begun frame is finished before
    EXPECT_TRUE(stuck->drained);
}

TEST_F(HubTest, BlockRefusesUntilTheFullClientTakesMore) {
    Make({2, 1000}, SlowConsumer::kBlock);
    auto stuck = Client();
    stuck->room = 0;
    EXPECT_EQ(Publish("a"), Publication::kAccepted);
    Turn();
    EXPECT_EQ(Publish("b"), Publication::kAccepted);
    EXPECT_EQ(Publish("c"), Publication::kBlocked);
    EXPECT_EQ(ready_calls_, 0);
    stuck->Open(SIZE_MAX);
    Turn();
    EXPECT_EQ(ready_calls_, 1);
    EXPECT_EQ(Publish("c"), Publication::kAccepted);
    Turn();
    EXPECT_EQ(stuck->Letters(), "abc");
}

TEST_F(HubTest, BlockingClientIsClosedAfterItsTime) {
    Make({1, 1000}, SlowConsumer::kBlock);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 0;
    Publish("a");
    Turn();
    EXPECT_EQ(Publish("b"), Publication::kBlocked);
    scheduler_.AdvanceTo(1999);
    EXPECT_EQ(stuck->too_slow_events, 0);
    scheduler_.AdvanceTo(2000);
    EXPECT_EQ(stuck->too_slow_events, 1);
    EXPECT_EQ(ready_calls_, 1);
    EXPECT_EQ(Publish("b"), Publication::kAccepted);
    Turn();
    EXPECT_EQ(good->Letters(), "ab");
}

TEST_F(HubTest, EachBlockingClientIsClosedAfterItsOwnTime) {
    Make({1, 1000}, SlowConsumer::kBlock);
    auto first = Client();
    auto second = Client();
    first->room = 0;
    Publish("a");
    Turn();
    EXPECT_EQ(Publish("b"), Publication::kBlocked);
    scheduler_.AdvanceTo(1100);
    first->Open(3);  // takes the message
    second->room = 0;
    EXPECT_EQ(Publish("b"), Publication::kAccepted);
    Turn();
    EXPECT_EQ(Publish("c"), Publication::kBlocked);
    scheduler_.AdvanceTo(2099);
    EXPECT_EQ(first->too_slow_events + second->too_slow_events, 0);
    scheduler_.AdvanceTo(2100);
    EXPECT_EQ(first->too_slow_events, 1);
    EXPECT_EQ(second->too_slow_events, 1);
}

TEST_F(HubTest, ABlockedClientThatIsClosedDoesNotHoldTheLog) {
    for (const SlowConsumer policy :
         {SlowConsumer::kDropOldest, SlowConsumer::kDropNewest, SlowConsumer::kConflate,
          SlowConsumer::kDisconnect, SlowConsumer::kBlock}) {
        SCOPED_TRACE(static_cast<int>(policy));
        Make({10, 1000}, policy);
        auto stuck = Client();
        auto good = Client();
        stuck->room = 0;
        for (const char letter : std::string("abc")) {
            Publish({&letter, 1});
            Turn();
        }
        hub_->Finish(*stuck, "<1002>", Hub::Waiting::kSend);
        for (int i = 0; i < 1000; ++i) {
            EXPECT_EQ(Publish("x"), Publication::kAccepted);
            Turn();
        }
        EXPECT_EQ(hub_->stats().log_messages, 0U);
        EXPECT_EQ(hub_->Backlog(*stuck).messages, 3U);
        stuck->Open(SIZE_MAX);
        Turn();
        EXPECT_EQ(stuck->got, std::string("\x81\x01") + "a\x81\x01" + "b\x81\x01" + "c<1002>");
        EXPECT_TRUE(stuck->drained);
        EXPECT_EQ(hub_->TakeDropped(), 0U);
    }
}

TEST_F(HubTest, AClientThatBlocksWhileItIsClosedDoesNotHoldTheLog) {
    Make({10, 1000}, SlowConsumer::kDropOldest);
    auto stuck = Client();
    auto good = Client();
    stuck->room = 2;
    Publish("ab");
    hub_->Finish(*stuck, "<1001>", Hub::Waiting::kSend);
    for (int i = 0; i < 1000; ++i) {
        Turn();
        Publish("x");
    }
    Turn();
    EXPECT_EQ(hub_->stats().log_messages, 0U);
    stuck->Open(SIZE_MAX);
    EXPECT_EQ(stuck->got, std::string("\x81\x01") + "a\x81\x01" + "b<1001>");
}

TEST_F(HubTest, AClientThatIsBeingClosedIsNoRoom) {
    Make({4, 1000}, SlowConsumer::kDropOldest);
    auto slow = Client();
    auto leaving = Client();
    slow->room = 0;
    for (const char letter : std::string("abcd")) {
        Publish({&letter, 1});
        Turn();
    }
    EXPECT_TRUE(hub_->HasRoom());
    hub_->Finish(*leaving, "<1000>", Hub::Waiting::kSend);
    Turn();
    EXPECT_TRUE(leaving->drained);
    EXPECT_FALSE(hub_->HasRoom());  // only the slow one could get more
    auto fresh = Client();
    EXPECT_TRUE(hub_->HasRoom());
    hub_->Remove(*leaving);
    EXPECT_TRUE(hub_->HasRoom());
    hub_->Remove(*fresh);
    EXPECT_FALSE(hub_->HasRoom());
    slow->Open(SIZE_MAX);
    EXPECT_TRUE(hub_->HasRoom());
}

}  // namespace
}  // namespace haumea::ws
