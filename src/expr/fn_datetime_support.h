#pragma once

#include <optional>

#include "data/datetime.h"
#include "expr/fn_support.h"

namespace haumea::expr {

// A datetime, milliseconds since 1970, or a text; otherwise `error`.
std::optional<Moment> ReadMoment(const Value& value, FunctionContext& ctx, Value& error) noexcept;

// `2019-01-15 10:20:30`, in the zone of the moment.
Value DateTimeText(const Moment& moment, FunctionContext& ctx) noexcept;

}  // namespace haumea::expr
