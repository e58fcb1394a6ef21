#pragma once

#include <algorithm>
#include <cstdint>

namespace haumea::ws {

struct BackoffSettings {
    int64_t initial_ms = 100;
    int64_t max_ms = 10'000;
    double multiplier = 2;

    bool operator==(const BackoffSettings&) const = default;
};

// How long to wait before the next attempt to connect: exponential with full jitter, so that many clients of
// a restarted server do not come back at the same instant. A plain value of one connection.
class Backoff {
  public:
    explicit Backoff(const BackoffSettings& settings) : settings_(settings) { Reset(); }

    // Between 0 and the current bound, which then grows. `random` is uniform over all 64 bit numbers.
    int64_t Next(uint64_t random) {
        const int64_t delay = Uniform(0, Bound(), random);
        bound_ms_ =
            std::min(bound_ms_ * std::max(settings_.multiplier, 1.0), static_cast<double>(settings_.max_ms));
        return delay;
    }
    // For a refusal that will not go away by itself (wrong password, no such path): the slow end.
    int64_t Slow(uint64_t random) const { return Uniform(settings_.max_ms / 2, settings_.max_ms, random); }
    void Reset() { bound_ms_ = static_cast<double>(std::min(settings_.initial_ms, settings_.max_ms)); }

  private:
    int64_t Bound() const { return static_cast<int64_t>(bound_ms_); }
    static int64_t Uniform(int64_t low, int64_t high, uint64_t random) {
        const auto span = static_cast<uint64_t>(std::max<int64_t>(high - low, 0)) + 1;
        return low + static_cast<int64_t>(random % span);
    }

    BackoffSettings settings_;
    double bound_ms_ = 0;
};

}  // namespace haumea::ws
