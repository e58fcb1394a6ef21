#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace haumea::rule {

// A time table of five fields, `minute hour day-of-month month day-of-week`, or @hourly @daily @midnight
// @weekly @monthly @yearly @annually. Fields take `*`, `?`, lists, ranges, steps and the names of months and
// days; when both days are restricted, either may match. Read in the default zone. A plain value.
class Cron {
  public:
    static Result<Cron> Parse(std::string_view text);
    // The first time after `after_ms`; 0 when there is none within five years.
    int64_t Next(int64_t after_ms) const;

  private:
    using Set = std::bitset<64>;
    static Result<Set> ParseField(std::string_view text, int index);

    Set minutes_;
    Set hours_;
    Set days_;
    Set months_;
    Set weekdays_;
    bool any_day_ = false;
    bool any_weekday_ = false;
};

}  // namespace haumea::rule
