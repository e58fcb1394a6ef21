#include "sql/functions.h"

#include <algorithm>
#include <array>
#include <utility>

namespace haumea::sql {

namespace {

using Class = FunctionClass;
constexpr std::array kClasses = {
    std::pair{std::string_view("acc_avg"), Class::kAnalytic},
    std::pair{std::string_view("acc_count"), Class::kAnalytic},
    std::pair{std::string_view("acc_max"), Class::kAnalytic},
    std::pair{std::string_view("acc_min"), Class::kAnalytic},
    std::pair{std::string_view("acc_sum"), Class::kAnalytic},
    std::pair{std::string_view("avg"), Class::kAggregate},
    std::pair{std::string_view("changed_col"), Class::kAnalytic},
    std::pair{std::string_view("changed_cols"), Class::kMultiColumn},
    std::pair{std::string_view("collect"), Class::kAggregate},
    std::pair{std::string_view("count"), Class::kAggregate},
    std::pair{std::string_view("deduplicate"), Class::kAggregate},
    std::pair{std::string_view("extract"), Class::kSetReturning},
    std::pair{std::string_view("had_changed"), Class::kAnalytic},
    std::pair{std::string_view("lag"), Class::kAnalytic},
    std::pair{std::string_view("last_agg_hit_count"), Class::kAggregate},
    std::pair{std::string_view("last_agg_hit_time"), Class::kAggregate},
    std::pair{std::string_view("last_value"), Class::kAggregate},
    std::pair{std::string_view("latest"), Class::kAnalytic},
    std::pair{std::string_view("max"), Class::kAggregate},
    std::pair{std::string_view("median"), Class::kAggregate},
    std::pair{std::string_view("merge_agg"), Class::kAggregate},
    std::pair{std::string_view("min"), Class::kAggregate},
    std::pair{std::string_view("percentile_cont"), Class::kAggregate},
    std::pair{std::string_view("percentile_disc"), Class::kAggregate},
    std::pair{std::string_view("row_number"), Class::kWindowFunction},
    std::pair{std::string_view("stddev"), Class::kAggregate},
    std::pair{std::string_view("stddevs"), Class::kAggregate},
    std::pair{std::string_view("sum"), Class::kAggregate},
    std::pair{std::string_view("unnest"), Class::kSetReturning},
    std::pair{std::string_view("var"), Class::kAggregate},
    std::pair{std::string_view("vars"), Class::kAggregate},
};
static_assert(std::is_sorted(kClasses.begin(), kClasses.end(),
                             [](const auto& a, const auto& b) { return a.first < b.first; }));

}  // namespace

FunctionClass BuiltinFunctionClass(std::string_view name) {
    const auto* it = std::lower_bound(kClasses.begin(), kClasses.end(), name,
                                      [](const auto& entry, std::string_view n) { return entry.first < n; });
    return it != kClasses.end() && it->first == name ? it->second : FunctionClass::kScalar;
}

std::optional<WindowType> WindowTypeOf(std::string_view name) {
    if (name == "tumblingwindow") {
        return WindowType::kTumbling;
    }
    if (name == "hoppingwindow") {
        return WindowType::kHopping;
    }
    if (name == "sessionwindow") {
        return WindowType::kSession;
    }
    if (name == "slidingwindow") {
        return WindowType::kSliding;
    }
    if (name == "countwindow") {
        return WindowType::kCount;
    }
    if (name == "statewindow") {
        return WindowType::kState;
    }
    return std::nullopt;
}

bool TakesMetaReferences(std::string_view name) { return name == "meta" || name == "mqtt"; }

// ASCII only: names are ASCII unless back-quoted.
std::string ToLower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

std::string ToUpper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

}  // namespace haumea::sql
