#include "connect/packer.h"

#include <utility>

namespace haumea::connect {
namespace {

// One stage: from `in` to `out` by `step`.
template <typename Step>
bool Run(metrics::NodeStats& stats, Packer::Count count, BufferBuilder& out, const Step& step) noexcept {
    const bool counts = count == Packer::Count::kYes;
    out.Clear();
    if (counts) {
        stats.CountIn();
        stats.CountProcessed();
    }
    const bool done = step();
    if (counts && done) {
        stats.CountOut();
    }
    return done;
}

}  // namespace

void Packer::SetCompressor(std::unique_ptr<codec::Compressor> compressor, metrics::NodeStats& stats) {
    compressor_ = std::move(compressor);
    compress_stats_ = &stats;
}

void Packer::SetCipher(std::unique_ptr<codec::Cipher> cipher, metrics::NodeStats& stats) {
    cipher_ = std::move(cipher);
    encrypt_stats_ = &stats;
}

metrics::NodeStats* Packer::Pack(BufferBuilder& payload, Count count, BufferView& packed,
                                 std::string& error) noexcept {
    BufferBuilder* last = &payload;
    if (compressor_) {
        if (!Run(*compress_stats_, count, compressed_,
                 [&] { return compressor_->Compress(last->view(), compressed_, error); })) {
            return compress_stats_;
        }
        last = &compressed_;
    }
    if (cipher_) {
        if (!Run(*encrypt_stats_, count, encrypted_,
                 [&] { return cipher_->Encrypt(last->view(), encrypted_, error); })) {
            return encrypt_stats_;
        }
        last = &encrypted_;
    }
    packed = last->Take();
    return nullptr;
}

}  // namespace haumea::connect
