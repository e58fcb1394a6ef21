#include "connect/shared_source.h"

#include <gtest/gtest.h>

#include "io/virtual_scheduler.h"

namespace haumea::connect {
namespace {

class ScriptedSource final : public Source {
  public:
    explicit ScriptedSource(ScriptedSource** self) : self_(self) { *self_ = this; }
    ~ScriptedSource() override { *self_ = nullptr; }
    Result<void> Start(SourceListener& to) override {
        listener = &to;
        to.OnConnection(metrics::ConnectionState::kConnected, "", 17);
        return {};
    }
    void Stop() override { listener = nullptr; }
    void Resume() override { ++resumed; }
    void ReadNumbers(metrics::Numbers& into) const override { into.push_back({&kKind, {}, 7}); }
    Flow Send(std::string_view text) { return listener->OnBytes(BufferView::Copy(text), 1, nullptr); }
    SourceListener* listener = nullptr;
    int resumed = 0;

  private:
    static constexpr metrics::NumberKind kKind{"seven", "seven", metrics::PrometheusText::FamilyType::kGauge,
                                               ""};
    ScriptedSource** self_;
};

class Rule final : public SourceListener {
  public:
    Flow OnBytes(const BufferView& payload, int64_t, const Ref<Metadata>&) noexcept override {
        seen += payload.view();
        if (stop_when_called != nullptr) {
            stop_when_called->Stop();
        }
        return answer;
    }
    Flow OnRow(const Value&, int64_t, const Ref<Metadata>&) noexcept override { return answer; }
    void OnError(Error error) noexcept override { errors.push_back(error.message); }
    void OnEnd(std::string) noexcept override { ended = true; }
    void OnConnection(metrics::ConnectionState state, const std::string&,
                      int64_t since_ms) noexcept override {
        connected = state == metrics::ConnectionState::kConnected;
        connected_since_ms = since_ms;
    }
    std::string seen;
    std::vector<std::string> errors;
    Flow answer = Flow::kContinue;
    Source* stop_when_called = nullptr;
    bool ended = false;
    bool connected = false;
    int64_t connected_since_ms = 0;
};

class SharedSourcesTest : public testing::Test {
  protected:
    std::unique_ptr<Source> Join() {
        return shared_.Join("demo", [this]() -> Result<std::unique_ptr<Source>> {
            ++made_;
            return std::make_unique<ScriptedSource>(&source_);
        });
    }
    io::VirtualScheduler scheduler_;
    ScriptedSource* source_ = nullptr;
    int made_ = 0;
    SharedSources shared_{scheduler_};
    Rule first_;
    Rule second_;
};

TEST_F(SharedSourcesTest, OneSourceServesEveryRuleFromTheFirstToTheLast) {
    auto a = Join();
    auto b = Join();
    EXPECT_EQ(made_, 0);
    ASSERT_TRUE(a->Start(first_));
    source_->Send("1");
    ASSERT_TRUE(b->Start(second_));
    EXPECT_TRUE(second_.connected);
    EXPECT_EQ(second_.connected_since_ms, 17) << "who joins sees since when, not when it joined";
    source_->Send("2");
    a->Stop();
    source_->Send("3");
    EXPECT_EQ(first_.seen, "12");
    EXPECT_EQ(second_.seen, "23");
    EXPECT_EQ(made_, 1);
    b->Stop();
    EXPECT_EQ(source_, nullptr);
    EXPECT_EQ(shared_.running(), 0U);
    ASSERT_TRUE(b->Start(second_));
    EXPECT_EQ(made_, 2);
}

TEST_F(SharedSourcesTest, ARuleThatPausesHoldsUpTheSourceForAllAndNothingIsLost) {
    auto a = Join();
    auto b = Join();
    ASSERT_TRUE(a->Start(first_));
    ASSERT_TRUE(b->Start(second_));
    first_.answer = second_.answer = Flow::kPause;
    EXPECT_EQ(source_->Send("1"), Flow::kPause);
    a->Resume();
    EXPECT_EQ(source_->resumed, 0) << "the other one still pauses";
    b->Resume();
    EXPECT_EQ(source_->resumed, 1);
    b->Resume();
    EXPECT_EQ(source_->resumed, 1) << "it runs already";
    first_.answer = second_.answer = Flow::kContinue;
    EXPECT_EQ(source_->Send("2"), Flow::kContinue);
    EXPECT_EQ(first_.seen, "12");
    EXPECT_EQ(second_.seen, "12");
}

TEST_F(SharedSourcesTest, ARuleThatLeavesWhilePausedHoldsUpNobody) {
    auto a = Join();
    auto b = Join();
    ASSERT_TRUE(a->Start(first_));
    ASSERT_TRUE(b->Start(second_));
    first_.answer = Flow::kPause;
    EXPECT_EQ(source_->Send("1"), Flow::kPause);
    a->Stop();
    EXPECT_EQ(source_->resumed, 1);
    EXPECT_EQ(source_->Send("2"), Flow::kContinue);
    EXPECT_EQ(second_.seen, "12");
}

TEST_F(SharedSourcesTest, RulesMayLeaveInTheMiddleOfADelivery) {
    auto a = Join();
    auto b = Join();
    ASSERT_TRUE(a->Start(first_));
    ASSERT_TRUE(b->Start(second_));
    first_.stop_when_called = b.get();
    source_->Send("1");
    EXPECT_EQ(second_.seen, "");
    first_.stop_when_called = a.get();
    source_->Send("2");
    EXPECT_EQ(shared_.running(), 0U);
    scheduler_.RunPosted();
    EXPECT_EQ(source_, nullptr);
}

TEST_F(SharedSourcesTest, EverySubscriberShowsTheNumbersOfTheOneConnection) {
    const auto first = Join();
    const auto second = Join();
    Rule one;
    Rule two;
    const auto read = [](const Source& source) {
        metrics::Numbers numbers;
        source.ReadNumbers(numbers);
        return numbers.size();
    };
    EXPECT_EQ(read(*first), 0U);
    ASSERT_TRUE(first->Start(one));
    ASSERT_TRUE(second->Start(two));
    EXPECT_EQ(read(*first), 1U);
    EXPECT_EQ(read(*second), 1U);
    first->Stop();
    EXPECT_EQ(read(*first), 0U);
    EXPECT_EQ(read(*second), 1U);
}

}  // namespace
}  // namespace haumea::connect
