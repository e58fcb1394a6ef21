#include "config/duration.h"

#include <array>
#include <cmath>
#include <utility>

namespace haumea::config {
namespace {

constexpr double kMaxMillis = 9.2e15;  // 292,000 years; whole numbers are exact in a double up to here

struct Unit {
    std::string_view name;
    double millis;
};
// Longer names first: "ms" is not "m".
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1e-6},
                                         {"us", 1e-3},
                                         {"\xC2\xB5s", 1e-3},
                                         {"\xCE\xBCs", 1e-3},
                                         {"ms", 1},
                                         {"s", 1e3},
                                         {"m", 6e4},
                                         {"h", 3.6e6}}};

// Takes digits with at most one point from the front; negative when there are none.
double TakeNumber(std::string_view& rest) {
    double value = 0;
    double place = 1;
    bool digits = false;
    bool point = false;
    while (!rest.empty() && ((rest[0] >= '0' && rest[0] <= '9') || (rest[0] == '.' && !point))) {
        if (rest[0] == '.') {
            point = true;
        } else if (point) {
            place /= 10;
            value += place * (rest[0] - '0');
            digits = true;
        } else {
            value = value * 10 + (rest[0] - '0');
            digits = true;
        }
        rest.remove_prefix(1);
    }
    return digits ? value : -1;
}

}  // namespace

Result<Millis> ParseDuration(std::string_view text) {
    const auto bad = [text] {
        return Failf("\"{}\" is not a duration: write a number with a unit, such as 500ms, 10s, 1h30m", text);
    };
    std::string_view rest = text;
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) {
        rest.remove_prefix(1);
    }
    if (rest == "0") {
        return Millis{0};
    }
    if (rest.empty()) {
        return bad();
    }
    double total = 0;
    while (!rest.empty()) {
        const double number = TakeNumber(rest);
        const Unit* unit = nullptr;
        for (const Unit& candidate : kUnits) {
            if (unit == nullptr && rest.starts_with(candidate.name)) {
                unit = &candidate;
            }
        }
        if (number < 0 || unit == nullptr) {
            return bad();
        }
        rest.remove_prefix(unit->name.size());
        total += number * unit->millis;
    }
    if (!(total <= kMaxMillis)) {
        return bad();
    }
    // 0.3s is 299.99999999999994 ms in binary: what is that close to a whole number is meant to be one.
    const double whole = std::round(total);
    const double millis = std::fabs(total - whole) < 1e-6 ? whole : std::trunc(total);
    return Millis{static_cast<int64_t>(negative ? -millis : millis)};
}

std::string FormatDuration(Millis duration) {
    if (duration.value == 0) {
        return "0s";
    }
    std::string out = duration.value < 0 ? "-" : "";
    int64_t rest = duration.value < 0 ? -duration.value : duration.value;
    const auto part = [&](int64_t size, std::string_view unit) {
        if (rest >= size) {
            out += fmt::format("{}{}", rest / size, unit);
            rest %= size;
        }
    };
    part(3'600'000, "h");
    part(60'000, "m");
    part(1'000, "s");
    part(1, "ms");
    return out;
}

}  // namespace haumea::config
