#include "ws/utf8.h"

#include <cstring>

namespace haumea::ws {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080U;

uint64_t LoadWord(const uint8_t* from) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
}

const uint8_t* SkipAscii(const uint8_t* at, const uint8_t* end) noexcept {
    while (end - at >= 32) {
        const uint64_t any = LoadWord(at) | LoadWord(at + 8) | LoadWord(at + 16) | LoadWord(at + 24);
        if ((any & kHighBits) != 0) {
            break;
        }
        at += 32;
    }
    while (end - at >= 8 && (LoadWord(at) & kHighBits) == 0) {
        at += 8;
    }
    while (at != end && *at < 0x80) {
        ++at;
    }
    return at;
}

// What a lead byte asks for: continuation bytes and the bounds of the first of them (RFC 3629 4). count 0: no
// lead.
struct Lead {
    uint8_t count;
    uint8_t lower;
    uint8_t upper;
};

Lead ReadLead(uint8_t byte) noexcept {
    if (byte < 0xC2) {
        return {0, 0, 0};  // a continuation byte, or C0 and C1, which only make overlong forms
    }
    if (byte < 0xE0) {
        return {1, 0x80, 0xBF};
    }
    if (byte < 0xF0) {
        // E0 80..9F would be overlong, ED A0..BF are the surrogates.
        return {2, static_cast<uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
                static_cast<uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
    }
    if (byte < 0xF5) {
        // F0 80..8F would be overlong, F4 90..BF lie above U+10FFFF.
        return {3, static_cast<uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
                static_cast<uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
    }
    return {0, 0, 0};
}

bool IsContinuation(uint8_t byte) noexcept { return (byte & 0xC0U) == 0x80U; }

}  // namespace

bool Utf8Validator::Feed(std::string_view bytes) noexcept {
    if (failed_) {
        return false;
    }
    const auto* at = reinterpret_cast<const uint8_t*>(bytes.data());
    const uint8_t* const end = at + bytes.size();
    // Finish the character that an earlier piece began.
    while (pending_ != 0 && at != end) {
        if (*at < lower_ || *at > upper_) {
            failed_ = true;
            return false;
        }
        lower_ = 0x80;
        upper_ = 0xBF;
        --pending_;
        ++at;
    }
    while (at != end) {
        if (*at < 0x80) {
            at = SkipAscii(at + 1, end);
            continue;
        }
        const Lead lead = ReadLead(*at);
        if (lead.count == 0) {
            failed_ = true;
            return false;
        }
        if (end - at > lead.count) {
            // The whole character is here.
            const bool good = at[1] >= lead.lower && at[1] <= lead.upper &&
                              (lead.count < 2 || IsContinuation(at[2])) &&
                              (lead.count < 3 || IsContinuation(at[3]));
            if (!good) {
                failed_ = true;
                return false;
            }
            at += lead.count + 1;
            continue;
        }
        ++at;
        uint8_t due = lead.count;
        uint8_t lower = lead.lower;
        uint8_t upper = lead.upper;
        while (due != 0 && at != end) {
            if (*at < lower || *at > upper) {
                failed_ = true;
                return false;
            }
            lower = 0x80;
            upper = 0xBF;
            --due;
            ++at;
        }
        pending_ = due;
        lower_ = lower;
        upper_ = upper;
    }
    return true;
}

bool IsValidUtf8(std::string_view text) noexcept {
    Utf8Validator validator;
    return validator.Feed(text) && validator.complete();
}

std::string_view TruncateUtf8(std::string_view text, size_t max_bytes) noexcept {
    if (text.size() <= max_bytes) {
        return text;
    }
    size_t end = max_bytes;
    while (end > 0 && IsContinuation(static_cast<uint8_t>(text[end]))) {
        --end;
    }
    return text.substr(0, end);
}

}  // namespace haumea::ws
