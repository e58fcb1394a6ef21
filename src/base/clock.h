#pragma once

#include <cstdint>

namespace haumea {

// Where time comes from. Every class that needs time takes a Clock&, so that tests run on VirtualClock.
class Clock {
  public:
    virtual ~Clock() = default;
    // Wall clock, milliseconds since 1970 UTC.
    virtual int64_t NowMs() const = 0;
    // Monotonic nanoseconds for intervals.
    virtual int64_t MonotonicNs() const = 0;
};

// The clock of the machine. Any thread.
class SystemClock final : public Clock {
  public:
    int64_t NowMs() const override;
    int64_t MonotonicNs() const override;
    static SystemClock& Instance();
};

// A clock that moves only when told. One thread.
class VirtualClock final : public Clock {
  public:
    explicit VirtualClock(int64_t now_ms = 0) : now_ms_(now_ms) {}
    int64_t NowMs() const override { return now_ms_; }
    int64_t MonotonicNs() const override { return now_ms_ * 1'000'000; }
    void AdvanceTo(int64_t now_ms) { now_ms_ = now_ms > now_ms_ ? now_ms : now_ms_; }

  private:
    int64_t now_ms_;
};

}  // namespace haumea
