#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "codec/compress.h"
#include "connect/decode_properties.h"
#include "data/buffer.h"

namespace haumea::connect {

// Undoes the compression of the messages of a stream. The rules of a SHARED stream have one between them,
// which unpacks what each of them is handed in turn once. Shared because rules end in any order; home loop
// only.
class Unpacker {
  public:
    // kYes: the last message and what was in it are kept for the next to ask.
    enum class Shared : bool { kNo, kYes };
    static Result<std::shared_ptr<Unpacker>> Make(const DecodeProperties& decode, Shared shared);

    // False: broken, or larger than the stream allows.
    bool Unpack(const BufferView& packed, BufferView& message, std::string& error) noexcept;
    // Messages that were really unpacked (tests).
    size_t unpacked() const noexcept { return unpacked_; }

  private:
    Unpacker(std::unique_ptr<codec::Decompressor> decompressor, size_t max_bytes, Shared shared)
        : decompressor_(std::move(decompressor)), max_bytes_(max_bytes), shared_(shared) {}

    std::unique_ptr<codec::Decompressor> decompressor_;
    size_t max_bytes_;
    Shared shared_;
    size_t unpacked_ = 0;
    BufferView last_packed_;  // held, so that its place is not taken by another message
    BufferView last_message_;
    std::string last_error_;  // not empty: it is broken
};

}  // namespace haumea::connect
