#pragma once

#include <span>
#include <string_view>

#include "template/function.h"

namespace haumea::text_template {

// `.t.Year`, `.t.Format "15:04"`: the methods of Go's time.Time that templates call on a datetime. What there
// is none of, or with other arguments, is Value::Error(text).
Value TimeMethod(const Value& time, std::string_view name, std::span<const Value> args, CallContext& ctx);

}  // namespace haumea::text_template
