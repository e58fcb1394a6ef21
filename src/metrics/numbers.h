#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/prometheus.h"

namespace haumea::metrics {

// What a number counts, and its names: the same in REST, in the status of rules and in Prometheus. Constants.
struct NumberKind {
    std::string_view json;  // "bytesOut" in REST
    // "bytes_out_total" behind "haumea_endpoint_" and "haumea_connection_" in Prometheus, and behind
    // "sink_websocket_0_0_connection_" in the status of a rule.
    std::string_view series;
    PrometheusText::FamilyType type = PrometheusText::FamilyType::kCounter;
    std::string_view help;
    std::string_view label = {};  // "reason" when one kind has several numbers; empty: it has one
    bool largest = false;         // of several connections together it is the largest, not the sum
};

// One number at the moment it was read.
struct Number {
    const NumberKind* kind = nullptr;   // a constant
    std::string_view label_value = {};  // a constant; with `kind->label`
    int64_t value = 0;
};

// All numbers of one connection or endpoint; those of a kind stand side by side.
using Numbers = std::vector<Number>;

// One connection or endpoint, for Prometheus.
struct NumbersOf {
    std::string name;  // the value of the label that tells them apart
    Numbers numbers;
};

// Its name where there are no labels: "dropped_no_client_total" of the series "dropped_total" with the label
// value "no_client".
std::string FlatName(const Number& number);

// Adds the numbers of one of several connections to those of all: sums, but of what says the most or the last
// of something the largest.
void Merge(const Numbers& one, Numbers& all);

// Writes the families "<prefix><series>", each with one sample per entry and label: {<subject>="<name>"}.
void WriteNumbers(PrometheusText& text, std::string_view prefix, std::string_view subject,
                  const std::vector<NumbersOf>& list);

}  // namespace haumea::metrics
