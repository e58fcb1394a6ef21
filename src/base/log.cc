#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace haumea::log {
namespace {

constexpr size_t kMaxFileBytes = 10U << 20U;
constexpr size_t kMaxFiles = 3;

spdlog::level::level_enum ToSpdlog(Level level) {
    switch (level) {
        case Level::kDebug:
            return spdlog::level::debug;
        case Level::kInfo:
            return spdlog::level::info;
        case Level::kWarn:
            return spdlog::level::warn;
        case Level::kError:
            return spdlog::level::err;
        case Level::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

// Bytes of the control character at `at`, 0 when there is none.
size_t ControlAt(std::string_view text, size_t at) noexcept {
    const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
    if ((byte(at) < 0x20 && text[at] != '\t') || byte(at) == 0x7F) {
        return 1;
    }
    const bool c1 = byte(at) == 0xC2 && at + 1 < text.size() && byte(at + 1) >= 0x80 && byte(at + 1) < 0xA0;
    return c1 ? 2 : 0;
}

}  // namespace

void Init(Level level, bool console, const std::string& file) {
    std::vector<spdlog::sink_ptr> sinks;
    if (console) {
        sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    if (!file.empty()) {
        try {
            sinks.push_back(
                std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file, kMaxFileBytes, kMaxFiles));
        } catch (const spdlog::spdlog_ex& e) {
            fmt::print(stderr, "log file {} cannot be opened ({}); logging goes to the console only\n", file,
                       e.what());
            if (!console) {
                sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
            }
        }
    }
    auto logger = std::make_shared<spdlog::logger>("haumea", sinks.begin(), sinks.end());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger->set_level(ToSpdlog(level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void SetLevel(Level level) { spdlog::default_logger_raw()->set_level(ToSpdlog(level)); }

bool Enabled(Level level) { return spdlog::default_logger_raw()->should_log(ToSpdlog(level)); }

void Write(Level level, std::string_view text) {
    spdlog::logger* const logger = spdlog::default_logger_raw();
    if (!logger->should_log(ToSpdlog(level))) {
        return;
    }
    const std::string line = OneLine(text);
    logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

std::string OneLine(std::string_view text) {
    std::string line(text);
    for (size_t at = 0; at < line.size();) {
        const size_t control = ControlAt(line, at);
        line.replace(at, control, control, '?');
        at += std::max<size_t>(control, 1);
    }
    return line;
}

}  // namespace haumea::log
