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

void Merge(const Numbers& one, Numbers& all) {
    for (const Number& number : one) {
        const auto same = std::find_if(all.begin(), all.end(), [&](const Number& other) {
            return other.kind == number.kind && other.label_value == number.label_value;
        });
        if (same == all.end()) {
            all.push_back(number);
        } else {
            same->value =
                number.kind->largest ? std::max(same->value, number.value) : same->value + number.value;
        }
    }
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
