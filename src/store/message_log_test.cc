#include "store/message_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace haumea::store {
namespace {

namespace fs = std::filesystem;

class MessageLogTest : public testing::Test {
  protected:
    MessageLogTest()
        : folder_(fs::path(testing::TempDir()) /
                  fmt::format("haumea-log-{}-{}", getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name())) {
        fs::remove_all(folder_);
        Reopen();
    }
    ~MessageLogTest() override {
        log_.reset();
        fs::remove_all(folder_);
    }

    void Reopen() {
        log_.reset();
        auto opened = MessageLog::Open(path());
        ASSERT_TRUE(opened) << opened.error().message;
        log_ = std::move(*opened);
    }
    std::string path() const { return (folder_ / "deep" / "a.db").string(); }
    static std::vector<LoggedMessage> Messages(uint64_t from, uint64_t to) {
        std::vector<LoggedMessage> list;
        for (uint64_t seq = from; seq <= to; ++seq) {
            list.push_back({.seq = seq,
                            .flags = 1,
                            .payload = BufferView::Copy(fmt::format("m{}", seq)),
                            .attributes = seq % 2 == 0 ? "even" : ""});
        }
        return list;
    }
    void Write(uint64_t forget, uint64_t from, uint64_t to) {
        const auto written = log_->Write(forget, Messages(from, to));
        ASSERT_TRUE(written) << written.error().message;
    }
    std::string Read(uint64_t from, size_t count, size_t bytes = 1U << 20U) {
        std::vector<LoggedMessage> list;
        EXPECT_TRUE(log_->Read(from, count, bytes, list));
        std::string text;
        for (const LoggedMessage& message : list) {
            EXPECT_EQ(message.payload.view(), fmt::format("m{}", message.seq));
            EXPECT_EQ(message.attributes, message.seq % 2 == 0 ? "even" : "");
            EXPECT_EQ(message.flags, 1);
            text += fmt::format("{} ", message.seq);
        }
        return text;
    }

    fs::path folder_;
    std::unique_ptr<MessageLog> log_;
};

TEST_F(MessageLogTest, AFolderThatCannotBeLookedAtIsAnError) {
    fs::create_symlink(folder_ / "loop", folder_ / "loop");
    const auto opened = MessageLog::Open((folder_ / "loop" / "a.db").string());
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message.find("cannot create the folder"), std::string::npos);
}

TEST_F(MessageLogTest, AnEmptyLogMakesNoFile) {
    EXPECT_EQ(log_->size(), 0U);
    EXPECT_EQ(Read(1, 10), "");
    EXPECT_TRUE(log_->Write(7, {}));
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(MessageLogTest, WhatWasWrittenIsReadInOrderAlsoAfterReopening) {
    Write(0, 1, 5);
    Write(0, 6, 6);
    EXPECT_EQ(Read(1, 10), "1 2 3 4 5 6 ");
    Reopen();
    EXPECT_EQ(log_->first(), 1U);
    EXPECT_EQ(log_->last(), 6U);
    EXPECT_EQ(Read(4, 2), "4 5 ");
}

TEST_F(MessageLogTest, ForgettingIsFromTheFrontAndForGood) {
    Write(0, 1, 10);
    Write(4, 11, 12);
    EXPECT_EQ(log_->size(), 8U);
    Reopen();
    EXPECT_EQ(log_->first(), 5U);
    EXPECT_EQ(Read(1, 3), "5 6 7 ");
    Write(99, 13, 12);
    EXPECT_EQ(log_->size(), 0U);
    Write(0, 40, 41);
    EXPECT_EQ(Read(0, 9), "40 41 ");
}

TEST_F(MessageLogTest, AReadIsBoundedInBytesButGivesAtLeastOne) {
    Write(0, 1, 3);
    EXPECT_EQ(Read(1, 10, 1), "1 ");
    EXPECT_EQ(Read(1, 10, 3), "1 2 ");
}

TEST_F(MessageLogTest, AnotherHandleSeesWhatAKilledProcessHadWritten) {
    Write(0, 1, 3);
    // Nothing is closed or synced here, as after kill -9: the companions stay.
    auto other = MessageLog::Open(path());
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->last(), 3U);
}

TEST_F(MessageLogTest, ADamagedFileIsSaidAndCanBeSetAside) {
    Write(0, 1, 100);
    log_.reset();
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << std::string(20'000, 'x');
    const auto opened = MessageLog::Open(path());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, MessageLog::kDamaged) << opened.error().message;
    EXPECT_NE(opened.error().message.find(path()), std::string::npos);
    const auto aside = MessageLog::SetAside(path());
    ASSERT_TRUE(aside);
    EXPECT_TRUE(fs::exists(*aside));
    Reopen();
    Write(0, 1, 1);
    EXPECT_EQ(Read(1, 9), "1 ");
}

TEST_F(MessageLogTest, ADamagedFileDoesNotTakeThePlaceOfAnEarlierOne) {
    std::vector<std::string> kept;
    for (int i = 1; i <= 12; ++i) {
        std::ofstream(path(), std::ios::binary | std::ios::trunc) << i;
        const auto aside = MessageLog::SetAside(path());
        ASSERT_TRUE(aside);
        kept.push_back(*aside);
    }
    const auto text = [](const std::string& file) {
        std::string content;
        std::getline(std::ifstream(file) >> std::ws, content);
        return content;
    };
    EXPECT_EQ(kept[0], path() + ".damaged");
    EXPECT_EQ(text(kept[0]), "1");
    EXPECT_EQ(kept[1], path() + ".2.damaged");
    EXPECT_EQ(text(kept[1]), "2");
    EXPECT_EQ(text(path() + ".9.damaged"), "12")
        << "bounded: the newest place is used again, and that is said";
    EXPECT_EQ(kept[11], path() + ".9.damaged (in place of an earlier one)");
}

TEST_F(MessageLogTest, ATornWriteAheadLogLosesItsTailOnly) {
    Write(0, 1, 50);
    Write(0, 51, 100);
    const auto size = fs::file_size(path() + "-wal");
    const fs::path copy = folder_ / "torn.db";
    fs::copy_file(path(), copy);
    fs::copy_file(path() + "-wal", copy.string() + "-wal");
    fs::resize_file(copy.string() + "-wal", size - 100);
    auto torn = MessageLog::Open(copy.string());
    ASSERT_TRUE(torn) << torn.error().message;
    EXPECT_EQ((*torn)->first(), 1U);
    EXPECT_EQ((*torn)->last(), 50U);
}

TEST_F(MessageLogTest, AnEmptiedFileGivesItsSpaceBackAndTheNumbersGoOn) {
    std::vector<LoggedMessage> large;
    for (uint64_t seq = 1; seq <= 40; ++seq) {
        large.push_back({.seq = seq,
                         .flags = 1,
                         .payload = BufferView::Copy(std::string(1U << 20U, 'x')),
                         .attributes = ""});
    }
    ASSERT_TRUE(log_->Write(0, large));
    EXPECT_GE(log_->used_bytes(), 40U << 20U);
    ASSERT_TRUE(log_->Write(40, {}));
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_EQ(log_->last(), 40U);
    Write(0, 41, 42);
    EXPECT_EQ(Read(0, 9), "41 42 ");
}

TEST_F(MessageLogTest, AFailedWriteChangesNothingAndSaysWhy) {
    Write(0, 1, 3);
    const auto twice = log_->Write(2, Messages(3, 4));  // number 3 exists already
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().message.find("cannot write"), std::string::npos);
    EXPECT_EQ(Read(1, 9), "1 2 3 ");
    Write(2, 4, 4);
    EXPECT_EQ(Read(1, 9), "3 4 ");
}

// No file may be written beyond its first 4096 bytes: to SQLite a disk without room.
class NoRoom {
  public:
    NoRoom() {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{4096, before_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &none);
    }
    ~NoRoom() { setrlimit(RLIMIT_FSIZE, &before_); }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;

  private:
    rlimit before_{};
};

TEST_F(MessageLogTest, WhatIsDoneWithStaysSoAlthoughTheDiskIsFull) {
    Write(0, 1, 5);
    {
        const NoRoom full;
        EXPECT_TRUE(log_->Write(3, {}));
        EXPECT_FALSE(log_->Write(4, Messages(6, 7))) << "no room to append";
        EXPECT_EQ(log_->first(), 5U) << "but what was done with is done with";
    }
    Reopen();
    EXPECT_EQ(log_->first(), 5U);
    EXPECT_EQ(Read(1, 9), "5 ");
    Write(0, 6, 7);
    Write(5, 8, 8);
    Reopen();
    EXPECT_EQ(Read(1, 9), "6 7 8 ");
}

}  // namespace
}  // namespace haumea::store
