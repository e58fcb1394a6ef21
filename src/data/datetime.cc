#include "data/datetime.h"

#include <array>
#include <chrono>
#include <cstring>
#include <vector>

#include "data/datetime_layout.h"
#include "data/zone.h"

namespace haumea {

namespace {

constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t FloorDiv(int64_t a, int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

int64_t FloorMod(int64_t a, int64_t b) noexcept { return a % b + (a % b < 0 ? b : 0); }

bool IsLeap(int64_t year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

char* WriteTwo(char* out, int value) noexcept {
    *out++ = static_cast<char>('0' + value / 10);
    *out++ = static_cast<char>('0' + value % 10);
    return out;
}

char* WriteYear(char* out, int64_t year) noexcept {
    if (year < 0 || year > 9999) {
        std::string text = std::to_string(year < 0 ? -year : year);
        text.insert(0, text.size() < 4 ? 4 - text.size() : 0, '0');
        if (year < 0) {
            *out++ = '-';
        }
        std::memcpy(out, text.data(), text.size());
        return out + text.size();
    }
    out = WriteTwo(out, static_cast<int>(year / 100));
    return WriteTwo(out, static_cast<int>(year % 100));
}

// `.123`, without trailing zeros; nothing for zero.
char* WriteFraction(char* out, int nanos) noexcept {
    if (nanos == 0) {
        return out;
    }
    *out++ = '.';
    for (int unit = 100'000'000; nanos > 0; unit /= 10) {
        *out++ = static_cast<char>('0' + nanos / unit);
        nanos %= unit;
    }
    return out;
}

// Date, `separator`, time of day.
char* WriteDateTime(char* out, const CivilTime& civil, char separator) noexcept {
    out = WriteYear(out, civil.year);
    *out++ = '-';
    out = WriteTwo(out, civil.month);
    *out++ = '-';
    out = WriteTwo(out, civil.day);
    *out++ = separator;
    out = WriteTwo(out, civil.hour);
    *out++ = ':';
    out = WriteTwo(out, civil.minute);
    *out++ = ':';
    out = WriteTwo(out, civil.second);
    return WriteFraction(out, civil.nanos);
}

char* WriteOffset(char* out, int32_t seconds, std::string_view separator) noexcept {
    *out++ = seconds < 0 ? '-' : '+';
    const int32_t minutes = (seconds < 0 ? -seconds : seconds) / 60;
    out = WriteTwo(out, minutes / 60);
    std::memcpy(out, separator.data(), separator.size());
    return WriteTwo(out + separator.size(), minutes % 60);
}

// The layouts that a text is tried against, in order. The first two cover what machines send.
const std::vector<DateLayout>& Layouts() {
    static const std::vector<DateLayout> layouts = [] {
        constexpr std::array kLayouts = {"2006-01-02T15:04:05Z07:00",
                                         "2006-01-02T15:04:05",
                                         "2006",
                                         "2006-1",
                                         "2006-1-2",
                                         "2006-1-2 15",
                                         "2006-1-2 15:4",
                                         "2006-1-2 15:4:5",
                                         "1-2",
                                         "15:4:5",
                                         "15:4",
                                         "15",
                                         "15:4:5 Jan 2, 2006 MST",
                                         "2006-01-02 15:04:05.999999999 -0700 MST",
                                         "2006-01-02T15:04:05Z0700",
                                         "2006-01-02T15:04:05Z07",
                                         "2006.1.2",
                                         "2006.1.2 15:04:05",
                                         "2006.01.02",
                                         "2006.01.02 15:04:05",
                                         "2006.01.02 15:04:05.999999999",
                                         "1/2/2006",
                                         "1/2/2006 15:4:5",
                                         "2006/01/02",
                                         "20060102",
                                         "2006/01/02 15:04:05",
                                         "Mon Jan _2 15:04:05 2006",
                                         "Mon Jan _2 15:04:05 MST 2006",
                                         "Mon Jan 02 15:04:05 -0700 2006",
                                         "02 Jan 06 15:04 MST",
                                         "02 Jan 06 15:04 -0700",
                                         "Monday, 02-Jan-06 15:04:05 MST",
                                         "Mon, 02 Jan 2006 15:04:05 MST",
                                         "Mon, 02 Jan 2006 15:04:05 -0700",
                                         "3:04PM",
                                         "Jan _2 15:04:05"};
        std::vector<DateLayout> result;
        for (const char* layout : kLayouts) {
            result.push_back(DateLayout::FromGo(layout));
        }
        return result;
    }();
    return layouts;
}

bool IsTimeOfDay(std::string_view text) noexcept {
    const size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(first);
    return text.size() >= 1 && text.find_first_not_of("0123456789:. \t") == std::string_view::npos &&
           (text.find(':') != std::string_view::npos || text.size() <= 2) &&
           (text.find('.') == std::string_view::npos || text.find('.') > text.find(':'));
}

// Dates without a year are this year's, times without a date today's.
Moment Complete(const Moment& moment, std::string_view text) {
    const CivilTime read = ToCivil(moment);
    if (read.year != 0) {
        return moment;
    }
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const CivilTime today = ToCivil(Moment::FromEpochMs(now_ms, moment.zone));
    const bool time_only = IsTimeOfDay(text);
    const int64_t days =
        DaysFromCivil(today.year, time_only ? today.month : read.month, time_only ? today.day : read.day);
    const int64_t local = days * kDaySeconds + read.hour * 3600 + read.minute * 60 + read.second;
    return {LocalToEpoch(moment.zone, local), moment.nanos, moment.zone};
}

}  // namespace

const std::string_view kMonthNames[12] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
const std::string_view kDayNames[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

Moment Moment::FromEpochMs(int64_t ms, uint32_t zone) noexcept {
    const int64_t seconds = FloorDiv(ms, 1000);
    return {seconds, static_cast<int32_t>(FloorMod(ms, 1000)) * 1'000'000, zone};
}

Moment Moment::FromValue(const Value& datetime) noexcept {
    const int64_t ns = datetime.epoch_ns();
    return {FloorDiv(ns, kNanosPerSecond), static_cast<int32_t>(FloorMod(ns, kNanosPerSecond)),
            datetime.zone()};
}

Value Moment::ToValue() const noexcept {
    int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, kNanosPerSecond, &ns) ||
        __builtin_add_overflow(ns, static_cast<int64_t>(nanos), &ns)) {
        return Value::Missing();
    }
    return Value::Datetime(ns, zone);
}

int64_t Moment::epoch_ms() const noexcept {
    int64_t ms = 0;
    if (__builtin_mul_overflow(seconds, int64_t{1000}, &ms)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return ms > INT64_MAX - 1000 ? ms : ms + nanos / 1'000'000;
}

// Counts from March, so that the leap day ends a year; in eras of 400 years.
int64_t DaysFromCivil(int64_t year, int month, int day) noexcept {
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = FloorDiv(y, 400);
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

int DaysInMonth(int64_t year, int month) noexcept {
    constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && IsLeap(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

CivilTime ToCivil(const Moment& moment) noexcept {
    const int32_t offset = OffsetAt(moment.zone, moment.seconds).seconds;
    // Days first: the offset must not overflow the seconds.
    int64_t days = FloorDiv(moment.seconds, kDaySeconds);
    int64_t second_of_day = FloorMod(moment.seconds, kDaySeconds) + offset;
    days += FloorDiv(second_of_day, kDaySeconds);
    second_of_day = FloorMod(second_of_day, kDaySeconds);

    const int64_t shifted = days + 719'468;
    const int64_t era = FloorDiv(shifted, 146'097);
    const int64_t day_of_era = shifted - era * 146'097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_index = (5 * day_of_year + 2) / 153;

    CivilTime civil;
    civil.month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
    civil.day = static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1);
    civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
    civil.hour = static_cast<int>(second_of_day / 3600);
    civil.minute = static_cast<int>(second_of_day / 60 % 60);
    civil.second = static_cast<int>(second_of_day % 60);
    civil.nanos = moment.nanos;
    civil.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
    civil.year_day = static_cast<int>(days - DaysFromCivil(civil.year, 1, 1)) + 1;
    return civil;
}

std::optional<Moment> ParseDatetime(std::string_view text, uint32_t zone) {
    constexpr size_t kMaxText = 128;
    if (text.empty() || text.size() > kMaxText) {
        return std::nullopt;
    }
    for (const DateLayout& layout : Layouts()) {
        if (const std::optional<Moment> moment = layout.Parse(text, zone)) {
            return Complete(*moment, text);
        }
    }
    return std::nullopt;
}

struct TimePattern::Layout {
    DateLayout parts;
};

TimePattern::TimePattern(std::unique_ptr<const Layout> layout) : layout_(std::move(layout)) {}
TimePattern::TimePattern(TimePattern&&) noexcept = default;
TimePattern& TimePattern::operator=(TimePattern&&) noexcept = default;
TimePattern::~TimePattern() = default;

Result<TimePattern> TimePattern::Compile(std::string_view pattern) {
    HAUMEA_TRY(DateLayout parts, DateLayout::FromPattern(pattern));
    return TimePattern(std::make_unique<const Layout>(Layout{std::move(parts)}));
}

TimePattern TimePattern::FromGoLayout(std::string_view layout) {
    return TimePattern(std::make_unique<const Layout>(Layout{DateLayout::FromGo(layout)}));
}

void TimePattern::Format(const Moment& moment, std::string& out) const { layout_->parts.Format(moment, out); }

std::optional<Moment> TimePattern::Parse(std::string_view text, uint32_t zone) const {
    return layout_->parts.Parse(text, zone);
}

size_t WriteRfc3339(const Value& datetime, char* out) noexcept {
    const Moment moment = Moment::FromValue(datetime);
    const int32_t offset = OffsetAt(moment.zone, moment.seconds).seconds;
    char* p = WriteDateTime(out, ToCivil(moment), 'T');
    if (offset == 0) {
        *p++ = 'Z';
    } else {
        p = WriteOffset(p, offset, ":");
    }
    return static_cast<size_t>(p - out);
}

void AppendGoTime(std::string& out, const Value& datetime) {
    const Moment moment = Moment::FromValue(datetime);
    const ZoneOffset offset = OffsetAt(moment.zone, moment.seconds);
    char text[kMaxRfc3339];
    char* p = WriteDateTime(text, ToCivil(moment), ' ');
    *p++ = ' ';
    char* zone = p;
    p = WriteOffset(p, offset.seconds, "");
    out.append(text, static_cast<size_t>(p - text));
    out += ' ';
    if (offset.abbreviation[0] != '\0') {
        out += offset.abbreviation;
    } else {
        out.append(zone, static_cast<size_t>(p - zone));
    }
}

}  // namespace haumea
