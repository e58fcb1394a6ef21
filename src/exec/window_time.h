#pragma once

#include <cstdint>

#include "sql/ast.h"

namespace haumea::exec {

// The first end of a window of `length` units that starts at `now_ms`: aligned to the calendar of `zone`, so
// that TUMBLINGWINDOW(ss, 10) ends at :00, :10 ... Always later than `now_ms`. Later ends follow in steps of
// the length.
int64_t FirstWindowEnd(sql::TimeUnit unit, int64_t length, int64_t now_ms, uint32_t zone) noexcept;

}  // namespace haumea::exec
