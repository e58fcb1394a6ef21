#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "ws/deflate.h"

// The first byte chooses the limit and the window; the rest is inflated whole and byte by byte, and also
// compressed and inflated again.

namespace {

using haumea::BufferBuilder;
using haumea::ws::ContextTakeover;
using haumea::ws::Inflater;

std::optional<std::string> Inflate(Inflater& inflater, std::string_view data, size_t piece, size_t limit) {
    BufferBuilder out;
    for (size_t at = 0; at < data.size(); at += piece) {
        const Inflater::Status status = inflater.Feed(data.substr(at, piece), out, limit);
        if (out.size() > limit) {
            std::abort();
        }
        if (status != Inflater::Status::kOk) {
            return std::nullopt;
        }
    }
    if (inflater.Finish(out, limit) != Inflater::Status::kOk) {
        return std::nullopt;
    }
    return std::string(out.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) {
        return 0;
    }
    const uint8_t choice = data[0];
    const size_t limit = (choice & 1U) != 0 ? 1000 : 1U << 20U;
    const auto bits = static_cast<uint8_t>(8 + (choice >> 1U) % 8);
    const ContextTakeover takeover = (choice & 16U) != 0 ? ContextTakeover::kNo : ContextTakeover::kYes;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

    // The full window: with a smaller one, data that break it fail only when the bytes they refer to are
    // gone, which depends on the pieces.
    Inflater whole(15, takeover);
    Inflater slow(15, takeover);
    // Twice, so that the second message meets a used window.
    for (int round = 0; round < 2; ++round) {
        const auto a = Inflate(whole, bytes, bytes.size(), limit);
        const auto b = Inflate(slow, bytes, 1, limit);
        if (a != b) {
            std::abort();
        }
        if (!a) {
            break;
        }
    }

    haumea::ws::Deflater deflater({.window_bits = bits, .context_takeover = takeover});
    Inflater back(bits, takeover);
    for (int round = 0; round < 2; ++round) {
        BufferBuilder packed;
        if (!deflater.Compress(bytes, packed)) {
            std::abort();
        }
        if (Inflate(back, packed.view(), 7, bytes.size()) != bytes) {
            std::abort();
        }
    }
    return 0;
}
