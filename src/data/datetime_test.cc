#include "data/datetime.h"

#include <gtest/gtest.h>

#include "data/cast.h"
#include "data/go_format.h"
#include "data/zone.h"

namespace haumea {
namespace {

std::string Rfc3339(const Value& value) {
    char text[kMaxRfc3339];
    return {text, WriteRfc3339(value, text)};
}
std::string Parsed(std::string_view text, uint32_t zone = kUtc) {
    const std::optional<Moment> moment = ParseDatetime(text, zone);
    return moment ? Rfc3339(moment->ToValue()) : "none";
}
std::string Formatted(int64_t ms, std::string_view pattern, uint32_t zone = kUtc) {
    const auto compiled = TimePattern::Compile(pattern);
    if (!compiled) {
        return compiled.error().message;
    }
    std::string out;
    compiled->Format(Moment::FromEpochMs(ms, zone), out);
    return out;
}

TEST(Datetime, ReadsTheLayoutsPeopleWrite) {
    EXPECT_EQ(Parsed("2006"), "2006-01-01T00:00:00Z");
    EXPECT_EQ(Parsed("2006-7"), "2006-07-01T00:00:00Z");
    EXPECT_EQ(Parsed("2020-02-15"), "2020-02-15T00:00:00Z");
    EXPECT_EQ(Parsed("2020-2-15 7:05"), "2020-02-15T07:05:00Z");
    EXPECT_EQ(Parsed("2020-02-15T10:11:12"), "2020-02-15T10:11:12Z");
    EXPECT_EQ(Parsed("2019-01-15T10:20:30.123456Z"), "2019-01-15T10:20:30.123456Z");
    EXPECT_EQ(Parsed("2020-02-15T10:11:12+05:30"), "2020-02-15T10:11:12+05:30");
    EXPECT_EQ(Parsed("2020-02-15T10:11:12-0800"), "2020-02-15T10:11:12-08:00");
    EXPECT_EQ(Parsed("2024/02/29 12:00:00"), "2024-02-29T12:00:00Z");
    EXPECT_EQ(Parsed("20240229"), "2024-02-29T00:00:00Z");
    EXPECT_EQ(Parsed("Mon, 02 Jan 2006 15:04:05 GMT"), "2006-01-02T15:04:05Z");
    EXPECT_EQ(Parsed("Mon Jan  2 15:04:05 2006"), "2006-01-02T15:04:05Z");
    EXPECT_EQ(Parsed("2020-01-02 03:04:05.5 +0100 CET"), "2020-01-02T03:04:05.5+01:00");
}

TEST(Datetime, RefusesWhatIsNoDate) {
    for (const char* bad : {"", "not a date", "42", "-3.500", "2020-02-30", "2020-13-01", "25:00", "0x1F",
                            "true", "2020-02-15T10:11:12+05:30x"}) {
        EXPECT_EQ(Parsed(bad), "none") << bad;
    }
}

TEST(Datetime, TextsWithoutZoneAreReadInTheGivenOne) {
    const auto shanghai = FindZone("Asia/Shanghai");
    ASSERT_TRUE(shanghai);
    EXPECT_EQ(Parsed("2020-02-15 10:00:00", *shanghai), "2020-02-15T10:00:00+08:00");
    EXPECT_EQ(Parsed("2020-02-15T10:00:00Z", *shanghai), "2020-02-15T10:00:00Z");
}

TEST(TimePattern, Letters) {
    constexpr int64_t kMs = 1541152486013;
    EXPECT_EQ(Formatted(kMs, "YYYY-MM-dd HH:mm:ssSSS"), "2018-11-02 09:54:46.013");
    EXPECT_EQ(Formatted(kMs, "EEE, d MMM yy h:m:s a"), "Fri, 2 Nov 18 9:54:46 AM");
    EXPECT_EQ(Formatted(kMs, "EEEE MMMM G"), "Friday November AD");
    EXPECT_EQ(Formatted(kMs, "z Z X XX XXX"), "UTC +0000 +00 +0000 +00:00");
    EXPECT_EQ(Formatted(kMs, "'at' HH''"), "at 09'");
    EXPECT_EQ(Formatted(kMs, "\\Y-15"), "Y-15");
    EXPECT_EQ(Formatted(kMs, "XXX", FixedZone(-5400)), "-01:30");
}

TEST(TimePattern, SaysWhichLettersAreWrong) {
    EXPECT_EQ(Formatted(0, "YYY"), "invalid time format YYY for Y/y");
    EXPECT_EQ(Formatted(0, "H"), "invalid time format H of H, only HH is supported");
    EXPECT_EQ(Formatted(0, "E"), "invalid time format E for E");
    EXPECT_EQ(Formatted(0, "MMMMM"), "invalid time format MMMMM for M");
}

TEST(TimePattern, ReadsWhatItWrites) {
    const auto pattern = TimePattern::Compile("dd.MM.YYYY HH:mm:ssSSS XXX");
    ASSERT_TRUE(pattern);
    const std::optional<Moment> moment = pattern->Parse("29.02.2024 12:00:01.250 +02:00", kUtc);
    ASSERT_TRUE(moment);
    EXPECT_EQ(Rfc3339(moment->ToValue()), "2024-02-29T12:00:01.25+02:00");
    EXPECT_FALSE(pattern->Parse("30.02.2024 12:00:01.250 +02:00", kUtc));
}

TEST(TimePattern, GoLayouts) {
    std::string out;
    TimePattern::FromGoLayout("Mon Jan _2 15:04:05.999 MST 2006, 03pm")
        .Format(Moment::FromEpochMs(1500, kUtc), out);
    EXPECT_EQ(out, "Thu Jan  1 00:00:01.5 UTC 1970, 12am");
}

TEST(Datetime, CalendarHoldsFarOutsideOfDatetimeValues) {
    const Moment far{9223372036854775807LL / 1000, 0, kUtc};
    EXPECT_EQ(ToCivil(far).year, 292278994);
    EXPECT_EQ(ToCivil(Moment::FromEpochMs(INT64_MIN, kUtc)).year, -292275055);
    EXPECT_EQ(Rfc3339(Value::Datetime(INT64_MIN)), "1677-09-21T00:12:43.145224192Z");
    EXPECT_TRUE(far.ToValue().is_missing());
    const Moment before = Moment::FromEpochMs(-1, kUtc);
    const CivilTime civil = ToCivil(before);
    EXPECT_EQ(civil.year, 1969);
    EXPECT_EQ(civil.year_day, 365);
    EXPECT_EQ(civil.weekday, 3);
    EXPECT_EQ(civil.nanos, 999'000'000);
}

TEST(Datetime, TextOfAValueNamesOffsetAndZone) {
    const auto berlin = FindZone("Europe/Berlin");
    ASSERT_TRUE(berlin);
    EXPECT_EQ(GoText(Value::Datetime(1'500'000'000)), "1970-01-01 00:00:01.5 +0000 UTC");
    EXPECT_EQ(GoText(Value::Datetime(0, *berlin)), "1970-01-01 01:00:00 +0100 CET");
    EXPECT_EQ(GoText(Value::Datetime(0, FixedZone(19800))), "1970-01-01 05:30:00 +0530 +0530");
}

TEST(Zone, UnknownNamesAreErrors) {
    for (const char* bad : {"Hello World", "../etc/passwd", "/etc/localtime", "Mars/Phobos"}) {
        const auto zone = FindZone(bad);
        ASSERT_FALSE(zone) << bad;
        EXPECT_EQ(zone.error().message, std::string("unknown time zone ") + bad);
    }
}

TEST(Zone, TheSameNameGivesTheSameNumber) {
    EXPECT_EQ(*FindZone("Asia/Tokyo"), *FindZone("Asia/Tokyo"));
    EXPECT_EQ(*FindZone("UTC"), kUtc);
    EXPECT_EQ(FixedZone(0), kUtc);
}

TEST(Zone, LocalTimesSkippedBySummerTimeStillGiveAnInstant) {
    const auto berlin = FindZone("Europe/Berlin");
    ASSERT_TRUE(berlin);
    const int64_t summer = DaysFromCivil(2021, 7, 1) * 86400;
    EXPECT_EQ(LocalToEpoch(*berlin, summer), summer - 7200);
    const int64_t skipped = DaysFromCivil(2021, 3, 28) * 86400 + 9000;
    const int64_t epoch = LocalToEpoch(*berlin, skipped);
    EXPECT_TRUE(epoch == skipped - 3600 || epoch == skipped - 7200);
}

TEST(Cast, DatetimeOutOfRangeIsAnError) {
    Arena arena;
    EXPECT_TRUE(ToDatetime(Value::Int(INT64_MAX), arena).is_error());
    EXPECT_TRUE(ToDatetime(Value::Bool(true), arena).is_error());
    EXPECT_EQ(Rfc3339(ToDatetime(Value::Double(1541152486013.0), arena)), "2018-11-02T09:54:46.013Z");
}

}  // namespace
}  // namespace haumea
