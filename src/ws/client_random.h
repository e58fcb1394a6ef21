#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace haumea::ws {

// Unpredictable bytes for masking keys, nonces and jitter (RFC 6455 10.3), drawn from the system in blocks.
// One owner, one thread.
class ClientRandom {
  public:
    template <size_t kSize>
    std::array<uint8_t, kSize> Bytes() noexcept {
        std::array<uint8_t, kSize> out;
        Fill(out.data(), kSize);
        return out;
    }
    uint64_t Number() noexcept;

  private:
    void Fill(uint8_t* out, size_t size) noexcept;

    std::array<uint8_t, 1024> block_{};
    size_t used_ = 1024;
};

}  // namespace haumea::ws
