#include "rule/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "data/zone.h"

namespace haumea::rule {
namespace {

struct FieldRule {
    std::string_view name;
    int low;
    int high;
    std::string_view names;  // three letters each, the first is `names_from`
    int names_from;
};
constexpr FieldRule kFields[] = {
    {"minute", 0, 59, "", 0},
    {"hour", 0, 23, "", 0},
    {"day of month", 1, 31, "", 0},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
    {"day of week", 0, 7, "sunmontuewedthufrisat", 0},
};

constexpr std::pair<std::string_view, std::string_view> kDescriptors[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

std::vector<std::string_view> Split(std::string_view text, char separator, bool skip_empty) {
    std::vector<std::string_view> parts;
    while (true) {
        const size_t end = std::min(text.find(separator), text.size());
        if (end > 0 || !skip_empty) {
            parts.push_back(text.substr(0, end));
        }
        if (end == text.size()) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

// -1 when it is no number or name of the field.
int ParseNumber(std::string_view text, const FieldRule& rule) {
    int number = -1;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec == std::errc() && end == text.data() + text.size()) {
        return number;
    }
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const size_t at = lower.size() == 3 ? rule.names.find(lower) : std::string_view::npos;
    return at == std::string_view::npos || at % 3 != 0 ? -1 : static_cast<int>(at / 3) + rule.names_from;
}

bool IsAny(std::string_view text) { return text.starts_with('*') || text.starts_with('?'); }

}  // namespace

Result<Cron::Set> Cron::ParseField(std::string_view text, int index) {
    const FieldRule& rule = kFields[index];
    Set set;
    for (const std::string_view part : Split(text, ',', false)) {
        const std::vector<std::string_view> stepped = Split(part, '/', false);
        const std::vector<std::string_view> ends = Split(stepped[0], '-', false);
        const bool any = stepped[0] == "*" || stepped[0] == "?";
        int low = any ? rule.low : ParseNumber(ends[0], rule);
        int high = any ? rule.high : (ends.size() > 1 ? ParseNumber(ends[1], rule) : low);
        const int step = stepped.size() > 1 ? ParseNumber(stepped[1], rule) : 1;
        if (!any && ends.size() == 1 && stepped.size() > 1) {
            high = rule.high;  // 5/15: from 5 on
        }
        if (stepped.size() > 2 || ends.size() > 2 || step < 1 || low < rule.low || high > rule.high ||
            low > high) {
            return Failf("\"{}\" is no {}, which is a number from {} to {}, a range, a list or *", part,
                         rule.name, rule.low, rule.high);
        }
        for (int value = low; value <= high; value += step) {
            set.set(static_cast<size_t>(index == 4 ? value % 7 : value));  // 7 is Sunday, too
        }
    }
    return set;
}

Result<Cron> Cron::Parse(std::string_view text) {
    for (const auto& [name, fields] : kDescriptors) {
        if (text == name) {
            text = fields;
        }
    }
    const std::vector<std::string_view> fields = Split(text, ' ', true);
    if (fields.size() != 5) {
        return Failf("expected 5 fields (minute hour day-of-month month day-of-week), found {}",
                     fields.size());
    }
    Cron cron;
    HAUMEA_TRY(cron.minutes_, ParseField(fields[0], 0));
    HAUMEA_TRY(cron.hours_, ParseField(fields[1], 1));
    HAUMEA_TRY(cron.days_, ParseField(fields[2], 2));
    HAUMEA_TRY(cron.months_, ParseField(fields[3], 3));
    HAUMEA_TRY(cron.weekdays_, ParseField(fields[4], 4));
    cron.any_day_ = IsAny(fields[2]);
    cron.any_weekday_ = IsAny(fields[4]);
    return cron;
}

int64_t Cron::Next(int64_t after_ms) const {
    using std::chrono::days;
    constexpr int kMaxDays = 5 * 366;
    const uint32_t zone = DefaultZone();
    // From the next whole minute on, as clocks in the zone show it.
    const int64_t after_s = after_ms >= 0 ? after_ms / 1000 : (after_ms - 999) / 1000;
    const int64_t local = (after_s + OffsetAt(zone, after_s).seconds) / 60 * 60 + 60;
    std::chrono::sys_days day =
        std::chrono::floor<days>(std::chrono::sys_seconds(std::chrono::seconds(local)));
    int64_t first_minute = local % 86400 / 60;
    for (int i = 0; i < kMaxDays; ++i, day += days(1), first_minute = 0) {
        const std::chrono::year_month_day date(day);
        const bool day_fits = days_.test(static_cast<unsigned>(date.day()));
        const bool weekday_fits = weekdays_.test(std::chrono::weekday(day).c_encoding());
        const bool either = any_day_ || any_weekday_ ? day_fits && weekday_fits : day_fits || weekday_fits;
        if (!months_.test(static_cast<unsigned>(date.month())) || !either) {
            continue;
        }
        for (int64_t minute = first_minute; minute < 24 * 60; ++minute) {
            if (!hours_.test(static_cast<size_t>(minute / 60)) ||
                !minutes_.test(static_cast<size_t>(minute % 60))) {
                continue;
            }
            const int64_t shown = day.time_since_epoch().count() * int64_t{86400} + minute * 60;
            const int64_t at_ms = LocalToEpoch(zone, shown) * 1000;
            if (at_ms > after_ms) {
                return at_ms;
            }
        }
    }
    return 0;
}

}  // namespace haumea::rule
