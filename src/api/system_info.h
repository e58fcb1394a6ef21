#pragma once

#include <cstdint>
#include <string>

namespace haumea::api {

// The process and the machine as GET / shows them.
struct SystemInfo {
    std::string os;
    std::string arch;
    std::string cpu_usage;     // "12.34%" since the start of the process; empty when unknown
    int64_t memory_used = 0;   // bytes in memory; 0 when unknown
    int64_t memory_total = 0;  // bytes of the machine
};
// `uptime_ms`: of the process. Reads /proc; any thread.
SystemInfo ReadSystemInfo(int64_t uptime_ms);

}  // namespace haumea::api
