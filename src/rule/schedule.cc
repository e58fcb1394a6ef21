#include "rule/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/duration.h"
#include "data/datetime_layout.h"
#include "data/zone.h"

namespace haumea::rule {
namespace {

Result<int64_t> ParseRangeTime(std::string_view text) {
    static const DateLayout kLayout = DateLayout::FromGo("2006-01-02 15:04:05");
    const std::optional<Moment> moment = kLayout.Parse(text, DefaultZone());
    if (!moment) {
        return Failf("\"{}\" is no time of the form 2006-01-02 15:04:05", text);
    }
    return moment->epoch_ms();
}

}  // namespace

void Schedule::SetCron(std::string text) {
    cron_text_ = std::move(text);
    cron_.reset();
    if (auto cron = Cron::Parse(cron_text_); cron) {
        cron_ = std::move(*cron);
    }
}

void Schedule::SetDuration(std::string text) {
    duration_text_ = std::move(text);
    duration_ms_.reset();
    if (auto duration = config::ParseDuration(duration_text_); duration && duration->value > 0) {
        duration_ms_ = duration->value;
    }
}

Result<void> Schedule::CheckRanges() const {
    for (const Range& range : ranges_) {
        if (range.begin.empty() != range.end.empty()) {
            return Failf("begin and end must be given together");
        }
        int64_t begin_ms = range.begin_ms;
        int64_t end_ms = range.end_ms;
        if (!range.begin.empty()) {
            HAUMEA_TRY(begin_ms, ParseRangeTime(range.begin));
            HAUMEA_TRY(end_ms, ParseRangeTime(range.end));
        }
        if (begin_ms > end_ms) {
            return Failf("begin time {} is after end time {}",
                         range.begin.empty() ? std::to_string(begin_ms) : range.begin,
                         range.end.empty() ? std::to_string(end_ms) : range.end);
        }
    }
    return {};
}

std::vector<std::string> Schedule::Warnings() const {
    std::vector<std::string> warnings;
    if (!cron_text_.empty() && !cron_) {
        warnings.push_back(fmt::format("option cron \"{}\" has no effect: {}", cron_text_,
                                       Cron::Parse(cron_text_).error().message));
    } else if (cron_ && !duration_ms_) {
        warnings.push_back(
            "option cron has no effect without a duration: set duration to the length of a run");
    }
    if (!duration_text_.empty() && !duration_ms_) {
        const auto parsed = config::ParseDuration(duration_text_);
        warnings.push_back(fmt::format("option duration \"{}\" has no effect: {}", duration_text_,
                                       parsed ? "it must be above 0" : parsed.error().message));
    }
    return warnings;
}

bool Schedule::InRange(int64_t now_ms) const {
    const auto contains = [now_ms](const Range& range) {
        int64_t begin_ms = range.begin_ms;
        int64_t end_ms = range.end_ms;
        if (!range.begin.empty()) {
            begin_ms = ParseRangeTime(range.begin).value_or(0);
            end_ms = ParseRangeTime(range.end).value_or(0);
        }
        return begin_ms <= now_ms && now_ms <= end_ms;
    };
    return ranges_.empty() || std::any_of(ranges_.begin(), ranges_.end(), contains);
}

bool Schedule::IsOpen(int64_t now_ms) const {
    if (!InRange(now_ms)) {
        return false;
    }
    if (!has_windows()) {
        return true;
    }
    const int64_t start = cron_->Next(now_ms - *duration_ms_);
    return start != 0 && start <= now_ms;
}

int64_t Schedule::NextStart(int64_t now_ms) const {
    return has_windows() && InRange(now_ms) ? cron_->Next(now_ms) : 0;
}

void ReadSchedule(ObjectReader& options, Schedule& schedule, std::string& error) {
    std::string cron;
    std::string duration;
    options.Read("cron", cron);
    options.Read("duration", duration);
    if (!cron.empty()) {
        schedule.SetCron(std::move(cron));
    }
    if (!duration.empty()) {
        schedule.SetDuration(std::move(duration));
    }
    const config::Node* ranges = options.ReadArray("cronDatetimeRange", "[]schedule.DatetimeRange");
    if (ranges == nullptr) {
        return;
    }
    for (const config::Node& element : ranges->array()) {
        if (!element.is_object()) {
            options.Mismatch("cronDatetimeRange", ObjectReader::KindOf(element), "schedule.DatetimeRange");
            return;
        }
        Schedule::Range range;
        ObjectReader reader = options.Nested("cronDatetimeRange", element, "DatetimeRange");
        reader.Read("begin", range.begin);
        reader.Read("end", range.end);
        reader.Read("beginTimestamp", range.begin_ms, "int64");
        reader.Read("endTimestamp", range.end_ms, "int64");
        if (!error.empty()) {
            return;
        }
        schedule.AddRange(std::move(range));
    }
}

}  // namespace haumea::rule
