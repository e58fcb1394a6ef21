#include "rule/registry.h"

#include <gtest/gtest.h>

#include "rule/status.h"
#include "rule/testing/fake_pipeline.h"

namespace haumea::rule {
namespace {

using testing::RuleText;
using Log = std::vector<std::string>;

class RegistryTest : public ::testing::Test {
  protected:
    void Create(const std::string& id, const std::string& more = "") {
        const auto created = engine_.rules->Create(RuleText(id, more));
        ASSERT_TRUE(created) << created.error().message;
    }
    testing::FakeEngine engine_;
};

TEST_F(RegistryTest, ACreatedRuleRunsAndIsStoredAsPosted) {
    Create("r");
    EXPECT_EQ(engine_.StateOf("r"), "running");
    EXPECT_EQ(*engine_.rules->Definition("r"), RuleText("r"));
    EXPECT_EQ(engine_.rules->Find("r")->machine().last_start_ms(), 1'000);
}

TEST_F(RegistryTest, AnUntriggeredRuleIsCheckedButDoesNotRun) {
    Create("r", R"(,"triggered":false)");
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.rules->Find("r")->last_run(), nullptr);
}

TEST_F(RegistryTest, ARefusedRuleLeavesNothingBehind) {
    engine_.script.plan_errors["r"] = Error(ErrorCode::kExecutor, "sink x is not defined");
    const auto planned = engine_.rules->Create(RuleText("r"));
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().message, "sink x is not defined");
    engine_.script.plan_errors.clear();
    engine_.script.start_errors["r"] = Error("port 10081 is in use");
    EXPECT_FALSE(engine_.rules->Create(RuleText("r")));
    EXPECT_EQ(engine_.rules->Find("r"), nullptr);
    EXPECT_TRUE(engine_.store->Table("rule").Keys()->empty());
}

TEST_F(RegistryTest, TwoRulesOfOneIdAreRefused) {
    Create("r");
    EXPECT_EQ(engine_.rules->Create(RuleText("r")).error().message, "rule r already exists");
}

TEST_F(RegistryTest, ANewDefinitionIsToldAndWhetherItCounts) {
    Create("r");
    EXPECT_EQ(engine_.replaced, Log{});
    ASSERT_TRUE(engine_.rules->Update("r", RuleText("r", R"(,"triggered":false)")));
    EXPECT_EQ(engine_.replaced, Log{"r"});
    engine_.script.plan_errors["r"] = Error(ErrorCode::kExecutor, "sink x is not defined");
    EXPECT_FALSE(engine_.rules->Update("r", RuleText("r")));
    EXPECT_EQ(engine_.replaced, Log{"r"}) << "the old one stays as it is";
    engine_.script.plan_errors.clear();
    engine_.script.start_errors["r"] = Error("port 10081 is in use");
    EXPECT_FALSE(engine_.rules->Update("r", RuleText("r")));
    EXPECT_EQ(engine_.replaced, (Log{"r", "r not"}));
}

TEST_F(RegistryTest, StopSaysByWhomAndRewritesTheText) {
    Create("r");
    ASSERT_TRUE(engine_.rules->Stop("r"));
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.MessageOf("r"), "canceled manually");
    EXPECT_EQ(engine_.script.log, (Log{"start r", "stop r"}));
    EXPECT_EQ(*engine_.rules->Definition("r"),
              "{\"actions\":[{\"nop\":{}}],\"id\":\"r\",\"sql\":\"SELECT a FROM demo WHERE a \\u003e 1\","
              "\"triggered\":false}");
}

TEST_F(RegistryTest, StartOfARunningRuleIsAFreshRun) {
    Create("r");
    ASSERT_TRUE(engine_.rules->Start("r"));
    EXPECT_EQ(engine_.script.log, (Log{"start r", "stop r", "start r"}));
}

TEST_F(RegistryTest, AStartThatCannotBePlannedChangesNothing) {
    Create("r");
    engine_.script.plan_errors["r"] = Error("no");
    EXPECT_FALSE(engine_.rules->Start("r"));
    EXPECT_EQ(engine_.StateOf("r"), "running");
    EXPECT_EQ(engine_.script.log, (Log{"start r"}));
}

TEST_F(RegistryTest, AFailedRunSaysWhy) {
    Create("r");
    engine_.EndRun("r", true, "connection refused");
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
    EXPECT_EQ(engine_.MessageOf("r"), "connection refused");
    ASSERT_TRUE(engine_.rules->Stop("r"));
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
}

TEST_F(RegistryTest, ARunWhoseSourcesEndedIsDoneForGood) {
    Create("r");
    engine_.EndRun("r", false, "");
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.MessageOf("r"), "done");
    EXPECT_FALSE(engine_.rules->Find("r")->def().triggered);
}

TEST_F(RegistryTest, TheEndOfAnEarlierRunDoesNotCount) {
    Create("r");
    const auto end = engine_.script.ends.at("r");
    ASSERT_TRUE(engine_.rules->Start("r"));
    end(true, "old");
    engine_.control.RunPosted();
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, AnEndAfterDeletionIsIgnored) {
    Create("r");
    const auto end = engine_.script.ends.at("r");
    end(true, "late");
    ASSERT_TRUE(engine_.rules->Delete("r"));
    engine_.control.RunPosted();
    EXPECT_EQ(engine_.rules->Find("r"), nullptr);
    EXPECT_EQ(engine_.rules->Delete("r").error().message, "rule r not found");
}

TEST_F(RegistryTest, AnUpdateThatCannotBePlannedKeepsTheOldRuleRunning) {
    Create("r");
    engine_.script.plan_errors["r"] = Error("websocket endpoint /x has no connection");
    EXPECT_FALSE(engine_.rules->Update("r", RuleText("r", R"(,"name":"n")")));
    EXPECT_EQ(engine_.script.log, (Log{"start r"}));
    EXPECT_EQ(*engine_.rules->Definition("r"), RuleText("r"));
}

TEST_F(RegistryTest, AnUpdateReplacesTheRunOrEndsIt) {
    Create("r");
    ASSERT_TRUE(engine_.rules->Update("r", RuleText("r", R"(,"name":"n")")));
    EXPECT_EQ(engine_.script.log, (Log{"start r", "stop r", "start r"}));
    ASSERT_TRUE(engine_.rules->Update("r", RuleText("r", R"(,"triggered":false)")));
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.MessageOf("r"), "stopped by update");
}

TEST_F(RegistryTest, AnUpdateNeedsAHigherVersion) {
    Create("r", R"(,"version":"2")");
    EXPECT_EQ(engine_.rules->Update("r", RuleText("r", R"(,"version":"2")")).error().message,
              "rule r already exists with version (2), new version (2) is lower");
    EXPECT_TRUE(engine_.rules->Update("r", RuleText("r", R"(,"version":"3")")));
}

TEST_F(RegistryTest, AnUpdateCreatesWhatDoesNotExist) {
    ASSERT_TRUE(engine_.rules->Update("r", RuleText("r")));
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, RecoveryStartsWhatWasTriggered) {
    Create("on");
    Create("off");
    ASSERT_TRUE(engine_.rules->Stop("off"));
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("on"), "running");
    EXPECT_EQ(engine_.StateOf("off"), "stopped");
}

TEST_F(RegistryTest, RecoveryShowsWhatCannotStart) {
    Create("r");
    engine_.script.plan_errors["r"] = Error("fail to get stream demo, please check if stream is created");
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
    EXPECT_EQ(engine_.MessageOf("r"), "fail to get stream demo, please check if stream is created");
    engine_.script.plan_errors.clear();
    engine_.control.AdvanceTo(60'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
}

TEST_F(RegistryTest, ARecoveredRuleStartsOnceItsConnectionExists) {
    Create("r");
    engine_.script.plan_errors["r"] = Error(ErrorCode::kIo, "websocket endpoint /x has no connection");
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    engine_.control.AdvanceTo(5'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
    engine_.script.plan_errors.clear();
    engine_.control.AdvanceTo(7'000);
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, ThePatrolRestartsFailedRulesThatAskForIt) {
    Create("r", R"(,"options":{"restartStrategy":{"attempts":1}})");
    engine_.EndRun("r", true, "gone");
    engine_.control.AdvanceTo(12'000);
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, ThePatrolGivesUpAfterTheAttemptsAndSaysSo) {
    Create("r", R"(,"options":{"restartStrategy":{"attempts":2}})");
    engine_.EndRun("r", true, "gone");
    engine_.script.plan_errors["r"] = Error("no source");
    engine_.control.AdvanceTo(200'000);
    EXPECT_EQ(engine_.MessageOf("r"), "no source (given up after 2 attempts of restartStrategy)");
    engine_.script.plan_errors.clear();
    engine_.control.AdvanceTo(300'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
    // A person's start makes it begin anew, and so does a run that lives.
    ASSERT_TRUE(engine_.rules->Start("r"));
    for (int64_t at = 310'000; at < 360'000; at += 20'000) {
        engine_.EndRun("r", true, "gone");
        engine_.control.AdvanceTo(at + 20'000);
        EXPECT_EQ(engine_.StateOf("r"), "running");
    }
}

TEST_F(RegistryTest, ThePatrolLeavesAloneWhatAUserStopped) {
    Create("r", R"(,"options":{"restartStrategy":{"attempts":1}})");
    engine_.EndRun("r", true, "gone");
    ASSERT_TRUE(engine_.rules->Stop("r"));
    engine_.control.AdvanceTo(60'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
}

TEST_F(RegistryTest, ADurationEndsTheRun) {
    Create("r", R"(,"options":{"duration":"5s"})");
    engine_.control.AdvanceTo(4'000);
    EXPECT_EQ(engine_.StateOf("r"), "running");
    engine_.control.AdvanceTo(7'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.MessageOf("r"), "duration terminated");
}

TEST_F(RegistryTest, AScheduledRuleWaitsRunsAndWaits) {
    engine_.control.AdvanceTo(150'000);  // 00:02:30
    Create("r", R"(,"options":{"cron":"*/10 * * * *","duration":"1m"})");
    EXPECT_EQ(engine_.StateOf("r"), "stopped: waiting for next schedule.");
    engine_.control.AdvanceTo(602'000);
    EXPECT_EQ(engine_.StateOf("r"), "running");
    engine_.control.AdvanceTo(662'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped: waiting for next schedule.");
    EXPECT_EQ(engine_.MessageOf("r"), "schedule terminated");
    ASSERT_TRUE(engine_.rules->Stop("r"));
    engine_.control.AdvanceTo(1'202'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
}

TEST_F(RegistryTest, AScheduledRuleThatFailedTriesAgainInTheNextWindow) {
    engine_.control.AdvanceTo(601'000);
    Create("r", R"(,"options":{"cron":"*/10 * * * *","duration":"1m"})");
    engine_.EndRun("r", true, "gone");
    engine_.control.AdvanceTo(650'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped by error");
    engine_.control.AdvanceTo(700'000);
    EXPECT_EQ(engine_.StateOf("r"), "stopped: waiting for next schedule.");
    EXPECT_EQ(engine_.MessageOf("r"), "gone");
    engine_.control.AdvanceTo(1'202'000);
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, ATemporaryRuleIsNotStored) {
    Create("r", R"(,"temp":true)");
    EXPECT_FALSE(engine_.rules->Definition("r"));
    EXPECT_TRUE(engine_.store->Table("rule").Keys()->empty());
    EXPECT_TRUE(engine_.rules->Stop("r"));
    EXPECT_TRUE(engine_.rules->Delete("r"));
}

TEST_F(RegistryTest, AStopTakesEffectAndSaysThatItCouldNotBeStored) {
    Create("r");
    engine_.rule_table.broken = true;
    const auto stopped = engine_.rules->Stop("r");
    ASSERT_FALSE(stopped);
    EXPECT_EQ(
        stopped.error().message,
        "the rule is stopped, but that could not be stored and is tried again: if the engine ends before, "
        "its next start runs the rule again: the disk is full");
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
    EXPECT_EQ(engine_.script.log, (Log{"start r", "stop r"}));
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, AStopThatCouldNotBeStoredIsStoredAsSoonAsThatWorks) {
    Create("r");
    engine_.rule_table.broken = true;
    EXPECT_FALSE(engine_.rules->Stop("r"));
    engine_.control.AdvanceTo(3'000);
    engine_.rule_table.broken = false;
    engine_.control.AdvanceTo(5'000);
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("r"), "stopped");
}

TEST_F(RegistryTest, AStopThatCouldNotBeStoredSaysNothingOfALaterRuleOfThatId) {
    Create("r");
    engine_.rule_table.broken = true;
    EXPECT_FALSE(engine_.rules->Stop("r"));
    engine_.rule_table.broken = false;
    ASSERT_TRUE(engine_.rules->Delete("r"));
    Create("r");
    engine_.control.AdvanceTo(5'000);
    EXPECT_TRUE(engine_.rules->Find("r")->def().triggered);
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, AStartThatCannotBeStoredIsRefusedUnlessItIsStoredAlready) {
    Create("stopped", R"(,"triggered":false)");
    Create("running");
    engine_.rule_table.broken = true;
    EXPECT_EQ(engine_.rules->Start("stopped").error().message, "the disk is full");
    EXPECT_EQ(engine_.StateOf("stopped"), "stopped");
    EXPECT_TRUE(engine_.rules->Start("running"));
    EXPECT_FALSE(engine_.rules->Stop("running"));
    EXPECT_TRUE(engine_.rules->Start("running"));
    engine_.rule_table.broken = false;
    engine_.control.AdvanceTo(5'000);
    engine_.Boot();
    ASSERT_TRUE(engine_.rules->Recover());
    EXPECT_EQ(engine_.StateOf("running"), "running");
    EXPECT_TRUE(engine_.rules->Stop("stopped"));
}

TEST_F(RegistryTest, ADeletionThatCannotBeStoredLeavesTheRule) {
    Create("r");
    engine_.rule_table.broken = true;
    EXPECT_FALSE(engine_.rules->Delete("r"));
    EXPECT_EQ(engine_.StateOf("r"), "running");
}

TEST_F(RegistryTest, WarningsAreInAnswerAndStatus) {
    engine_.script.warnings["r"] = {"property foo of nop is unknown"};
    EXPECT_EQ(engine_.rules->Create(RuleText("r"))->warnings, Log{"property foo of nop is unknown"});
    const config::Node status = StatusJson(*engine_.rules->Find("r"), 0);
    ASSERT_NE(status.Find("warnings"), nullptr);
    EXPECT_EQ(status.Find("warnings")->array().size(), 1U);
}

TEST(StateMachine, SignalsWaitWhileATransitionIsUnderWay) {
    StateMachine machine;
    EXPECT_EQ(machine.Accept(Signal::kStart), State::kStarting);
    EXPECT_EQ(machine.Accept(Signal::kStart), std::nullopt);  // ignored
    EXPECT_EQ(machine.Accept(Signal::kStop), std::nullopt);   // waits
    EXPECT_EQ(machine.Accept(Signal::kStop), std::nullopt);   // once
    EXPECT_EQ(machine.Accept(Signal::kStart), std::nullopt);  // behind it
    machine.Enter(State::kRunning, "", 1);
    EXPECT_EQ(machine.AcceptQueued(), std::pair(Signal::kStop, State::kStopping));
    EXPECT_EQ(machine.AcceptQueued(), std::nullopt);  // not in the middle of a transition
    machine.Enter(State::kStopped, "", 2);
    EXPECT_EQ(machine.AcceptQueued(), std::pair(Signal::kStart, State::kStarting));
    machine.Enter(State::kRunning, "", 3);
    EXPECT_EQ(machine.AcceptQueued(), std::nullopt);
}

TEST(StateMachine, AStartDoesNotWakeWhatWaitsForItsSchedule) {
    StateMachine machine;
    machine.Enter(State::kWaiting, "", 1);
    EXPECT_EQ(machine.Accept(Signal::kStart), std::nullopt);
    EXPECT_EQ(machine.Accept(Signal::kScheduleStop), std::nullopt);
    EXPECT_EQ(machine.Accept(Signal::kScheduleStart), State::kStarting);
}

}  // namespace
}  // namespace haumea::rule
