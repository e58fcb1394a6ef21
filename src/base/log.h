#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

// The log of the process. Any thread. Lines carry ids (rule, stream, connection), never payloads or secrets.
namespace haumea::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

// Console and, when `file` is not empty, a file rotated at 10 MB (3 kept). Called once at start.
void Init(Level level, bool console, const std::string& file);
void SetLevel(Level level);
bool Enabled(Level level);
// One line, whatever `text` holds: it passes through OneLine().
void Write(Level level, std::string_view text);

// `text` with '?' for every control character (C0 but the tab, DEL, and C1 in UTF-8, which some terminals
// obey). What a remote says can so neither forge a line nor control a terminal.
std::string OneLine(std::string_view text);

template <typename... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
    if (Enabled(Level::kDebug)) {
        Write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
    if (Enabled(Level::kInfo)) {
        Write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
    if (Enabled(Level::kWarn)) {
        Write(Level::kWarn, fmt::format(format, std::forward<Args>(args)...));
    }
}
template <typename... Args>
void Error(fmt::format_string<Args...> format, Args&&... args) {
    if (Enabled(Level::kError)) {
        Write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
    }
}

}  // namespace haumea::log
