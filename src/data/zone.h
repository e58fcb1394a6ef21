#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace haumea {

// Time zones by number, so that a datetime value stays 16 bytes. 0 is UTC; a fixed offset is part of the
// number itself; named zones get the next number when they are first asked for and keep it until the process
// ends. All functions: any thread. The rules come from the system's /usr/share/zoneinfo; nothing is ever
// downloaded.
inline constexpr uint32_t kUtc = 0;

// By IANA name ("Asia/Shanghai"); "UTC" and "" are UTC, "Local" is the zone of the machine. Error: `unknown
// time zone X`.
Result<uint32_t> FindZone(std::string_view name);

// A zone without name that is always `offset_seconds` east of Greenwich (within 24 hours).
uint32_t FixedZone(int32_t offset_seconds) noexcept;

struct ZoneOffset {
    int32_t seconds = 0;        // east of Greenwich
    char abbreviation[8] = "";  // "UTC", "CET"; empty for fixed offsets
};
// What holds in `zone` at an instant.
ZoneOffset OffsetAt(uint32_t zone, int64_t epoch_seconds) noexcept;

// The instant at which clocks in `zone` show `local_seconds` (counted as if the clock showed UTC). A time
// that clocks skip or show twice gives one of the two readings.
int64_t LocalToEpoch(uint32_t zone, int64_t local_seconds) noexcept;

// The zone in which times without zone are read and shown: option basic.timezone. UTC until set; set once at
// start.
uint32_t DefaultZone() noexcept;
Result<void> SetDefaultZone(std::string_view name);

}  // namespace haumea
