#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ws/frame_parser.h"

// The first byte chooses role, compression and piece size, the rest is the stream. Nothing may crash, and the
// outcome must not depend on how the stream is cut.

namespace {

using haumea::ws::FrameEvent;

struct Setup {
    haumea::ws::Role role;
    haumea::ws::ParserLimits limits;
    haumea::ws::DeflateParams deflate;
};

std::vector<std::string> Run(const Setup& setup, std::string_view stream, size_t piece) {
    haumea::ws::FrameParser parser(setup.role, setup.limits, setup.deflate);
    std::vector<std::string> events;
    FrameEvent event;
    for (size_t at = 0; at < stream.size(); at += piece) {
        // A vector of the exact size: a look beyond the end is seen by the sanitizer.
        const std::string_view part = stream.substr(at, piece);
        std::vector<char> bytes(part.begin(), part.end());
        parser.Feed({bytes.data(), bytes.size()});
        while (parser.Next(event)) {
            if (event.payload.len > setup.limits.max_message_bytes && event.is_message()) {
                std::abort();
            }
            std::string text(1, static_cast<char>('0' + static_cast<int>(event.kind)));
            text += std::to_string(haumea::ws::ToNumber(event.code));
            text += event.payload.view();
            events.push_back(std::move(text));
        }
        if (parser.buffered_bytes() > setup.limits.max_message_bytes) {
            std::abort();
        }
    }
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const uint8_t choice = data[0];
    Setup setup;
    setup.role = (choice & 1U) != 0 ? haumea::ws::Role::kClient : haumea::ws::Role::kServer;
    setup.deflate.enabled = (choice & 2U) != 0;
    setup.deflate.client_no_context_takeover = setup.deflate.server_no_context_takeover = (choice & 4U) != 0;
    setup.limits.max_message_bytes = (choice & 8U) != 0 ? 100 : 100000;
    setup.limits.max_fragments = 64;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::vector<std::string> whole = Run(setup, stream, std::max<size_t>(stream.size(), 1));
    if (Run(setup, stream, 1) != whole || Run(setup, stream, 2 + (choice >> 4U)) != whole) {
        std::abort();
    }
    return 0;
}
