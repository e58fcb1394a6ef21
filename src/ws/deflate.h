#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "data/buffer.h"

namespace haumea::ws {

// Does a message see the window of the ones before it? RFC 7692 7.1.1.
enum class ContextTakeover : uint8_t { kYes, kNo };

// What both ends agreed on in the handshake (RFC 7692 7.1). "server" parameters govern what the server sends.
struct DeflateParams {
    bool enabled = false;
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    uint8_t server_max_window_bits = 15;  // 8 to 15
    uint8_t client_max_window_bits = 15;

    bool operator==(const DeflateParams&) const = default;
};

// What an endpoint or a connection wants of compression beyond having it: property permessageDeflate.
struct DeflateTuning {
    size_t threshold = 256;    // bytes below which a message is not compressed: it would hardly shrink
    int level = 6;             // 1 to 9
    uint8_t window_bits = 15;  // 8 to 15, largest for what we send

    bool operator==(const DeflateTuning&) const = default;
};

struct DeflaterOptions {
    // 8 to 15. zlib cannot make a raw stream with 8; 9 is used then, whose matches reach back 250 bytes at
    // most (zlib keeps 262 bytes of look-ahead), so that a 256 byte window decodes it.
    uint8_t window_bits = 15;
    ContextTakeover context_takeover = ContextTakeover::kNo;
    int level = 6;      // 1 to 9
    int mem_level = 8;  // 1 to 9
};

// Compresses messages as RFC 7692 7.2.1 says. zlib state (up to 261 KiB) is made at the first message.
// One owner, one thread; a loop shares one among all connections that agreed on server_no_context_takeover.
class Deflater {
  public:
    explicit Deflater(DeflaterOptions options = {}) noexcept;
    ~Deflater();
    Deflater(Deflater&& other) noexcept;
    Deflater& operator=(Deflater&& other) noexcept;

    // Appends the compressed payload of one whole message (without the final 00 00 FF FF) to `out`. False
    // when there was no memory, in which case `out` is as before and the message has to go uncompressed; the
    // peer's window is not affected because nothing is sent. With context takeover every compressed message
    // has to reach the peer, in order: what may still be dropped from a queue must not have been compressed
    // yet.
    [[nodiscard]] bool Compress(std::string_view message, BufferBuilder& out) noexcept;

    const DeflaterOptions& options() const noexcept { return options_; }

  private:
    struct Stream;
    bool Prepare() noexcept;

    DeflaterOptions options_;
    std::unique_ptr<Stream> stream_;
};

// Inflates messages piece by piece, so that an unpacked message is stopped at its limit while it grows.
// One per connection and direction; zlib state (about 8 KiB and the window) is made at the first compressed
// byte. One thread. A sender that reaches back further than the window it agreed to is refused with kBadData
// once those bytes are gone; while they still stand in the output of the same piece zlib takes it, and the
// text is right.
class Inflater {
  public:
    enum class Status : uint8_t { kOk, kBadData, kTooBig, kNoMemory };

    explicit Inflater(uint8_t window_bits = 15,
                      ContextTakeover context_takeover = ContextTakeover::kYes) noexcept;
    ~Inflater();
    Inflater(Inflater&& other) noexcept;
    Inflater& operator=(Inflater&& other) noexcept;

    // Unpacks the next piece of the current message and appends to `out`, which holds what the message has so
    // far and never grows beyond max_bytes. Everything but kOk ends the use of this object.
    [[nodiscard]] Status Feed(std::string_view piece, BufferBuilder& out, size_t max_bytes) noexcept;

    // The message is over: adds the tail that the sender left out, checks that the data end at a block border
    // and makes ready for the next message.
    [[nodiscard]] Status Finish(BufferBuilder& out, size_t max_bytes) noexcept;

  private:
    struct Stream;
    Status Run(std::string_view piece, BufferBuilder& out, size_t max_bytes) noexcept;

    uint8_t window_bits_;
    ContextTakeover context_takeover_;
    std::unique_ptr<Stream> stream_;
    bool message_has_data_ = false;
    bool at_stream_end_ = false;  // a block with BFINAL ended exactly where the input did
};

}  // namespace haumea::ws
