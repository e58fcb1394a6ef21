#include "api/system_info.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>

namespace haumea::api {
namespace {

// The names that clients know.
std::string Architecture(const std::string& machine) {
    if (machine == "x86_64") {
        return "amd64";
    }
    return machine == "aarch64" ? "arm64" : machine;
}

double Seconds(clockid_t clock) {
    timespec time{};
    return clock_gettime(clock, &time) == 0
               ? static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9
               : 0;
}

}  // namespace

SystemInfo ReadSystemInfo(int64_t uptime_ms) {
    SystemInfo info;
    utsname names{};
    if (uname(&names) == 0) {
        info.os = names.sysname;
        std::transform(info.os.begin(), info.os.end(), info.os.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        info.arch = Architecture(names.machine);
    }
    if (uptime_ms > 0) {
        const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
        info.cpu_usage = fmt::format("{:.2f}%", cpu / (static_cast<double>(uptime_ms) / 1000) * 100);
    }
    const int64_t page = sysconf(_SC_PAGESIZE);
    info.memory_total = sysconf(_SC_PHYS_PAGES) * page;
    int64_t size = 0;
    int64_t resident = 0;
    if (std::ifstream statm("/proc/self/statm"); statm >> size >> resident) {
        info.memory_used = resident * page;
    }
    return info;
}

}  // namespace haumea::api
