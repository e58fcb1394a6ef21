#include "expr/access.h"

#include <fmt/format.h>

#include <string>

#include "data/go_format.h"
#include "expr/operators.h"

namespace haumea::expr {
namespace {

Value NotAnArray(const Value& base, int64_t start, int64_t end, Arena& arena) noexcept {
    if (base.is_object()) {
        return MakeError("[] is an invalid operation for map[string]interface {}", arena);
    }
    std::string text = "invalid operation ";
    text += GoTyped(base);
    text += fmt::format(" [] *xsql.BracketEvalResult(&{{{} {}}})", start, end);
    return MakeError(text, arena);
}

Value OutOfIndex(std::string_view what, int64_t index, int64_t size, Arena& arena) noexcept {
    return MakeError(fmt::format("{}out of index: {} of {}", what, index, size), arena);
}

}  // namespace

Value ElementAt(const Value& base, int64_t index, Arena& arena) noexcept {
    if (base.is_null() || base.is_error()) {
        return base.is_error() ? base : Value::Null();
    }
    if (!base.is_array()) {
        return NotAnArray(base, index, index, arena);
    }
    const int64_t size = base.size();
    const int64_t at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) {
        return OutOfIndex("", index, size, arena);
    }
    return base.items()[static_cast<size_t>(at)];
}

Value Slice(const Value& base, int64_t start, int64_t end, Arena& arena) noexcept {
    if (base.is_null() || base.is_error()) {
        return base.is_error() ? base : Value::Null();
    }
    if (!base.is_array()) {
        return NotAnArray(base, start, end, arena);
    }
    const int64_t size = base.size();
    const int64_t from = start < 0 ? start + size : start;
    const int64_t to = end == kOpenEnd ? size : (end < 0 ? end + size : end);
    if (start >= 0 && end >= 0 && start > end) {
        return MakeError(fmt::format("start cannot be greater than end. start:{}  end:{}", start, end),
                         arena);
    }
    if (start >= size) {
        return OutOfIndex("start value is ", start, size, arena);
    }
    if (end > size) {
        return OutOfIndex("end value is ", end, size, arena);
    }
    if (from < 0 || to < 0) {
        return OutOfIndex("", from < 0 ? start : end, size, arena);
    }
    if (from > to) {
        return MakeError(fmt::format("start cannot be greater than end. start:{}  end:{}", from, to), arena);
    }
    return Value::Array(base.items().subspan(static_cast<size_t>(from), static_cast<size_t>(to - from)));
}

Value MemberOf(const Value& base, std::string_view key, Arena& arena) noexcept {
    if (base.is_object()) {
        return base.Get(key);
    }
    if (base.is_null()) {
        return Value::Null();
    }
    if (base.is_error()) {
        return base;
    }
    std::string text = "the result ";
    AppendGoText(text, base);
    text += " is not a type of map[string]interface{}";
    return MakeError(text, arena);
}

}  // namespace haumea::expr
