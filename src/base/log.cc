#include "base/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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
    spdlog::default_logger_raw()->log(ToSpdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace haumea::log
