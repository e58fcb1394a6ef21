#include "connect/cache_stage.h"

#include "connect/cache_farewells.h"
#include "connect/testing/cache_fixture.h"

namespace haumea::connect {
namespace {

TEST_F(CacheStageTest, WhileTheRemoteConfirmsTheDiskIsNotTouched) {
    Start();
    for (int i = 0; i < 1000; ++i) {
        PushAll(i, i);
        remote_.Confirm();
    }
    Advance(150);
    remote_.Confirm();
    Advance(10'000);
    EXPECT_EQ(remote_.Take(), Numbers(0, 999));
    EXPECT_FALSE(FileExists());
    EXPECT_EQ(cache_stats_.records_in, 1000);
    EXPECT_EQ(cache_stats_.records_out, 1000);
    EXPECT_EQ(cache_stats_.buffer_length, 0);
}

TEST_F(CacheStageTest, ConfirmationIsAskedForEvery64MessagesOr100Milliseconds) {
    Start();
    PushAll(1, 63);
    EXPECT_TRUE(remote_.asked.empty());
    PushAll(64, 64);
    EXPECT_EQ(remote_.asked.size(), 1U);
    PushAll(65, 65);
    Advance(99);
    EXPECT_EQ(remote_.asked.size(), 1U);
    Advance(1);
    EXPECT_EQ(remote_.asked.size(), 2U);
    remote_.Confirm();
    Advance(1'000);
    EXPECT_TRUE(remote_.asked.empty()) << "nothing is unconfirmed, nothing is asked";
}

TEST_F(CacheStageTest, FewMessagesAreInFlightSoThatACutBringsFewTwice) {
    Start();
    PushAll(1, 10'000);
    const auto in_flight = static_cast<int>(remote_.Take().size());
    EXPECT_LE(in_flight, 4'096);
    remote_.Lose();
    remote_.Connect();
    EXPECT_EQ(TakeAll(), Numbers(1, 10'000)) << "only those come twice";
}

TEST_F(CacheStageTest, WhatWasNotConfirmedIsSentAgainInOrderBeforeWhatIsNew) {
    Start();
    PushAll(1, 2);
    Advance(100);
    remote_.Confirm();
    PushAll(3, 5);
    EXPECT_EQ(remote_.Take(), Numbers(1, 5));
    remote_.Lose();
    PushAll(6, 20);
    EXPECT_EQ(remote_.Take(), Texts{});
    remote_.Connect();
    Advance(50);
    EXPECT_EQ(remote_.Take(), Numbers(3, 20));
    PushAll(21, 22);
    Advance(200);
    remote_.Confirm();
    EXPECT_EQ(remote_.Take(), Numbers(21, 22));
    EXPECT_EQ(cache_stats_.buffer_length, 0);
    EXPECT_EQ(cache_stats_.records_out, 22);
    EXPECT_EQ(cache_stats_.dropped, 0);
}

TEST_F(CacheStageTest, WhatTheTransportHasDroppedIsNotOfferedAgain) {
    Start();
    PushAll(1, 1);
    remote_.drops = true;
    PushAll(2, 2);
    remote_.drops = false;
    PushAll(3, 3);
    EXPECT_EQ(remote_.Take(), (Texts{"1", "3"}));
    remote_.Lose();
    remote_.Connect();
    EXPECT_EQ(remote_.Take(), (Texts{"1", "3"}));
    EXPECT_EQ(sink_stats_.records_in, 5) << "the dropped one was offered once";
}

TEST_F(CacheStageTest, ATransportThatDoesNotConfirmIsDoneWithWhatItTakes) {
    remote_.confirms = false;
    remote_.connected = false;  // no client
    Start();
    PushAll(1, 12);
    Kill();
    remote_.connected = true;
    Start();
    PushAll(13, 14);
    Advance(50);
    EXPECT_EQ(remote_.Take(), Numbers(1, 14));
    EXPECT_EQ(cache_stats_.buffer_length, 0);
    Kill();
    Start();
    Advance(50);
    EXPECT_EQ(remote_.Take(), Texts{});
}

TEST_F(CacheStageTest, AnEndedCacheWaitsForTheLastConfirmationSoThatNothingIsSentTwice) {
    CacheFarewells farewells(scheduler_);
    const auto leave = [&] {
        farewells.Add({.file = settings_.backlog.file,
                       .sink = std::make_unique<FakeRemote>(),  // closed after the stage
                       .resend_sink = nullptr,
                       .nodes = {},
                       .stage = std::move(stage_)});
    };
    bool free = false;
    Start();
    PushAll(1, 3);
    leave();
    EXPECT_EQ(remote_.asked.size(), 1U) << "asked at once";
    farewells.WhenFree(settings_.backlog.file, [&] { free = true; });
    EXPECT_FALSE(free);
    remote_.Confirm();
    Advance(1);
    EXPECT_TRUE(free);
    remote_.Take();
    Start();
    EXPECT_EQ(remote_.Take(), Texts{}) << "confirmed before the end";

    PushAll(4, 5);
    leave();
    Advance(CacheFarewells::kPatienceMs);
    remote_.Take();
    Start();
    EXPECT_EQ(remote_.Take(), Numbers(4, 5)) << "never confirmed: kept in the file";

    remote_.Lose();
    leave();  // nothing to wait for
    free = false;
    farewells.WhenFree(settings_.backlog.file, [&] { free = true; });
    EXPECT_TRUE(free);
}

}  // namespace
}  // namespace haumea::connect
