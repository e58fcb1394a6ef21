#include "connect/unpacker.h"

#include <utility>

namespace haumea::connect {

Result<std::shared_ptr<Unpacker>> Unpacker::Make(const DecodeProperties& decode, Shared shared) {
    HAUMEA_TRY(auto decompressor, codec::MakeDecompressor(decode.decompression));
    return std::shared_ptr<Unpacker>(
        new Unpacker(std::move(decompressor), decode.max_decompressed_bytes, shared));
}

bool Unpacker::Unpack(const BufferView& packed, BufferView& message, std::string& error) noexcept {
    const bool known = shared_ == Shared::kYes && packed.owner &&
                       last_packed_.owner.get() == packed.owner.get() && last_packed_.ptr == packed.ptr &&
                       last_packed_.len == packed.len;
    if (!known) {
        ++unpacked_;
        BufferBuilder plain;  // its own for every message: a rule may feed itself
        std::string why;
        if (decompressor_->Decompress(packed.view(), max_bytes_, plain, why)) {
            message = plain.Take();
            why.clear();
        }
        if (shared_ == Shared::kNo) {
            error = std::move(why);
            return error.empty();
        }
        last_packed_ = packed;
        last_message_ = why.empty() ? message : BufferView();
        last_error_ = std::move(why);
    }
    message = last_message_;
    error = last_error_;
    return error.empty();
}

}  // namespace haumea::connect
