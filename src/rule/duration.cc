#include "rule/duration.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace haumea::rule {
namespace {

// Nanoseconds of a unit, 0 for an unknown one.
double UnitNs(std::string_view unit) {
    if (unit == "ns") {
        return 1;
    }
    if (unit == "us" || unit == "\u00B5s" || unit == "\u03BCs") {
        return 1e3;
    }
    if (unit == "ms") {
        return 1e6;
    }
    if (unit == "s") {
        return 1e9;
    }
    if (unit == "m") {
        return 60e9;
    }
    return unit == "h" ? 3600e9 : 0;
}

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
    std::string_view rest = text;
    const bool negative = !rest.empty() && rest.front() == '-';
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
        rest.remove_prefix(1);
    }
    if (rest == "0") {
        return 0;
    }
    if (rest.empty()) {
        return Failf("time: invalid duration \"{}\"", text);
    }
    double total_ns = 0;
    while (!rest.empty()) {
        const size_t number_end = std::min(rest.find_first_not_of("0123456789."), rest.size());
        double number = 0;
        const auto [end, ec] =
            std::from_chars(rest.data(), rest.data() + number_end, number, std::chars_format::fixed);
        if (number_end == 0 || ec != std::errc() || end != rest.data() + number_end) {
            return Failf("time: invalid duration \"{}\"", text);
        }
        rest.remove_prefix(number_end);
        const std::string_view unit =
            rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
        if (unit.empty()) {
            return Failf("time: missing unit in duration \"{}\"", text);
        }
        const double unit_ns = UnitNs(unit);
        if (unit_ns == 0) {
            return Failf("time: unknown unit \"{}\" in duration \"{}\"", unit, text);
        }
        total_ns += number * unit_ns;
        rest.remove_prefix(unit.size());
    }
    if (total_ns >= static_cast<double>(std::numeric_limits<int64_t>::max())) {
        return Failf("time: invalid duration \"{}\"", text);
    }
    const auto ms = static_cast<int64_t>(total_ns / 1e6 + 1e-9);
    return negative ? -ms : ms;
}

}  // namespace haumea::rule
