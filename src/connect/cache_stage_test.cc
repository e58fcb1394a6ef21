#include "connect/cache_stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "connect/cache_farewells.h"
#include "connect/cache_file.h"
#include "io/virtual_scheduler.h"

namespace haumea::connect {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using Texts = std::vector<std::string>;

// A remote as a client-role transport shows it: takes messages while connected and confirms what it was asked
// about.
class FakeRemote final : public MessageSink {
  public:
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    Delivery Send(const EncodedMessage& message) noexcept override {
        if (!connected || wire.size() >= room) {
            return Delivery::kBlocked;
        }
        if (drops) {
            return Delivery::kDropped;
        }
        wire.emplace_back(message.payload.view());
        return confirms ? Delivery::kQueued : Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    bool UseConfirmation(DeliveryListener& listener) override {
        listener_ = &listener;
        return confirms;
    }
    bool RequestConfirmation(uint64_t mark) override {
        if (connected) {
            asked.push_back(mark);
        }
        return connected;
    }
    void Close() override {}

    void Connect() {
        connected = true;
        ready_();
    }
    void Lose() {
        connected = false;
        asked.clear();
        listener_->OnLost();
    }
    // Answers the latest question.
    void Confirm() {
        if (!asked.empty()) {
            const uint64_t mark = asked.back();
            asked.clear();
            listener_->OnConfirmed(mark);
        }
    }
    void MakeRoom(size_t messages) {
        room = messages;
        ready_();
    }
    Texts Take() { return std::exchange(wire, {}); }

    Texts wire;
    std::vector<uint64_t> asked;
    bool connected = true;
    bool confirms = true;
    bool drops = false;  // as a payload that is no text for messageType text
    size_t room = SIZE_MAX;

  private:
    std::function<void()> ready_;
    DeliveryListener* listener_ = nullptr;
};

class CacheStageTest : public testing::Test {
  protected:
    CacheStageTest()
        : folder_(fs::path(testing::TempDir()) /
                  fmt::format("haumea-cache-{}-{}", getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name())) {
        fs::remove_all(folder_);
        settings_.backlog.file = (folder_ / "r" / "websocket_0.db").string();
        settings_.backlog.memory_messages = 4;
        settings_.backlog.page_messages = 2;
    }
    ~CacheStageTest() override {
        Stop();
        fs::remove_all(folder_);
    }

    void Start() {
        stage_ = std::make_unique<CacheStage>(
            remote_, other_ ? other_.get() : nullptr, settings_,
            CacheStage::Nodes{.cache = &cache_stats_, .sink = &sink_stats_, .resend = &resend_stats_},
            scheduler_, [this](std::function<void()> work, std::function<void()> then) {
                disk_.emplace_back(std::move(work), std::move(then));
                if (!disk_is_slow_) {
                    Disk();
                }
                return true;
            });
        stage_->SetResumeCallback([this] { ++resumed_; });
        stage_->Open();
        scheduler_.RunPosted();
    }
    void Stop() {
        if (stage_) {
            stage_->Close();
            scheduler_.RunPosted();
            stage_.reset();
        }
    }
    // As kill -9: nothing of this process has any further effect on the file.
    void Kill() {
        stage_.reset();
        scheduler_.RunPosted();
    }
    void Disk() {
        for (auto& [work, then] : std::exchange(disk_, {})) {
            work();
            scheduler_.Post(then);
        }
    }
    Flow Push(const std::string& text) {
        EncodedMessage message;
        message.payload = BufferView::Copy(text);
        return stage_->Push(std::move(message));
    }
    void PushAll(int from, int to) {
        for (int i = from; i <= to; ++i) {
            Push(std::to_string(i));
            scheduler_.RunPosted();
        }
    }
    void Advance(int64_t ms) { scheduler_.AdvanceTo(scheduler_.clock().NowMs() + ms); }
    static Texts Numbers(int from, int to) {
        Texts texts;
        for (int i = from; i <= to; ++i) {
            texts.push_back(std::to_string(i));
        }
        return texts;
    }
    bool FileExists() const { return fs::exists(settings_.backlog.file); }

    fs::path folder_;
    CacheSettings settings_;
    io::VirtualScheduler scheduler_;
    FakeRemote remote_;
    std::unique_ptr<FakeRemote> other_;
    metrics::NodeStats cache_stats_{metrics::NodeStats::Kind::kOperator, "websocket_0_0_cache"};
    metrics::NodeStats sink_stats_{metrics::NodeStats::Kind::kSink, "websocket_0"};
    metrics::NodeStats resend_stats_{metrics::NodeStats::Kind::kSink, "websocket_0_resend"};
    std::unique_ptr<CacheStage> stage_;
    std::vector<std::pair<std::function<void()>, std::function<void()>>> disk_;
    bool disk_is_slow_ = false;
    int resumed_ = 0;
};

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

TEST_F(CacheStageTest, WhatWasWrittenSurvivesAKillAndGoesOutBeforeWhatIsNew) {
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

TEST_F(CacheStageTest, AfterAKillOnlyWhatWasInFlightIsSentTwice) {
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

TEST_F(CacheStageTest, AStopKeepsEverythingAndCleanCacheAtStopForgetsIt) {
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

TEST_F(CacheStageTest, AMessageUnconfirmedForLongGoesToTheFile) {
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

TEST_F(CacheStageTest, BeyondItsBoundTheOldestPageGoesAndIsCounted) {
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

TEST_F(CacheStageTest, WithDisableBufferFullDiscardTheRuleWaitsInsteadOfLosing) {
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

TEST_F(CacheStageTest, ASlowDiskMakesTheRuleWait) {
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
    Advance(1000);
    EXPECT_EQ(remote_.Take(), Numbers(1, pushed));
}

TEST_F(CacheStageTest, AFailingFileIsSaidOnceAndMemoryServes) {
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

TEST_F(CacheStageTest, AFileThatFailsAndAFullMemoryLoseTheOldestUnwrittenAndCountThem) {
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
    Advance(10'000);
    const auto first = static_cast<int>(cache_stats_.dropped) + 1;
    EXPECT_EQ(remote_.Take(), Numbers(first, 20'000));
}

TEST_F(CacheStageTest, AFileThatComesToLightLateIsSentToo) {
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

TEST_F(CacheStageTest, ADamagedFileIsSetAsideAndTheRuleGoesOn) {
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

TEST_F(CacheStageTest, ResendIntervalKeepsLateMessagesApartAndNewOnesPushThemOut) {
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

TEST_F(CacheStageTest, LateMessagesCarryTheIndicatorAndOthersDoNot) {
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

TEST_F(CacheStageTest, WithAlterQueueNewMessagesDoNotWaitForLateOnes) {
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

TEST_F(CacheStageTest, WithAlterQueueWhatWasInFlightBecomesLate) {
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

TEST_F(CacheStageTest, WithPriority1NewMessagesWaitBehindLateOnes) {
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

TEST_F(CacheStageTest, WithPriorityBelow1NewMessagesGoFirstAndLateOnesInTurnOrWhenThereAreNone) {
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

TEST_F(CacheStageTest, LateMessagesMayHaveADestinationOfTheirOwn) {
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

TEST_F(CacheStageTest, AnyOrderOfEventsLosesNothingThatWasWrittenAndKeepsTheOrder) {
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

TEST(CacheFile, EveryRuleHasAFolderOfItsOwn) {
    EXPECT_EQ(CacheFile("d", "r1", "websocket_0"), "d/cache/r1/websocket_0.db");
    EXPECT_EQ(CacheFolder("d", "a-b_C"), "d/cache/a-b_C");
    EXPECT_EQ(CacheFolder("d", "../x y"), "d/cache/%2E%2E%2Fx%20y");
    EXPECT_NE(CacheFolder("d", std::string(300, 'a')), CacheFolder("d", std::string(301, 'a')));
    EXPECT_LT(CacheFolder("d", std::string(3000, '\xff')).size(), 220U);
}

}  // namespace
}  // namespace haumea::connect
