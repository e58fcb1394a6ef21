#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace haumea::ws {

// The four key bytes in wire order. Clients take a fresh unpredictable one per frame (RFC 6455 5.3 and 10.3).
using MaskKey = std::array<uint8_t, 4>;

// XORs `size` bytes in place; data[0] stands at payload offset `offset`, which decides the key byte it starts
// with. Masking and unmasking are the same operation. Any thread.
void ApplyMask(char* data, size_t size, MaskKey key, uint64_t offset = 0) noexcept;

// The same, and tells in one pass whether every resulting byte is ASCII, in which case a text needs no UTF-8
// check.
[[nodiscard]] bool ApplyMaskCheckAscii(char* data, size_t size, MaskKey key, uint64_t offset = 0) noexcept;

// Writes the masked bytes of `source` to `target`; the two may not overlap unless equal.
void CopyMasked(char* target, const char* source, size_t size, MaskKey key, uint64_t offset = 0) noexcept;

}  // namespace haumea::ws
