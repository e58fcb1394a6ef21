#include "connect/destination_caches.h"

#include "connect/arrange_caches.h"
#include "connect/cache_file.h"
#include "connect/testing/cache_fixture.h"
#include "store/message_log.h"

namespace haumea::connect {
namespace {

namespace fs = std::filesystem;

// Caches of an action for the destinations a, b, c, each with a remote of its own.
class DestinationCachesTest : public testing::Test {
  protected:
    struct Destination {
        FakeRemote remote;
        DestinationCaches::Cache cache;
    };

    DestinationCachesTest()
        : folder_(fs::path(testing::TempDir()) /
                  fmt::format("haumea-caches-{}-{}", getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name())) {
        fs::remove_all(folder_);
        settings_.backlog.file = (folder_ / "r" / "websocket_0.db").string();
        settings_.backlog.memory_messages = 4;
        settings_.backlog.page_messages = 2;
    }
    ~DestinationCachesTest() override {
        Kill();
        fs::remove_all(folder_);
    }

    void Start() {
        caches_ = std::make_unique<DestinationCaches>(
            settings_, CacheStage::Nodes{.cache = nodes_[0].get(), .sink = nodes_[1].get()}, nodes_,
            DestinationCaches::MakeSink(), services_);
        caches_->SetResumeCallback([this] { ++resumed_; });
        caches_->Start({0},
                       [this](std::vector<std::vector<std::string>> found) { found_ = std::move(found); });
        scheduler_.RunPosted();
    }
    FakeRemote& Remote(const std::string& name, bool connected = false) {
        Destination& destination = destinations_[name];
        destination.remote.connected = connected;
        const std::string_view value = name;
        destination.cache = std::move(*caches_->Make(destination.remote, {&value, 1}));
        EXPECT_TRUE(caches_->Open(destination.cache));
        scheduler_.RunPosted();
        return destination.remote;
    }
    void Kill() {
        destinations_.clear();
        caches_.reset();
        scheduler_.RunPosted();
    }
    void Push(const std::string& name, int from, int to) {
        for (int i = from; i <= to; ++i) {
            EncodedMessage message;
            message.payload = BufferView::Copy(std::to_string(i));
            message.dynamic = {name};
            destinations_.at(name).cache.stage->Push(std::move(message));
            scheduler_.RunPosted();
        }
    }
    static Texts Numbers(int from, int to) {
        Texts texts;
        for (int i = from; i <= to; ++i) {
            texts.push_back(std::to_string(i));
        }
        return texts;
    }
    // Payloads in a file, and what it is for.
    static Texts In(const std::string& file) {
        Texts texts;
        if (!fs::exists(file)) {
            return texts;
        }
        const auto log = std::move(*store::MessageLog::Open(file));
        std::vector<store::LoggedMessage> records;
        EXPECT_TRUE(log->Read(log->first(), 1'000, 1U << 20U, records));
        for (const auto& record : records) {
            texts.emplace_back(record.payload.view());
        }
        return texts;
    }
    std::string FileOf(std::string_view value) const {
        return DestinationFile(settings_.backlog.file, {&value, 1});
    }

    fs::path folder_;
    CacheSettings settings_;
    io::VirtualScheduler scheduler_;
    Services services_{scheduler_};
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_{
        std::make_shared<metrics::NodeStats>(metrics::NodeStats::Kind::kOperator, "websocket_0_2_cache"),
        std::make_shared<metrics::NodeStats>(metrics::NodeStats::Kind::kSink, "websocket_0")};
    std::map<std::string, Destination> destinations_;
    std::unique_ptr<DestinationCaches> caches_;
    std::vector<std::vector<std::string>> found_;
    int resumed_ = 0;
};

TEST_F(DestinationCachesTest, OneThatIsAwayHoldsUpNoOtherAndTheNodeCountsAll) {
    Start();
    FakeRemote& a = Remote("a");
    FakeRemote& b = Remote("b", true);
    Push("a", 1, 3);
    Push("b", 4, 9);
    EXPECT_EQ(b.Take(), Numbers(4, 9));
    EXPECT_EQ(nodes_[0]->buffer_length, 9) << "three wait, six are not confirmed";
    scheduler_.AdvanceTo(scheduler_.clock().NowMs() + 100);
    b.Confirm();
    EXPECT_EQ(nodes_[0]->buffer_length, 3);
    a.Connect();
    EXPECT_EQ(a.Take(), Numbers(1, 3));
    EXPECT_EQ(nodes_[0]->records_in, 9);
}

TEST_F(DestinationCachesTest, AfterAKillDestinationsThatHaveMessagesAreFound) {
    Start();
    Remote("a");
    Remote("b");
    Remote("c", true);
    Push("a", 1, 5);
    Push("b", 6, 6);
    Kill();
    Start();
    EXPECT_EQ(found_, (std::vector<std::vector<std::string>>{{"a"}, {"b"}}));
    FakeRemote& a = Remote("a", true);
    scheduler_.AdvanceTo(scheduler_.clock().NowMs() + 50);
    EXPECT_EQ(a.Take(), Numbers(1, 5));
}

TEST_F(DestinationCachesTest, TheOneOfAnEmptyValueIsFoundToo) {
    Start();
    Remote("");
    Push("", 1, 2);
    Kill();
    EXPECT_EQ(In(FileOf("")), Numbers(1, 2));
    Start();
    EXPECT_EQ(found_, (std::vector<std::vector<std::string>>{{""}}));
    EXPECT_EQ(In(FileOf("")), Numbers(1, 2));
}

TEST_F(DestinationCachesTest, TogetherTheyHaveOneBoundAndTheFullestLosesItsOldest) {
    settings_.backlog.disk_messages = 12;  // and 4 in memory
    Start();
    FakeRemote& a = Remote("a");
    FakeRemote& b = Remote("b");
    Push("b", 101, 103);
    Push("a", 1, 40);
    const auto dropped = static_cast<int>(nodes_[0]->dropped.load());
    EXPECT_EQ(nodes_[0]->buffer_length + dropped, 43);
    EXPECT_LE(nodes_[0]->buffer_length, 16);
    EXPECT_EQ(nodes_[0]->dropped_by_reason[static_cast<size_t>(metrics::DropReason::kCacheFull)], dropped);
    a.Connect();
    b.Connect();
    scheduler_.AdvanceTo(scheduler_.clock().NowMs() + 50);
    EXPECT_EQ(b.Take(), Numbers(101, 103)) << "the small one keeps what it has";
    EXPECT_EQ(a.Take(), Numbers(dropped + 1, 40));
}

TEST_F(DestinationCachesTest, AnIdleOneLeavesNoFile) {
    Start();
    FakeRemote& a = Remote("a");
    Push("a", 1, 5);
    EXPECT_EQ(In(FileOf("a")), Numbers(1, 5));
    EXPECT_FALSE(destinations_["a"].cache.stage->idle());
    a.Connect();
    scheduler_.AdvanceTo(scheduler_.clock().NowMs() + 100);
    a.Confirm();
    scheduler_.RunPosted();
    EXPECT_TRUE(destinations_["a"].cache.stage->idle());
    destinations_["a"].cache.stage->Close();
    EXPECT_FALSE(fs::exists(FileOf("a")));
}

TEST_F(DestinationCachesTest, WhenTemplatesChangeWhatWaitsMovesAlongInOrder) {
    Start();
    Remote("a");
    Remote("b");
    Push("a", 1, 3);
    Push("b", 4, 5);
    Push("a", 6, 300);
    Kill();
    const std::string single = settings_.backlog.file;
    ArrangedCaches arranged = ArrangeCaches(single, {});
    EXPECT_EQ(arranged.error, "");
    Texts one = Numbers(1, 3);
    for (const Texts& more : {Numbers(6, 300), Numbers(4, 5)}) {
        one.insert(one.end(), more.begin(), more.end());
    }
    EXPECT_EQ(In(single), one);
    EXPECT_FALSE(fs::exists(DestinationFolder(single)));

    const std::vector<size_t> first{0};
    arranged = ArrangeCaches(single, first);
    EXPECT_EQ(arranged.waiting, (std::vector<std::vector<std::string>>{{"a"}, {"b"}}));
    EXPECT_EQ(In(FileOf("b")), Numbers(4, 5));
    EXPECT_EQ(In(FileOf("a")).size(), 298U);
    EXPECT_FALSE(fs::exists(single));

    const std::vector<size_t> second{1};  // these messages have one value only
    arranged = ArrangeCaches(single, second);
    EXPECT_EQ(arranged.lost, 300U);
    EXPECT_TRUE(arranged.waiting.empty());
    EXPECT_FALSE(fs::exists(DestinationFolder(single)));
}

}  // namespace
}  // namespace haumea::connect
