#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "data/buffer.h"
#include "ws/close_code.h"
#include "ws/deflate.h"
#include "ws/frame.h"
#include "ws/utf8.h"

namespace haumea::ws {

struct ParserLimits {
    uint64_t max_message_bytes = 16U << 20U;  // after inflating; beyond: close 1009
    uint64_t max_fragments = 1U << 17U;       // frames of one message; beyond: close 1008
};

// One thing that arrived.
struct FrameEvent {
    enum class Kind : uint8_t {
        kText,    // a whole message, valid UTF-8
        kBinary,  // a whole message
        kPing,    // to be answered with a pong of the same payload
        kPong,
        kClose,  // `code` is what the peer said, kNoStatus when it said nothing; the payload is the reason
        kError,  // the peer broke the protocol: close with `code`; `reason` says why
    };

    Kind kind = Kind::kError;
    CloseCode code = CloseCode::kNoStatus;
    bool compressed = false;  // the message arrived deflated
    const char* reason = "";  // kError: static text in plain words
    // Valid until the next call of Next(), Feed() or the destructor when `payload.owner` is null (bytes
    // inside the input, or inside the parser for a control frame); as long as the view lives when it has an
    // owner.
    BufferView payload;

    bool is_message() const noexcept { return kind == Kind::kText || kind == Kind::kBinary; }
    // The payload as bytes that may be kept: itself when it has an owner, else a copy.
    BufferView Keep() const { return payload.owner ? payload : BufferView::Copy(payload.view()); }
};

// Takes WebSocket frames apart for one connection and one direction, both roles, RFC 6455 and RFC 7692 to the
// letter. Does no I/O and knows no time. Owned by the session; one thread (its loop).
//
//     parser.Feed(bytes, buffer);             // the whole stretch is consumed; unmasked in place
//     while (parser.Next(event)) { ... }      // until false
//
// A message that lies whole and unfragmented in the input is a view into it, without a copy or an allocation.
// All else is assembled in a Buffer that grows with what has arrived; what a header announces allocates
// nothing, but is refused at once when it exceeds the limit. Text and inflated data are checked as they come,
// so a bad byte fails before its message ends. After kClose and kError everything further is ignored
// (finished() is true).
class FrameParser {
  public:
    // `deflate` is what the handshake agreed on; it decides how the other end's messages are inflated.
    explicit FrameParser(Role role, ParserLimits limits = {}, const DeflateParams& deflate = {}) noexcept;
    ~FrameParser();
    FrameParser(FrameParser&&) noexcept;
    FrameParser& operator=(FrameParser&&) noexcept;

    // The next stretch of the stream. It is modified (unmasked) while Next() runs and must stay where it is
    // until Next() has returned false. `backing`: the Buffer that holds it; with it, whole messages come as
    // views that own a reference, so the caller may not reuse the buffer while it is shared. Without it they
    // are borrowed. Call only after Next() returned false.
    void Feed(std::span<char> input, Ref<const Buffer> backing = nullptr) noexcept;

    // True with the next event, false when the input is used up.
    [[nodiscard]] bool Next(FrameEvent& event) noexcept;

    // After kClose or kError: nothing more will come.
    bool finished() const noexcept { return state_ == State::kFinished; }
    // For tests: in the middle of a frame or of a fragmented message.
    bool mid_message() const noexcept {
        return message_open_ || header_size_ != 0 || state_ == State::kPayload;
    }
    // For tests and fuzzing: bytes held for an unfinished message.
    size_t buffered_bytes() const noexcept { return assembly_.size(); }

  private:
    enum class State : uint8_t { kHeader, kPayload, kFinished };

    // Each returns true when it filled `event`, which for the checks means that it failed the connection.
    bool ReadHeader(FrameEvent& event) noexcept;
    bool CheckFirstByte(uint8_t byte, FrameEvent& event) noexcept;
    bool CheckSecondByte(uint8_t byte, FrameEvent& event) noexcept;
    bool BeginPayload(const uint8_t* header, FrameEvent& event) noexcept;
    bool BeginDataFrame(FrameEvent& event) noexcept;
    bool ReadControl(FrameEvent& event) noexcept;
    bool FinishControl(const char* data, FrameEvent& event) noexcept;
    bool FinishClose(std::string_view payload, FrameEvent& event) noexcept;
    bool ReadData(FrameEvent& event) noexcept;
    bool TakeWhole(char* data, size_t size, FrameEvent& event) noexcept;
    bool TakePlainPiece(char* data, size_t size, FrameEvent& event) noexcept;
    bool TakeDeflatedPiece(char* data, size_t size, FrameEvent& event) noexcept;
    bool CheckInflated(Inflater::Status status, size_t from, FrameEvent& event) noexcept;
    bool FinishDataFrame(FrameEvent& event) noexcept;
    bool Fail(FrameEvent& event, CloseCode code, const char* reason) noexcept;

    // Settings.
    Role role_;
    bool deflate_enabled_;
    ParserLimits limits_;

    // The input of the last Feed().
    char* cursor_ = nullptr;
    char* end_ = nullptr;
    Ref<const Buffer> backing_;

    // The frame at hand.
    State state_ = State::kHeader;
    std::array<uint8_t, kMaxHeaderBytes> header_bytes_{};
    uint8_t header_size_ = 0;    // bytes collected
    uint8_t header_needed_ = 2;  // bytes of the whole header as far as known
    FrameHeader header_;
    uint64_t payload_done_ = 0;

    // The message at hand.
    bool message_open_ = false;
    bool message_compressed_ = false;
    Opcode message_opcode_ = Opcode::kBinary;
    uint64_t message_wire_bytes_ = 0;  // announced so far, before inflating
    uint64_t fragments_ = 0;
    Utf8Validator utf8_;
    BufferBuilder assembly_;
    Inflater inflater_;

    // A control frame that does not lie whole in the input.
    std::array<char, kMaxControlPayload> control_{};
};

}  // namespace haumea::ws
