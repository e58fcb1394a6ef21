#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/ref_counted.h"
#include "data/buffer.h"
#include "ws/deflate.h"
#include "ws/frame.h"

namespace haumea::ws {

// Which bytes of a PreparedFrame a client gets: plain, or deflated within a window of that many bits (8 to
// 15).
struct WireForm {
    uint8_t window_bits = 0;  // 0: plain

    static constexpr WireForm Plain() noexcept { return {}; }
    // For a client of our server that agreed on `params`. Shared variants never refer to an earlier message,
    // which every inflater of a sufficient window reads, whether the server promised no context takeover or
    // not.
    static constexpr WireForm For(const DeflateParams& params) noexcept {
        return params.enabled ? WireForm{params.server_max_window_bits} : WireForm{};
    }
    constexpr bool deflated() const noexcept { return window_bits != 0; }
    bool operator==(const WireForm&) const = default;
};

// The forms that at least one client of an endpoint wants, as a set.
class WireFormSet {
  public:
    void Add(WireForm form) noexcept { bits_ = static_cast<uint16_t>(bits_ | (1U << form.window_bits)); }
    bool Has(WireForm form) const noexcept { return (bits_ >> form.window_bits & 1U) != 0; }
    bool any_deflated() const noexcept { return (bits_ & 0xFFFEU) != 0; }

  private:
    uint16_t bits_ = 0;
};

// The compressors of one loop, one per window size in use, without context takeover. One thread.
class SharedDeflaters {
  public:
    explicit SharedDeflaters(int level = 6) noexcept : level_(level) {}
    // 8 to 15. Made on first use; null when there is no memory.
    Deflater* For(uint8_t window_bits) noexcept;

  private:
    int level_;
    std::array<std::unique_ptr<Deflater>, 16> by_bits_;
};

// One encoded server-role message, shared by every client that gets it: a plain variant and, where wanted and
// worth it, deflated ones. Immutable after Make(), so any thread may read it. Counted by Ref; a log entry and
// each partial send hold one.
class PreparedFrame final : public RefCounted<PreparedFrame> {
  public:
    // Below this many bytes a message is not compressed: it would hardly shrink and costs a pass.
    static constexpr size_t kDeflateThreshold = 256;

    struct DeflateWish {
        WireFormSet forms;
        SharedDeflaters* deflaters = nullptr;  // of the calling loop; null: never deflate
        size_t threshold = kDeflateThreshold;
    };

    // A whole message (text or binary) or a control frame. The header goes into the payload's headroom when
    // this call holds the only reference to the buffer and the payload starts it; else it stands in the
    // object, and shared bytes are never written to. A deflated variant exists only when it is smaller.
    static Ref<const PreparedFrame> Make(Opcode opcode, BufferView payload, const DeflateWish& wish);
    static Ref<const PreparedFrame> Make(Opcode opcode, BufferView payload) {
        return Make(opcode, std::move(payload), {});
    }

    // All bytes on the wire in that form (plain when the deflated variant does not exist): header and
    // payload.
    size_t wire_bytes(WireForm form = {}) const noexcept { return Choose(form).total(); }

    // Fills up to two entries with the bytes behind the first `skip` ones and returns how many were filled
    // (0 when skip reaches the end). The entries are valid as long as the frame; sending does not write to
    // them.
    size_t Gather(WireForm form, size_t skip, std::span<iovec, 2> out) const noexcept;

    Opcode opcode() const noexcept { return opcode_; }
    // The message itself, uncompressed.
    std::string_view payload() const noexcept { return plain_.payload.view(); }
    // For tests: senders take what wire_bytes() and Gather() say.
    bool has_deflated(WireForm form) const noexcept { return form.deflated() && &Choose(form) != &plain_; }

  private:
    struct Variant {
        WireForm form;
        uint8_t header_size = 0;
        bool header_in_headroom = false;
        std::array<char, 10> header{};  // unmasked headers have at most 10 bytes
        BufferView payload;
        std::unique_ptr<Variant> next;

        size_t total() const noexcept { return header_size + payload.len; }
    };

    PreparedFrame() = default;
    ~PreparedFrame() = default;
    friend class RefCounted<PreparedFrame>;

    static void WriteHeader(Variant& variant, Opcode opcode);
    const Variant& Choose(WireForm form) const noexcept;

    Opcode opcode_ = Opcode::kBinary;
    Variant plain_;  // `next` is the list of deflated ones
};

}  // namespace haumea::ws
