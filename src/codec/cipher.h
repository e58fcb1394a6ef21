#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/buffer.h"

namespace haumea::codec {

struct CipherOptions {
    std::string key;           // 16, 24 or 32 bytes
    std::string mode = "gcm";  // gcm, cfb
    std::string iv;            // bytes: gcm 12, cfb 16; empty: random for every message
    std::string aad;           // gcm: authenticated but not sent; needs `iv`
    int64_t tag_size = 16;     // gcm with aad: the tag is padded with zeros to this size
};

// AES, one message at a time. What goes out:
//   gcm            nonce (12) || ciphertext || tag (16)
//   gcm with aad   tag || ciphertext; the receiver knows the nonce
//   cfb            iv (16) || ciphertext (CFB-128)
// Owned by one action or source; one thread.
class Cipher {
  public:
    static Result<std::unique_ptr<Cipher>> Make(CipherOptions options);
    ~Cipher();
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;

    // Both append to `out`.
    bool Encrypt(std::string_view plain, BufferBuilder& out, std::string& error) noexcept;
    bool Decrypt(std::string_view message, BufferBuilder& out, std::string& error) noexcept;

  private:
    struct Impl;
    explicit Cipher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace haumea::codec
