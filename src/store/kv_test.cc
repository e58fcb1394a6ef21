#include "store/kv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace haumea::store {
namespace {

class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "haumea-kv-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

std::unique_ptr<Store> MustOpen(const std::string& path) {
    auto store = OpenSqliteStore(path);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
}

std::string OpenError(const std::string& path) {
    const auto store = OpenSqliteStore(path);
    return store ? "opened" : store.error().message;
}

// Both variants keep the same promises.
class AnyStore : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override { store_ = GetParam() ? MustOpen(folder_.file("t.db")) : MakeMemoryStore(); }
    Folder folder_;
    std::unique_ptr<Store> store_;
};

TEST_P(AnyStore, KeepsAndReplacesValues) {
    KeyValue& kv = store_->Table("rule");
    EXPECT_EQ(*kv.Get("a"), std::nullopt);
    ASSERT_TRUE(kv.Set("a", "1"));
    ASSERT_TRUE(kv.Set("a", "2"));
    EXPECT_EQ(*kv.Get("a"), "2");
    EXPECT_FALSE(*kv.SetNew("a", "3"));
    EXPECT_EQ(*kv.Get("a"), "2");
    EXPECT_TRUE(*kv.SetNew("b", ""));
    EXPECT_EQ(*kv.Get("b"), "");
    EXPECT_TRUE(*kv.Delete("a"));
    EXPECT_FALSE(*kv.Delete("a"));
}

TEST_P(AnyStore, ListsInOrderOfTheKeys) {
    KeyValue& kv = store_->Table("rule");
    for (const char* key : {"b", "a", "Z", "é"}) {
        ASSERT_TRUE(kv.Set(key, key));
    }
    EXPECT_THAT(*kv.Keys(), testing::ElementsAre("Z", "a", "b", "é"));
    EXPECT_THAT(*kv.All(), testing::Contains(KeyValue::Entry("é", "é")));
}

TEST_P(AnyStore, TablesAreSeparate) {
    ASSERT_TRUE(store_->Table("rule").Set("x", "r"));
    EXPECT_EQ(*store_->Table("stream").Get("x"), std::nullopt);
    EXPECT_EQ(&store_->Table("rule"), &store_->Table("rule"));
}

TEST_P(AnyStore, AnyBytesAreAKeyAndAValue) {
    const std::string odd("a'\"\0;%\n", 7);
    ASSERT_TRUE(store_->Table("t'").Set(odd, odd + odd));
    EXPECT_EQ(*store_->Table("t'").Get(odd), odd + odd);
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, testing::Bool(),
                         [](const auto& param) { return param.param ? "Sqlite" : "Memory"; });

TEST(SqliteStore, CreatesItsFolderAndKeepsValuesBetweenRuns) {
    const Folder folder;
    const std::string path = folder.file("deep/data/haumea.db");
    ASSERT_TRUE(MustOpen(path)->Table("rule").Set("r1", "text"));
    EXPECT_EQ(*MustOpen(path)->Table("rule").Get("r1"), "text");
}

TEST(SqliteStore, AcknowledgedChangesSurviveKill9) {
    const Folder folder;
    const std::string path = folder.file("k.db");
    const pid_t child = fork();
    if (child == 0) {
        auto store = OpenSqliteStore(path);
        for (int i = 0; i < 20; ++i) {
            if (!store || !(*store)->Table("t").Set(std::to_string(i), "v")) {
                _exit(1);
            }
        }
        raise(SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(MustOpen(path)->Table("t").Keys()->size(), 20U);
}

TEST(SqliteStore, NoRoomIsAnErrorWithTheRemedyAndTheOldValueStays) {
    const Folder folder;
    const std::string path = folder.file("full.db");
    auto store = MustOpen(path);
    ASSERT_TRUE(store->Table("t").Set("k", "old"));
    const pid_t child = fork();  // a limit on the size of files is for a process and cannot be taken back
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{64 << 10, 64 << 10};
        setrlimit(RLIMIT_FSIZE, &limit);
        auto own = OpenSqliteStore(path);
        const auto set = (*own)->Table("t").Set("k", std::string(1 << 20, 'x'));
        const bool told = !set && set.error().message.find(path) != std::string::npos &&
                          set.error().message.find("free") != std::string::npos;
        _exit(told ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(*store->Table("t").Get("k"), "old");
}

TEST(SqliteStore, AFileThatIsNoDatabaseIsNamedAndLeftAlone) {
    const Folder folder;
    const std::string path = folder.file("x.db");
    std::ofstream(path) << std::string(5000, 'x');
    EXPECT_THAT(OpenError(path),
                testing::AllOf(testing::HasSubstr(path), testing::HasSubstr("move it away")));
    EXPECT_EQ(std::filesystem::file_size(path), 5000U);
}

TEST(SqliteStore, AFolderThatCannotBeMadeIsNamed) {
    const Folder folder;
    std::ofstream(folder.file("file")) << "x";
    EXPECT_THAT(OpenError(folder.file("file/data/h.db")), testing::HasSubstr("choose another with --data"));
}

TEST(SqliteStore, WhatItMakesIsItsOwnersAlone) {
    const Folder folder;
    const std::string path = folder.file("h.db");
    auto store = OpenSqliteStore(path);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Table("t").Set("token", "secret"));
    using std::filesystem::perms;
    for (const char* end : {"", "-wal", "-shm"}) {
        const perms mode = std::filesystem::status(path + end).permissions();
        EXPECT_EQ(mode, perms::owner_read | perms::owner_write) << path << end;
    }
}

TEST(SqliteStore, AFileOfALaterFormatIsRefused) {
    const Folder folder;
    const std::string path = folder.file("new.db");
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
    sqlite3_close(db);
    EXPECT_THAT(OpenError(path), testing::HasSubstr("upgrade haumea"));
}

}  // namespace
}  // namespace haumea::store
