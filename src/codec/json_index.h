#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace haumea::codec {

// First pass over a JSON text: the offsets of everything that starts a token (braces, brackets, colons,
// commas, opening quotes, first characters of other scalars), found with SIMD. Also proves that the text is
// UTF-8, that no string contains a raw control character and that every string is closed (RFC 8259 section
// 7). Owned by one decoder; one thread. Reused between messages: no allocation once it has seen the largest.
class JsonIndex {
  public:
    JsonIndex();
    JsonIndex(const JsonIndex&) = delete;
    JsonIndex& operator=(const JsonIndex&) = delete;
    ~JsonIndex();

    // `text` has Buffer::kPadding readable bytes behind its end. False: `error` says what is wrong.
    bool Build(const char* text, size_t size, std::string& error) noexcept;

    // Valid until the next Build. offsets()[count()] is the size of the text.
    const uint32_t* offsets() const noexcept { return offsets_; }
    uint32_t count() const noexcept { return count_; }

  private:
    // Above it the memory of the pass is given back after a rare huge message.
    static constexpr size_t kKeptCapacity = 1U << 20U;

    struct Impl;
    std::unique_ptr<Impl> impl_;
    const uint32_t* offsets_ = nullptr;
    uint32_t count_ = 0;
};

}  // namespace haumea::codec
