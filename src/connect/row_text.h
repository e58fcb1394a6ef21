#pragma once

#include <span>
#include <string>

#include "data/value.h"

namespace haumea::connect {

// Rows as JSON for a log line, cut to `max_bytes`. Numbers that JSON has not are named instead.
std::string RowText(std::span<const Value> rows, size_t max_bytes = 4096);

}  // namespace haumea::connect
