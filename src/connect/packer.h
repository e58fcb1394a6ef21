#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "codec/cipher.h"
#include "codec/compress.h"
#include "data/buffer.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// The stages compress and encrypt of an action, each there when it is configured. Owned by one action; home
// loop only.
class Packer {
  public:
    // The nodes of the status; they outlive the packer.
    void SetCompressor(std::unique_ptr<codec::Compressor> compressor, metrics::NodeStats& stats);
    void SetCipher(std::unique_ptr<codec::Cipher> cipher, metrics::NodeStats& stats);

    // The payload is no text any more.
    bool changes_bytes() const noexcept { return compressor_ || cipher_; }

    // A second form of a message that was counted already is not counted again.
    enum class Count : bool { kNo, kYes };
    // Hands out what `payload` holds, packed. Null: done; else the stage that failed, and why in `error`.
    metrics::NodeStats* Pack(BufferBuilder& payload, Count count, BufferView& packed,
                             std::string& error) noexcept;

  private:
    std::unique_ptr<codec::Compressor> compressor_;
    std::unique_ptr<codec::Cipher> cipher_;
    metrics::NodeStats* compress_stats_ = nullptr;
    metrics::NodeStats* encrypt_stats_ = nullptr;
    BufferBuilder compressed_;
    BufferBuilder encrypted_;
};

}  // namespace haumea::connect
