#include "rule/schedule.h"

#include <gtest/gtest.h>

namespace haumea::rule {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
// 2024-01-01 00:00:00 UTC, a Monday.
constexpr int64_t kMonday = 1'704'067'200'000;

int64_t Next(std::string_view text, int64_t after_ms) {
    const auto cron = Cron::Parse(text);
    EXPECT_TRUE(cron) << text;
    return cron ? cron->Next(after_ms) : -1;
}

TEST(Cron, FindsTheNextTime) {
    EXPECT_EQ(Next("* * * * *", kMonday), kMonday + kMinute);
    EXPECT_EQ(Next("* * * * *", kMonday + 1), kMonday + kMinute);
    EXPECT_EQ(Next("*/15 * * * *", kMonday + kMinute), kMonday + 15 * kMinute);
    EXPECT_EQ(Next("30 8 * * mon-fri", kMonday), kMonday + 8 * kHour + 30 * kMinute);
    EXPECT_EQ(Next("0 0 * * 7", kMonday), kMonday + 6 * kDay);
    EXPECT_EQ(Next("@monthly", kMonday), kMonday + 31 * kDay);
    EXPECT_EQ(Next("0 0 29 2 *", kMonday), kMonday + 59 * kDay);
}

TEST(Cron, EitherDayMatchesWhenBothAreRestricted) {
    EXPECT_EQ(Next("0 0 15 * tue", kMonday), kMonday + kDay);
    EXPECT_EQ(Next("0 0 3 * sun", kMonday), kMonday + 2 * kDay);
}

TEST(Cron, ADayThatNeverComesHasNoNextTime) { EXPECT_EQ(Next("0 0 31 2 *", kMonday), 0); }

TEST(Cron, RefusesOtherTexts) {
    for (const std::string_view text :
         {"", "x", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *",
          "* * * foo *", "@never", "-1 * * * *"}) {
        EXPECT_FALSE(Cron::Parse(text)) << text;
    }
}

TEST(Schedule, IsOpenForTheDurationAfterEachTime) {
    Schedule schedule;
    schedule.SetCron("0 * * * *");
    schedule.SetDuration("10m");
    EXPECT_TRUE(schedule.by_clock());
    EXPECT_TRUE(schedule.IsOpen(kMonday + kMinute));
    EXPECT_FALSE(schedule.IsOpen(kMonday + 10 * kMinute));
    EXPECT_EQ(schedule.NextStart(kMonday + kMinute), kMonday + kHour);
    EXPECT_FALSE(schedule.run_limit_ms());
}

TEST(Schedule, RangesCloseItOutside) {
    Schedule schedule;
    schedule.AddRange({.begin = "2024-01-01 00:00:00", .end = "2024-01-02 00:00:00"});
    EXPECT_TRUE(schedule.CheckRanges());
    EXPECT_TRUE(schedule.IsOpen(kMonday + kHour));
    EXPECT_FALSE(schedule.IsOpen(kMonday + 2 * kDay));
}

TEST(Schedule, RefusesRangesThatEndBeforeTheyBegin) {
    Schedule schedule;
    schedule.AddRange({.begin = "", .end = "", .begin_ms = 2, .end_ms = 1});
    EXPECT_FALSE(schedule.CheckRanges());
    Schedule text;
    text.AddRange({.begin = "soon", .end = "2024-01-02 00:00:00"});
    EXPECT_FALSE(text.CheckRanges());
}

}  // namespace
}  // namespace haumea::rule
