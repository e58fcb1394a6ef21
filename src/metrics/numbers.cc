#include "metrics/numbers.h"

#include <fmt/format.h>

#include <algorithm>

namespace haumea::metrics {

std::string FlatName(const Number& number) {
    constexpr std::string_view kTotal = "_total";
    const std::string_view series = number.kind->series;
    if (number.label_value.empty()) {
        return std::string(series);
    }
    return series.ends_with(kTotal) ? fmt::format("{}_{}{}", series.substr(0, series.size() - kTotal.size()),
                                                  number.label_value, kTotal)
                                    : fmt::format("{}_{}", series, number.label_value);
}

void WriteNumbers(PrometheusText& text, std::string_view prefix, std::string_view subject,
                  const std::vector<NumbersOf>& list) {
    // Families in the order in which they come up: every entry may lack some.
    std::vector<const NumberKind*> kinds;
    for (const NumbersOf& entry : list) {
        for (const Number& number : entry.numbers) {
            if (std::find(kinds.begin(), kinds.end(), number.kind) == kinds.end()) {
                kinds.push_back(number.kind);
            }
        }
    }
    for (const NumberKind* kind : kinds) {
        text.Family(fmt::format("{}{}", prefix, kind->series), kind->type, kind->help);
        for (const NumbersOf& entry : list) {
            for (const Number& number : entry.numbers) {
                if (number.kind != kind) {
                    continue;
                }
                PrometheusText::Labels labels;
                if (!subject.empty()) {
                    labels.emplace_back(subject, entry.name);
                }
                if (!kind->label.empty()) {
                    labels.emplace_back(kind->label, number.label_value);
                }
                text.Sample(std::move(labels), number.value);
            }
        }
    }
}

}  // namespace haumea::metrics
