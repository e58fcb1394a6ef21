#include "data/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>

namespace haumea {

namespace {

// A fixed offset is kept in the number: kFixedBit | (offset + a day).
constexpr uint32_t kFixedBit = 0x8000'0000U;
constexpr int32_t kDaySeconds = 86'400;
constexpr size_t kMaxZones = 2048;  // there are about 600 names
// date counts years in 16 bits; offsets do not change that far out.
constexpr int64_t kFarPast = -62'135'596'800;    // year 1
constexpr int64_t kFarFuture = 253'402'300'799;  // year 9999

struct ZoneTable {
    std::mutex mutex;  // guards `count` and writing to `zones`
    size_t count = 1;  // 0 is UTC
    std::array<std::atomic<const date::time_zone*>, kMaxZones> zones{};
};

ZoneTable& Table() {
    static ZoneTable table;
    return table;
}

std::atomic<uint32_t> default_zone{kUtc};

bool IsPlainName(std::string_view name) {
    return name.size() < 64 && name.front() != '/' && name.find("..") == std::string_view::npos &&
           name.find('\\') == std::string_view::npos;
}

const date::time_zone* Locate(std::string_view name) {
    try {
        return name == "Local" ? date::current_zone() : date::locate_zone(std::string(name));
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace

Result<uint32_t> FindZone(std::string_view name) {
    if (name.empty() || name == "UTC") {
        return kUtc;
    }
    const date::time_zone* found = IsPlainName(name) ? Locate(name) : nullptr;
    if (found == nullptr) {
        if (name == "Local") {
            return kUtc;  // a machine without zone data or configuration counts in UTC
        }
        return Failf("unknown time zone {}", name);
    }
    if (name == "Local" && (found->name() == "UTC" || found->name() == "Etc/UTC")) {
        return kUtc;
    }
    ZoneTable& table = Table();
    const std::lock_guard lock(table.mutex);
    for (size_t i = 1; i < table.count; ++i) {
        if (table.zones[i].load(std::memory_order_relaxed) == found) {
            return static_cast<uint32_t>(i);
        }
    }
    if (table.count == kMaxZones) {
        return Failf("too many time zones in use, cannot add {}", name);
    }
    table.zones[table.count].store(found, std::memory_order_release);
    return static_cast<uint32_t>(table.count++);
}

uint32_t FixedZone(int32_t offset_seconds) noexcept {
    if (offset_seconds == 0) {
        return kUtc;
    }
    const int32_t offset = std::clamp(offset_seconds, -kDaySeconds, kDaySeconds);
    return kFixedBit | static_cast<uint32_t>(offset + kDaySeconds);
}

ZoneOffset OffsetAt(uint32_t zone, int64_t epoch_seconds) noexcept {
    ZoneOffset result;
    if ((zone & kFixedBit) != 0) {
        result.seconds = static_cast<int32_t>(zone & ~kFixedBit) - kDaySeconds;
        return result;
    }
    const date::time_zone* rules =
        zone == kUtc || zone >= kMaxZones ? nullptr : Table().zones[zone].load(std::memory_order_acquire);
    if (rules == nullptr) {
        std::memcpy(result.abbreviation, "UTC", 4);
        return result;
    }
    try {
        const std::chrono::seconds at(std::clamp(epoch_seconds, kFarPast, kFarFuture));
        const date::sys_info info = rules->get_info(date::sys_seconds(at));
        result.seconds = static_cast<int32_t>(info.offset.count());
        const size_t length = std::min(info.abbrev.size(), sizeof(result.abbreviation) - 1);
        std::memcpy(result.abbreviation, info.abbrev.data(), length);
    } catch (const std::exception&) {
        std::memcpy(result.abbreviation, "UTC",
                    4);  // the file of the zone went away; nothing better is known
    }
    return result;
}

int64_t LocalToEpoch(uint32_t zone, int64_t local_seconds) noexcept {
    const int32_t guess = OffsetAt(zone, local_seconds).seconds;
    if (guess == 0) {
        return local_seconds;
    }
    return local_seconds - OffsetAt(zone, local_seconds - guess).seconds;
}

uint32_t DefaultZone() noexcept { return default_zone.load(std::memory_order_relaxed); }

Result<void> SetDefaultZone(std::string_view name) {
    HAUMEA_TRY(const uint32_t zone, FindZone(name));
    default_zone.store(zone, std::memory_order_relaxed);
    return {};
}

}  // namespace haumea
