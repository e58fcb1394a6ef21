#include "ws/frame_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "ws/mask.h"

namespace haumea::ws {
namespace {

constexpr uint8_t kFinBit = 0x80;
constexpr uint8_t kRsv1Bit = 0x40;
constexpr uint8_t kRsv23Bits = 0x30;
constexpr uint8_t kOpcodeBits = 0x0F;
constexpr uint8_t kControlBit = 0x08;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kLengthBits = 0x7F;

bool IsKnownOpcode(uint8_t opcode) noexcept { return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA); }
bool IsControl(Opcode opcode) noexcept { return (static_cast<uint8_t>(opcode) & kControlBit) != 0; }

uint64_t ReadBigEndian(const uint8_t* bytes, size_t count) noexcept {
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
        value = value << 8U | bytes[i];
    }
    return value;
}

// Compressed bytes that a message of `max_message_bytes` may take on the wire. An honest sender needs a
// little more than the message at worst; the bound stops data that unpack to nothing from keeping us busy for
// ever.
uint64_t MaxCompressedBytes(uint64_t max_message_bytes) noexcept {
    constexpr uint64_t kSlack = 65536;
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    return max_message_bytes > (kMax - kSlack) / 2 ? kMax : max_message_bytes * 2 + kSlack;
}

// How the other end compresses what we read.
Inflater MakeInflater(Role role, const DeflateParams& deflate) noexcept {
    const bool forgets =
        role == Role::kServer ? deflate.client_no_context_takeover : deflate.server_no_context_takeover;
    const uint8_t bits =
        role == Role::kServer ? deflate.client_max_window_bits : deflate.server_max_window_bits;
    return Inflater(bits, forgets ? ContextTakeover::kNo : ContextTakeover::kYes);
}

}  // namespace

FrameParser::FrameParser(Role role, ParserLimits limits, const DeflateParams& deflate) noexcept
    : role_(role),
      deflate_enabled_(deflate.enabled),
      limits_(limits),
      inflater_(MakeInflater(role, deflate)) {}
FrameParser::~FrameParser() = default;
FrameParser::FrameParser(FrameParser&&) noexcept = default;
FrameParser& FrameParser::operator=(FrameParser&&) noexcept = default;

void FrameParser::Feed(std::span<char> input, Ref<const Buffer> backing) noexcept {
    if (finished()) {
        return;
    }
    cursor_ = input.data();
    end_ = input.data() + input.size();
    backing_ = std::move(backing);
}

bool FrameParser::Next(FrameEvent& event) noexcept {
    event.payload = BufferView();
    while (state_ != State::kFinished) {
        if (state_ == State::kHeader) {
            if (ReadHeader(event)) {
                return true;
            }
            if (state_ == State::kHeader) {
                break;  // input used up
            }
        }
        if (IsControl(header_.opcode) ? ReadControl(event) : ReadData(event)) {
            return true;
        }
        if (state_ == State::kPayload) {
            break;
        }
    }
    cursor_ = end_ = nullptr;
    backing_.Reset();
    return false;
}

bool FrameParser::Fail(FrameEvent& event, CloseCode code, const char* reason) noexcept {
    state_ = State::kFinished;
    event.kind = FrameEvent::Kind::kError;
    event.code = code;
    event.reason = reason;
    event.compressed = false;
    event.payload = BufferView();
    assembly_ = BufferBuilder();
    message_open_ = false;
    return true;
}

bool FrameParser::ReadHeader(FrameEvent& event) noexcept {
    const auto available = static_cast<size_t>(end_ - cursor_);
    if (header_size_ == 0 && available >= 2) {
        const auto* bytes = reinterpret_cast<const uint8_t*>(cursor_);
        if (CheckFirstByte(bytes[0], event) || CheckSecondByte(bytes[1], event)) {
            return true;
        }
        if (available >= header_needed_) {
            cursor_ += header_needed_;
            return BeginPayload(bytes, event);
        }
        std::memcpy(header_bytes_.data(), bytes, available);
        header_size_ = static_cast<uint8_t>(available);
        cursor_ = end_;
        return false;
    }
    while (cursor_ != end_) {
        const auto byte = static_cast<uint8_t>(*cursor_++);
        header_bytes_[header_size_++] = byte;
        if (header_size_ == 1) {
            if (CheckFirstByte(byte, event)) {
                return true;
            }
            continue;
        }
        if (header_size_ == 2 && CheckSecondByte(byte, event)) {
            return true;
        }
        if (header_size_ == header_needed_) {
            return BeginPayload(header_bytes_.data(), event);
        }
    }
    return false;
}

// RFC 6455 5.2, 5.4 and 5.5: reserved bits, opcode, and what may follow what.
bool FrameParser::CheckFirstByte(uint8_t byte, FrameEvent& event) noexcept {
    const uint8_t opcode = byte & kOpcodeBits;
    const bool fin = (byte & kFinBit) != 0;
    const bool rsv1 = (byte & kRsv1Bit) != 0;
    if ((byte & kRsv23Bits) != 0 || (rsv1 && !deflate_enabled_)) {
        return Fail(event, CloseCode::kProtocolError,
                    "reserved bit set without an extension that defines it");
    }
    if (!IsKnownOpcode(opcode)) {
        return Fail(event, CloseCode::kProtocolError, "reserved opcode");
    }
    header_.opcode = static_cast<Opcode>(opcode);
    header_.fin = fin;
    header_.rsv1 = rsv1;
    if (IsControl(header_.opcode)) {
        if (!fin) {
            return Fail(event, CloseCode::kProtocolError, "fragmented control frame");
        }
        if (rsv1) {
            return Fail(event, CloseCode::kProtocolError, "compressed control frame");
        }
        return false;
    }
    if (header_.opcode == Opcode::kContinuation) {
        if (!message_open_) {
            return Fail(event, CloseCode::kProtocolError, "continuation frame outside of a message");
        }
        if (rsv1) {
            return Fail(event, CloseCode::kProtocolError, "compression bit on a continuation frame");
        }
        return false;
    }
    if (message_open_) {
        return Fail(event, CloseCode::kProtocolError, "new message before the last one ended");
    }
    return false;
}

// RFC 6455 5.1 and 5.5: masking by role, length of control frames.
bool FrameParser::CheckSecondByte(uint8_t byte, FrameEvent& event) noexcept {
    header_.masked = (byte & kMaskBit) != 0;
    const uint8_t length = byte & kLengthBits;
    if (header_.masked != (role_ == Role::kServer)) {
        return Fail(event, CloseCode::kProtocolError,
                    header_.masked ? "masked frame from a server" : "unmasked frame from a client");
    }
    if (IsControl(header_.opcode) && length > kMaxControlPayload) {
        return Fail(event, CloseCode::kProtocolError, "control frame longer than 125 bytes");
    }
    const uint8_t length_bytes = length == 127 ? 8 : (length == 126 ? 2 : 0);
    header_.payload_bytes = length;
    header_needed_ = static_cast<uint8_t>(2 + length_bytes + (header_.masked ? 4 : 0));
    return false;
}

bool FrameParser::BeginPayload(const uint8_t* header, FrameEvent& event) noexcept {
    const uint8_t* at = header + 2;
    if (header_.payload_bytes == 126) {
        header_.payload_bytes = ReadBigEndian(at, 2);
        at += 2;
        if (header_.payload_bytes < 126) {
            return Fail(event, CloseCode::kProtocolError, "payload length not in its shortest form");
        }
    } else if (header_.payload_bytes == 127) {
        header_.payload_bytes = ReadBigEndian(at, 8);
        at += 8;
        if (header_.payload_bytes >> 63U != 0) {
            return Fail(event, CloseCode::kProtocolError, "payload length with its highest bit set");
        }
        if (header_.payload_bytes <= 0xFFFF) {
            return Fail(event, CloseCode::kProtocolError, "payload length not in its shortest form");
        }
    }
    if (header_.masked) {
        std::memcpy(header_.mask_key.data(), at, header_.mask_key.size());
    }
    header_size_ = 0;
    payload_done_ = 0;
    state_ = State::kPayload;
    return !IsControl(header_.opcode) && BeginDataFrame(event);
}

bool FrameParser::BeginDataFrame(FrameEvent& event) noexcept {
    if (header_.opcode != Opcode::kContinuation) {
        message_open_ = true;
        message_opcode_ = header_.opcode;
        message_compressed_ = header_.rsv1;
        message_wire_bytes_ = 0;
        fragments_ = 0;
        utf8_.Reset();
    }
    if (++fragments_ > limits_.max_fragments) {
        return Fail(event, CloseCode::kPolicyViolation, "message in too many frames");
    }
    const uint64_t limit =
        message_compressed_ ? MaxCompressedBytes(limits_.max_message_bytes) : limits_.max_message_bytes;
    if (header_.payload_bytes > limit - message_wire_bytes_) {
        return Fail(event, CloseCode::kMessageTooBig, "message longer than the limit");
    }
    message_wire_bytes_ += header_.payload_bytes;
    return false;
}

bool FrameParser::ReadControl(FrameEvent& event) noexcept {
    const auto size = static_cast<size_t>(header_.payload_bytes);
    const auto available = static_cast<size_t>(end_ - cursor_);
    if (payload_done_ == 0 && available >= size) {
        char* data = cursor_;
        cursor_ += size;
        if (header_.masked) {
            ApplyMask(data, size, header_.mask_key);
        }
        return FinishControl(data, event);
    }
    const size_t take = std::min(size - static_cast<size_t>(payload_done_), available);
    if (take != 0) {
        std::memcpy(control_.data() + payload_done_, cursor_, take);
        cursor_ += take;
        payload_done_ += take;
    }
    if (payload_done_ != size) {
        return false;
    }
    if (header_.masked) {
        ApplyMask(control_.data(), size, header_.mask_key);
    }
    return FinishControl(control_.data(), event);
}

bool FrameParser::FinishControl(const char* data, FrameEvent& event) noexcept {
    const std::string_view payload(data, static_cast<size_t>(header_.payload_bytes));
    if (header_.opcode == Opcode::kClose) {
        return FinishClose(payload, event);
    }
    state_ = State::kHeader;
    event.kind = header_.opcode == Opcode::kPing ? FrameEvent::Kind::kPing : FrameEvent::Kind::kPong;
    event.code = CloseCode::kNoStatus;
    event.compressed = false;
    event.reason = "";
    event.payload = {nullptr, payload.data(), payload.size()};
    return true;
}

// RFC 6455 5.5.1 and 7.4.
bool FrameParser::FinishClose(std::string_view payload, FrameEvent& event) noexcept {
    CloseCode code = CloseCode::kNoStatus;
    if (payload.size() == 1) {
        return Fail(event, CloseCode::kProtocolError, "close frame with half a close code");
    }
    if (payload.size() >= 2) {
        const auto number =
            static_cast<uint16_t>(ReadBigEndian(reinterpret_cast<const uint8_t*>(payload.data()), 2));
        if (!IsValidOnWire(number)) {
            return Fail(event, CloseCode::kProtocolError, "close code that may not be sent");
        }
        code = static_cast<CloseCode>(number);
        payload.remove_prefix(2);
        if (!IsValidUtf8(payload)) {
            return Fail(event, CloseCode::kInvalidPayload, "close reason is not UTF-8");
        }
    }
    state_ = State::kFinished;
    assembly_ = BufferBuilder();
    message_open_ = false;
    event.kind = FrameEvent::Kind::kClose;
    event.code = code;
    event.compressed = false;
    event.reason = "";
    event.payload = {nullptr, payload.data(), payload.size()};
    return true;
}

bool FrameParser::ReadData(FrameEvent& event) noexcept {
    const uint64_t remaining = header_.payload_bytes - payload_done_;
    const auto take =
        static_cast<size_t>(std::min<uint64_t>(remaining, static_cast<uint64_t>(end_ - cursor_)));
    char* data = cursor_;
    cursor_ += take;
    const bool whole = payload_done_ == 0 && take == remaining && header_.fin &&
                       header_.opcode != Opcode::kContinuation && !message_compressed_;
    if (whole) {
        return TakeWhole(data, take, event);
    }
    if (take != 0) {
        if (header_.masked) {
            ApplyMask(data, take, header_.mask_key, payload_done_);
        }
        payload_done_ += take;
        if (message_compressed_ ? TakeDeflatedPiece(data, take, event) : TakePlainPiece(data, take, event)) {
            return true;
        }
    }
    return payload_done_ == header_.payload_bytes && FinishDataFrame(event);
}

// The usual case: one unmasking pass, which also finds out whether a text needs a closer look.
bool FrameParser::TakeWhole(char* data, size_t size, FrameEvent& event) noexcept {
    bool ascii = false;
    if (header_.masked) {
        ascii = ApplyMaskCheckAscii(data, size, header_.mask_key);
    }
    const bool text = message_opcode_ == Opcode::kText;
    if (text && !ascii && !IsValidUtf8({data, size})) {
        return Fail(event, CloseCode::kInvalidPayload, "text message is not UTF-8");
    }
    state_ = State::kHeader;
    message_open_ = false;
    event.kind = text ? FrameEvent::Kind::kText : FrameEvent::Kind::kBinary;
    event.code = CloseCode::kNoStatus;
    event.compressed = false;
    event.reason = "";
    event.payload.owner = backing_;
    event.payload.ptr = data;
    event.payload.len = size;
    return true;
}

bool FrameParser::TakePlainPiece(char* data, size_t size, FrameEvent& event) noexcept {
    const std::string_view piece(data, size);
    if (message_opcode_ == Opcode::kText && !utf8_.Feed(piece)) {
        return Fail(event, CloseCode::kInvalidPayload, "text message is not UTF-8");
    }
    try {
        assembly_.Append(piece);
    } catch (const std::bad_alloc&) {
        return Fail(event, CloseCode::kInternalError, "out of memory");
    }
    return false;
}

bool FrameParser::TakeDeflatedPiece(char* data, size_t size, FrameEvent& event) noexcept {
    const size_t from = assembly_.size();
    const size_t limit = static_cast<size_t>(limits_.max_message_bytes);
    return CheckInflated(inflater_.Feed({data, size}, assembly_, limit), from, event);
}

// The text comes first, so that the outcome does not depend on how the stream was cut into pieces.
bool FrameParser::CheckInflated(Inflater::Status status, size_t from, FrameEvent& event) noexcept {
    if (message_opcode_ == Opcode::kText && !utf8_.Feed(assembly_.view().substr(from))) {
        return Fail(event, CloseCode::kInvalidPayload, "text message is not UTF-8");
    }
    switch (status) {
        case Inflater::Status::kOk:
            return false;
        case Inflater::Status::kBadData:
            return Fail(event, CloseCode::kInvalidPayload, "compressed message does not inflate");
        case Inflater::Status::kTooBig:
            return Fail(event, CloseCode::kMessageTooBig, "message longer than the limit after inflating");
        case Inflater::Status::kNoMemory:
            break;
    }
    return Fail(event, CloseCode::kInternalError, "out of memory");
}

bool FrameParser::FinishDataFrame(FrameEvent& event) noexcept {
    state_ = State::kHeader;
    if (!header_.fin) {
        return false;
    }
    const bool text = message_opcode_ == Opcode::kText;
    if (message_compressed_) {
        const size_t from = assembly_.size();
        const size_t limit = static_cast<size_t>(limits_.max_message_bytes);
        if (CheckInflated(inflater_.Finish(assembly_, limit), from, event)) {
            return true;
        }
    }
    if (text && !utf8_.complete()) {
        return Fail(event, CloseCode::kInvalidPayload, "text message ends inside a character");
    }
    message_open_ = false;
    event.kind = text ? FrameEvent::Kind::kText : FrameEvent::Kind::kBinary;
    event.code = CloseCode::kNoStatus;
    event.compressed = message_compressed_;
    event.reason = "";
    if (assembly_.size() == 0) {
        event.payload = {nullptr, control_.data(), 0};
    } else {
        event.payload = assembly_.Take();
    }
    return true;
}

}  // namespace haumea::ws
