#include <fstream>
#include <random>

#include "connect/testing/cache_fixture.h"

namespace haumea::connect {
namespace {

namespace fs = std::filesystem;
// What is written, what survives, what happens when the disk is slow, full of errors or damaged.
using CacheDiskTest = CacheStageTest;

TEST_F(CacheDiskTest, WhatWasWrittenSurvivesAKillAndGoesOutBeforeWhatIsNew) {
    remote_.connected = false;
    Start();
    PushAll(1, 30);
    Kill();
    remote_.connected = true;
    Start();
    PushAll(31, 33);
    Advance(50);
    EXPECT_EQ(remote_.Take(), Numbers(1, 33));
}

TEST_F(CacheDiskTest, AfterAKillOnlyWhatWasInFlightIsSentTwice) {
    remote_.connected = false;
    Start();
    PushAll(1, 10);
    remote_.MakeRoom(6);
    remote_.Connect();
    Advance(100);
    EXPECT_EQ(remote_.Take(), Numbers(1, 6));
    remote_.Confirm();  // 1 to 6
    remote_.MakeRoom(6);
    scheduler_.RunPosted();
    EXPECT_EQ(remote_.wire, Numbers(7, 10));
    Kill();
    remote_.Take();
    Start();
    Advance(50);
    EXPECT_EQ(remote_.Take(), Numbers(7, 10));
}

TEST_F(CacheDiskTest, AStopKeepsEverythingAndCleanCacheAtStopForgetsIt) {
    remote_.connected = false;
    disk_is_slow_ = true;
    Start();
    Disk();
    scheduler_.RunPosted();
    PushAll(1, 9);
    disk_is_slow_ = false;
    Stop();
    Disk();
    scheduler_.RunPosted();
    Start();
    PushAll(10, 11);
    EXPECT_EQ(cache_stats_.buffer_length, 11);
    Stop();
    settings_.clean_at_stop = true;
    Start();
    remote_.Connect();
    Advance(50);
    EXPECT_EQ(remote_.Take(), Numbers(1, 11));
    remote_.Lose();
    Stop();
    EXPECT_FALSE(FileExists());
    Start();
    Advance(50);
    EXPECT_EQ(cache_stats_.buffer_length, 0);
}

TEST_F(CacheDiskTest, AMessageUnconfirmedForLongGoesToTheFile) {
    Start();
    PushAll(1, 1);
    Advance(199);
    EXPECT_FALSE(FileExists());
    Advance(300);
    EXPECT_TRUE(FileExists());
    Kill();
    remote_.Take();
    Start();
    Advance(1);
    EXPECT_EQ(remote_.Take(), Texts{"1"});
}

TEST_F(CacheDiskTest, BeyondItsBoundTheOldestPageGoesAndIsCounted) {
    settings_.backlog.disk_messages = 10;
    remote_.connected = false;
    Start();
    PushAll(1, 14);
    EXPECT_EQ(cache_stats_.dropped, 0);
    PushAll(15, 15);
    EXPECT_EQ(cache_stats_.dropped, 2);
    PushAll(16, 100);
    remote_.Connect();
    Advance(100);
    const Texts got = remote_.Take();
    ASSERT_EQ(got.size(), 100U - static_cast<size_t>(cache_stats_.dropped.load()));
    EXPECT_EQ(got, Numbers(static_cast<int>(cache_stats_.dropped) + 1, 100));
    EXPECT_GE(got.size(), 12U);
}

TEST_F(CacheDiskTest, WithDisableBufferFullDiscardTheRuleWaitsInsteadOfLosing) {
    settings_.backlog.disk_messages = 10;
    settings_.pause_when_full = true;
    remote_.connected = false;
    Start();
    PushAll(1, 9);
    EXPECT_EQ(resumed_, 0);
    EXPECT_EQ(Push("10"), Flow::kPause);
    scheduler_.RunPosted();
    remote_.Connect();
    Advance(100);
    EXPECT_EQ(remote_.Take(), Numbers(1, 10));
    EXPECT_EQ(resumed_, 1);
    EXPECT_EQ(cache_stats_.dropped, 0);
}

TEST_F(CacheDiskTest, ASlowDiskMakesTheRuleWait) {
    remote_.connected = false;
    disk_is_slow_ = true;
    Start();
    Disk();
    scheduler_.RunPosted();
    Flow flow = Flow::kContinue;
    int pushed = 0;
    while (flow == Flow::kContinue && pushed < 100'000) {
        flow = Push(std::to_string(++pushed));
        scheduler_.RunPosted();
    }
    EXPECT_LT(pushed, 20'000);
    disk_is_slow_ = false;
    Disk();
    Advance(100);
    EXPECT_EQ(resumed_, 1);
    remote_.Connect();
    EXPECT_EQ(TakeAll(), Numbers(1, pushed));
}

TEST_F(CacheDiskTest, AFailingFileIsSaidOnceAndMemoryServes) {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "r") << "a file where the folder should be";
    Start();
    PushAll(1, 3);
    EXPECT_EQ(remote_.Take(), Numbers(1, 3));
    remote_.Lose();
    PushAll(4, 10);
    Advance(5'000);
    EXPECT_EQ(cache_stats_.exceptions, 1);
    EXPECT_NE(cache_stats_.texts().last_exception.find("cannot create the folder"), std::string::npos);
    remote_.Connect();
    Advance(100);
    EXPECT_EQ(remote_.Take(), Numbers(1, 10));
}

TEST_F(CacheDiskTest, AFileThatFailsAndAFullMemoryLoseTheOldestUnwrittenAndCountThem) {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "r") << "a file where the folder should be";
    remote_.connected = false;
    Start();
    PushAll(1, 20'000);
    EXPECT_GT(cache_stats_.dropped, 0);
    EXPECT_EQ(cache_stats_.dropped_by_reason[static_cast<size_t>(metrics::DropReason::kCacheFull)],
              cache_stats_.dropped);
    EXPECT_EQ(cache_stats_.dropped + cache_stats_.buffer_length, 20'000);
    remote_.Connect();
    const auto first = static_cast<int>(cache_stats_.dropped) + 1;
    EXPECT_EQ(TakeAll(), Numbers(first, 20'000));
}

TEST_F(CacheDiskTest, AFileThatComesToLightLateIsSentToo) {
    remote_.connected = false;
    Start();
    PushAll(1, 5);
    Kill();
    fs::rename(folder_ / "r", folder_ / "away");
    std::ofstream(folder_ / "r") << "x";
    Start();
    PushAll(6, 7);
    fs::remove(folder_ / "r");
    fs::rename(folder_ / "away", folder_ / "r");
    Advance(2'000);
    remote_.Connect();
    Advance(100);
    EXPECT_EQ(remote_.Take(), Numbers(1, 7));
}

TEST_F(CacheDiskTest, ADamagedFileIsSetAsideAndTheRuleGoesOn) {
    remote_.connected = false;
    Start();
    PushAll(1, 50);
    Kill();
    std::ofstream(settings_.backlog.file, std::ios::binary | std::ios::trunc) << std::string(9'000, 'x');
    fs::remove(settings_.backlog.file + "-wal");
    Start();
    PushAll(51, 60);
    Advance(2'000);
    EXPECT_NE(cache_stats_.texts().last_exception.find(".damaged"), std::string::npos);
    remote_.Connect();
    Advance(100);
    EXPECT_EQ(remote_.Take(), Numbers(51, 60));
    EXPECT_TRUE(fs::exists(settings_.backlog.file + ".damaged"));
}

TEST_F(CacheDiskTest, AnyOrderOfEventsLosesNothingThatWasWrittenAndKeepsTheOrder) {
    std::mt19937 random(20261128);
    const auto chance = [&random](int percent) { return static_cast<int>(random() % 100) < percent; };
    for (int round = 0; round < 30; ++round) {
        settings_.backlog.file = (folder_ / fmt::format("x{}.db", round)).string();
        remote_.connected = chance(50);
        remote_.Take();
        Start();
        int pushed = 0;
        Texts received;
        for (int step = 0; step < 300; ++step) {
            switch (random() % 8) {
                case 0:
                case 1:
                case 2:
                    PushAll(pushed + 1, pushed + 1 + static_cast<int>(random() % 5));
                    pushed = std::stoi(std::to_string(cache_stats_.records_in.load()));
                    break;
                case 3:
                    remote_.connected ? remote_.Lose() : remote_.Connect();
                    break;
                case 4:
                    remote_.Confirm();
                    break;
                case 5:
                    Advance(static_cast<int64_t>(random() % 300));
                    break;
                case 6:
                    disk_is_slow_ = chance(30);
                    Disk();
                    scheduler_.RunPosted();
                    break;
                case 7:
                    if (chance(20)) {
                        Disk();
                        scheduler_.RunPosted();
                        Stop();
                        Disk();
                        Start();
                    }
                    break;
            }
            const Texts got = remote_.Take();
            received.insert(received.end(), got.begin(), got.end());
        }
        disk_is_slow_ = false;
        Disk();
        scheduler_.RunPosted();
        if (!remote_.connected) {
            remote_.Connect();
        }
        for (int i = 0; i < 50; ++i) {
            Advance(100);
            remote_.Confirm();
        }
        const Texts got = remote_.Take();
        received.insert(received.end(), got.begin(), got.end());
        // First arrivals are all there, in order.
        int expected = 1;
        for (const std::string& text : received) {
            const int number = std::stoi(text);
            ASSERT_LE(number, expected) << "round " << round << ": " << expected << " is missing";
            expected += number == expected ? 1 : 0;
        }
        ASSERT_EQ(expected, pushed + 1) << "round " << round;
        ASSERT_EQ(cache_stats_.buffer_length, 0);
        Stop();
        cache_stats_.records_in = 0;
    }
}

}  // namespace
}  // namespace haumea::connect
