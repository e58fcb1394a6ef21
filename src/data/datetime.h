#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"
#include "data/value.h"

namespace haumea {

// An instant and the zone in which it is shown. Wider than a datetime Value, which ends in the year 2262:
// functions calculate with it.
struct Moment {
    int64_t seconds = 0;  // since 1970 UTC
    int32_t nanos = 0;    // [0, 1e9)
    uint32_t zone = 0;    // data/zone.h

    static Moment FromEpochMs(int64_t ms, uint32_t zone) noexcept;
    static Moment FromValue(const Value& datetime) noexcept;  // kDatetime only
    // kMissing when it does not fit a Value (before 1678 or after 2261).
    Value ToValue() const noexcept;
    // Milliseconds since 1970, rounded down; clamped to int64.
    int64_t epoch_ms() const noexcept;
};

// The calendar fields of a moment in its zone (proleptic Gregorian calendar, any year).
struct CivilTime {
    int64_t year = 1970;
    int month = 1;  // 1..12
    int day = 1;    // 1..31
    int hour = 0;
    int minute = 0;
    int second = 0;
    int nanos = 0;
    int weekday = 4;   // 0 = Sunday
    int year_day = 1;  // 1..366
};
CivilTime ToCivil(const Moment& moment) noexcept;
// Days since 1970-01-01.
int64_t DaysFromCivil(int64_t year, int month, int day) noexcept;
int DaysInMonth(int64_t year, int month) noexcept;
extern const std::string_view kMonthNames[12];
extern const std::string_view kDayNames[7];  // from Sunday

// Reads one of the layouts that users write: ISO dates and times with or without zone, `2006/01/02 15:04:05`,
// RFC 1123 ... A text without date gets today's; one without zone is read in `zone`.
std::optional<Moment> ParseDatetime(std::string_view text, uint32_t zone);

// A compiled pattern of format_time() and TIMESTAMP_FORMAT: YYYY MM dd HH mm ss SSS ... Immutable; any
// thread.
class TimePattern {
  public:
    // Error: `invalid time format YYY for Y/y` and the like.
    static Result<TimePattern> Compile(std::string_view pattern);
    // A layout written as Go's reference time, for templates: "2006-01-02 15:04:05".
    static TimePattern FromGoLayout(std::string_view layout);

    TimePattern(TimePattern&&) noexcept;
    TimePattern& operator=(TimePattern&&) noexcept;
    ~TimePattern();

    void Format(const Moment& moment, std::string& out) const;
    // A time without zone is read in `zone`; parts that the pattern does not have are the first ones (year 0,
    // January 1st).
    std::optional<Moment> Parse(std::string_view text, uint32_t zone) const;

  private:
    struct Layout;
    explicit TimePattern(std::unique_ptr<const Layout> layout);
    std::unique_ptr<const Layout> layout_;
};

// `2020-01-02T03:04:05.12Z`: the zone of the value, the fraction without trailing zeros. JSON output. At most
// kMaxRfc3339 bytes; returns how many.
inline constexpr size_t kMaxRfc3339 = 48;
size_t WriteRfc3339(const Value& datetime, char* out) noexcept;

// `2020-01-02 03:04:05.12 +0100 CET`: cast(x, "string") and text functions.
void AppendGoTime(std::string& out, const Value& datetime);

}  // namespace haumea
