#include "ws/mask.h"

#include <cstring>

namespace haumea::ws {
namespace {

// A portable 16 byte vector: one register on x86-64 (SSE2) and arm64 without any special flags.
using Block = uint64_t __attribute__((vector_size(16)));
constexpr size_t kBlock = sizeof(Block);
constexpr uint64_t kHighBits = 0x8080808080808080U;

// The key repeated, starting with the key byte for payload offset `offset`, in memory order.
uint64_t RepeatedKey(MaskKey key, uint64_t offset) noexcept {
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; ++i) {
        bytes[i] = key[(offset + i) & 3U];
    }
    uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    return word;
}

Block Load(const char* from) noexcept {
    Block block;
    std::memcpy(&block, from, kBlock);
    return block;
}

// One step of sizeof(Word) bytes at `i`. `key` holds the key bytes in memory order; its first ones are used.
template <typename Word>
void MaskStep(char* target, const char* source, size_t& i, uint64_t key, uint64_t& seen) noexcept {
    Word value = 0;
    Word mask = 0;
    std::memcpy(&value, source + i, sizeof(value));
    std::memcpy(&mask, &key, sizeof(mask));
    value = static_cast<Word>(value ^ mask);
    std::memcpy(target + i, &value, sizeof(value));
    // Any place in `seen` will do: only the high bits of its bytes count.
    seen |= value;
    i += sizeof(Word);
}

// Returns the OR of all resulting bytes, folded to eight; the caller looks at the high bits only.
uint64_t Mask(char* target, const char* source, size_t size, MaskKey key, uint64_t offset) noexcept {
    const uint64_t word = RepeatedKey(key, offset);
    const Block mask = {word, word};
    Block seen0 = {0, 0};
    Block seen1 = {0, 0};
    size_t i = 0;
    for (; i + 4 * kBlock <= size; i += 4 * kBlock) {
        const Block a = Load(source + i) ^ mask;
        const Block b = Load(source + i + kBlock) ^ mask;
        const Block c = Load(source + i + 2 * kBlock) ^ mask;
        const Block d = Load(source + i + 3 * kBlock) ^ mask;
        std::memcpy(target + i, &a, kBlock);
        std::memcpy(target + i + kBlock, &b, kBlock);
        std::memcpy(target + i + 2 * kBlock, &c, kBlock);
        std::memcpy(target + i + 3 * kBlock, &d, kBlock);
        seen0 |= a | b;
        seen1 |= c | d;
    }
    seen0 |= seen1;
    uint64_t seen = seen0[0] | seen0[1];
    while (i + sizeof(word) <= size) {
        MaskStep<uint64_t>(target, source, i, word, seen);
    }
    // The rest in steps of four, two and one; four bytes keep the key in phase. Steps of fixed size avoid a
    // call of memcpy and a load that has to wait for smaller stores.
    if (size - i >= 4) {
        MaskStep<uint32_t>(target, source, i, word, seen);
    }
    uint64_t shifted = word;
    if (size - i >= 2) {
        MaskStep<uint16_t>(target, source, i, word, seen);
        shifted = RepeatedKey(key, offset + 2);
    }
    if (i < size) {
        MaskStep<uint8_t>(target, source, i, shifted, seen);
    }
    return seen;
}

}  // namespace

void ApplyMask(char* data, size_t size, MaskKey key, uint64_t offset) noexcept {
    static_cast<void>(Mask(data, data, size, key, offset));
}

bool ApplyMaskCheckAscii(char* data, size_t size, MaskKey key, uint64_t offset) noexcept {
    return (Mask(data, data, size, key, offset) & kHighBits) == 0;
}

void CopyMasked(char* target, const char* source, size_t size, MaskKey key, uint64_t offset) noexcept {
    static_cast<void>(Mask(target, source, size, key, offset));
}

}  // namespace haumea::ws
