#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>

namespace haumea {

// Error codes as REST clients see them (`{"error":<code>,...}`); the values are part of the public interface.
enum class ErrorCode : int {
    kUndefined = 1000,  // default; HTTP 400
    kGeneral = 1001,    // HTTP 400
    kNotFound = 1002,   // HTTP 404
    kIo = 1003,         // HTTP 400, like all below
    kConverter = 1004,
    kEof = 1005,
    kParser = 2001,
    kPlan = 2101,
    kExecutor = 2201,
    kStream = 3000,
    kRule = 4000,
    kConfig = 5000,
};

// A failure that a person will read: says field, value, reason and remedy. A plain value, usable from any
// thread.
struct Error {
    ErrorCode code = ErrorCode::kUndefined;
    std::string message;

    Error() = default;
    explicit Error(std::string text) : message(std::move(text)) {}
    Error(ErrorCode c, std::string text) : code(c), message(std::move(text)) {}

    // Puts `prefix: ` in front, keeping the code.
    Error With(std::string_view prefix) && {
        message = fmt::format("{}: {}", prefix, message);
        return std::move(*this);
    }
    Error WithCode(ErrorCode c) && {
        code = c;
        return std::move(*this);
    }
};

// Errorf("unknown field {}", name)
template <typename... Args>
Error Errorf(fmt::format_string<Args...> format, Args&&... args) {
    return Error(fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
Error Errorf(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace haumea
