#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "rule/cron.h"
#include "rule/object_reader.h"

namespace haumea::rule {

// When a rule runs: options cron, duration and cronDatetimeRange. Times are milliseconds since 1970 UTC; cron
// and texts of ranges are read in the default zone. A plain value; any thread.
class Schedule {
  public:
    // Days between which the rule may run, both ends included.
    struct Range {
        std::string begin;  // "2006-01-02 15:04:05"
        std::string end;
        int64_t begin_ms = 0;
        int64_t end_ms = 0;
    };

    void SetCron(std::string text);
    void SetDuration(std::string text);
    void AddRange(Range range) { ranges_.push_back(std::move(range)); }
    // Reads the texts of ranges; what `invalid options` reports.
    Result<void> CheckRanges() const;
    // Texts of cron and duration that cannot be used; the rule then runs as if they were not there.
    std::vector<std::string> Warnings() const;

    // Decided by the clock: cron with a duration, or ranges. Else the rule simply runs.
    bool by_clock() const { return has_windows() || !ranges_.empty(); }
    // A limit of one run, without cron.
    std::optional<int64_t> run_limit_ms() const { return has_windows() ? std::nullopt : duration_ms_; }
    // Whether a rule by the clock should be running.
    bool IsOpen(int64_t now_ms) const;
    // The next time that cron opens, 0 when there is none or now is out of range.
    int64_t NextStart(int64_t now_ms) const;

  private:
    bool has_windows() const { return cron_ && duration_ms_; }
    bool InRange(int64_t now_ms) const;

    std::string cron_text_;
    std::string duration_text_;
    std::optional<Cron> cron_;
    std::optional<int64_t> duration_ms_;
    std::vector<Range> ranges_;
};

// Reads cron, duration and cronDatetimeRange from the options of a rule.
void ReadSchedule(ObjectReader& options, Schedule& schedule, std::string& error);

}  // namespace haumea::rule
