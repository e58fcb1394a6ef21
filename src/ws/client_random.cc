#include "ws/client_random.h"

#include <openssl/rand.h>

#include <cstring>

#include "base/assert.h"

namespace haumea::ws {

uint64_t ClientRandom::Number() noexcept {
    uint64_t number = 0;
    Fill(reinterpret_cast<uint8_t*>(&number), sizeof number);
    return number;
}

void ClientRandom::Fill(uint8_t* out, size_t size) noexcept {
    if (block_.size() - used_ < size) {
        // Without entropy no connection can be made safely; the system's generator does not fail once seeded.
        HAUMEA_CHECK(RAND_bytes(block_.data(), static_cast<int>(block_.size())) == 1);
        used_ = 0;
    }
    std::memcpy(out, block_.data() + used_, size);
    std::memset(block_.data() + used_, 0, size);
    used_ += size;
}

}  // namespace haumea::ws
