#pragma once

#include <sys/resource.h>

#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

// What server and load of the fan-out benchmark agree on: messages of one size that carry number and time.
namespace haumea::bench {

constexpr size_t kMessageBytes = 512;
constexpr size_t kFrameBytes = kMessageBytes + 4;  // unmasked header with a length of two bytes
constexpr size_t kStampBytes = 33;                 // "<16 hex digits> <16 hex digits>"

inline int64_t NowNs() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// `out` has kMessageBytes. `time_ns`: its stamp.
inline void WriteMessage(char* out, uint64_t number, int64_t time_ns) {
    for (size_t i = kStampBytes; i < kMessageBytes; ++i) {
        out[i] = static_cast<char>('a' + i % 26);
    }
    char stamp[kStampBytes + 1];
    std::snprintf(stamp, sizeof stamp, "%016" PRIx64 " %016" PRIx64, number, static_cast<uint64_t>(time_ns));
    for (size_t i = 0; i < kStampBytes; ++i) {
        out[i] = stamp[i];
    }
}

inline uint64_t ReadHex(const char* digits) {
    uint64_t value = 0;
    for (int i = 0; i < 16; ++i) {
        const auto c = static_cast<unsigned char>(digits[i]);
        value = value << 4U | (c <= '9' ? c - '0' : c - 'a' + 10U);
    }
    return value;
}
inline uint64_t NumberOf(std::string_view message) { return ReadHex(message.data()); }
inline int64_t StampOf(std::string_view message) {
    return static_cast<int64_t>(ReadHex(message.data() + 17));
}

inline double CpuSeconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The raw hub: no WebSocket layer beyond the handshake, one send of everything pending per socket. What the
// hub of src/ws is compared with. Reads commands "run <rate> <seconds>" from standard input; rate 0 is full
// speed.
int RunRawHub();

}  // namespace haumea::bench
