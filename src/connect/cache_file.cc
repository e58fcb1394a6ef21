#include "connect/cache_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "connect/cache_farewells.h"
#include "io/blocking_pool.h"

namespace haumea::connect {
namespace {

constexpr size_t kMaxName = 160;  // of the 255 bytes that file systems allow

// FNV-1a, 64 bits: names that were cut stay apart.
uint64_t Hash(std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    return hash;
}

std::string FolderName(std::string_view rule_id) {
    std::string name;
    for (const char c : rule_id) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '_';
        name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return name.size() <= kMaxName ? name
                                   : fmt::format("{}%{:016x}", name.substr(0, kMaxName), Hash(rule_id));
}

}  // namespace

std::string CacheFolder(std::string_view data_dir, std::string_view rule_id) {
    return fmt::format("{}/cache/{}", data_dir, FolderName(rule_id));
}

std::string CacheFile(std::string_view data_dir, std::string_view rule_id, std::string_view sink_name) {
    return fmt::format("{}/{}.db", CacheFolder(data_dir, rule_id), sink_name);
}

std::string DestinationFolder(const std::string& cache_file) {
    return cache_file.substr(0, cache_file.size() - std::string_view(".db").size());
}

std::string DestinationFile(const std::string& cache_file, std::span<const std::string_view> values) {
    // No value with NUL makes a destination, so that the joined form is unambiguous.
    return fmt::format("{}/{}.db", DestinationFolder(cache_file),
                       FolderName(fmt::format("{}", fmt::join(values, std::string_view("\0", 1)))));
}

bool IsOfCache(std::string_view file, const std::string& cache_file) {
    return file == cache_file || file.starts_with(DestinationFolder(cache_file) + "/");
}

DiskRunner DiskOf(Services& services) {
    io::Scheduler* loop = services.scheduler;
    if (services.cache_disk == nullptr) {
        return [loop](const std::function<void()>& work, std::function<void()> then) {
            work();
            loop->Post(std::move(then));
            return true;
        };
    }
    return [loop, disk = services.cache_disk](std::function<void()> work, std::function<void()> then) {
        return disk->Run(*loop, std::move(work), std::move(then));
    };
}

std::string SinkName(std::string_view type, int index) { return fmt::format("{}_{}", type, index); }

void RemoveCaches(Services& services, std::string_view rule_id) {
    const std::string folder_name = CacheFolder(services.data_dir, rule_id);
    if (services.cache_farewells != nullptr) {
        services.cache_farewells->FinishIn(folder_name);
    }
    const auto remove = [folder = folder_name] {
        std::error_code error;
        std::filesystem::remove_all(folder, error);
        if (error) {
            log::Warn("cannot delete {}: {}", folder, error.message());
        }
    };
    static_cast<void>(DiskOf(services)(remove, [] {}));
}

}  // namespace haumea::connect
