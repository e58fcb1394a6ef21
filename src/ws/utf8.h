#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace haumea::ws {

// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Feeds may end inside a
// character. Refuses at the first byte that cannot continue a valid text. A plain value, one owner.
class Utf8Validator {
  public:
    // False as soon as the text cannot become valid any more; the validator then stays failed until Reset().
    [[nodiscard]] bool Feed(std::string_view bytes) noexcept;
    // True when no character is left unfinished and nothing failed.
    [[nodiscard]] bool complete() const noexcept { return pending_ == 0 && !failed_; }
    void Reset() noexcept { *this = Utf8Validator(); }

  private:
    uint8_t pending_ = 0;   // continuation bytes still due
    uint8_t lower_ = 0x80;  // bounds of the next continuation byte
    uint8_t upper_ = 0xBF;
    bool failed_ = false;
};

// A whole text at once.
[[nodiscard]] bool IsValidUtf8(std::string_view text) noexcept;

// The longest prefix of a valid text that has at most `max_bytes` bytes and does not cut a character.
[[nodiscard]] std::string_view TruncateUtf8(std::string_view text, size_t max_bytes) noexcept;

}  // namespace haumea::ws
