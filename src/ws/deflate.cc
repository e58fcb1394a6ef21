#include "ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace haumea::ws {
namespace {

// What Z_SYNC_FLUSH ends with and the wire leaves out (RFC 7692 7.2.1 and 7.2.2).
constexpr std::string_view kTail("\x00\x00\xFF\xFF", 4);
// zlib counts in 32 bits; longer input goes in slices.
constexpr size_t kSlice = size_t{1} << 30U;
// Smallest room given to zlib at a time; the first piece of output of a message takes at least this much.
constexpr size_t kMinRoom = 512;
constexpr size_t kMaxRoom = 65536;

Bytef* InputPointer(std::string_view bytes) noexcept {
    // zlib does not write to its input; older interfaces lack the const.
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

uint8_t UsableBits(uint8_t window_bits) noexcept { return std::clamp<uint8_t>(window_bits, 9, 15); }

}  // namespace

struct Deflater::Stream {
    z_stream z{};
    bool ready = false;
    bool dirty = false;  // a failed message left zlib in the middle

    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() {
        if (ready) {
            deflateEnd(&z);
        }
    }
};

Deflater::Deflater(DeflaterOptions options) noexcept : options_(options) {}
Deflater::~Deflater() = default;
Deflater::Deflater(Deflater&& other) noexcept = default;
Deflater& Deflater::operator=(Deflater&& other) noexcept = default;

bool Deflater::Prepare() noexcept {
    if (stream_ == nullptr) {
        stream_.reset(new (std::nothrow) Stream);
        if (stream_ == nullptr) {
            return false;
        }
    }
    if (!stream_->ready) {
        const int level = std::clamp(options_.level, 1, 9);
        const int mem_level = std::clamp(options_.mem_level, 1, 9);
        const int bits = UsableBits(options_.window_bits);
        stream_->ready =
            deflateInit2(&stream_->z, level, Z_DEFLATED, -bits, mem_level, Z_DEFAULT_STRATEGY) == Z_OK;
        return stream_->ready;
    }
    if (stream_->dirty || options_.context_takeover == ContextTakeover::kNo) {
        stream_->dirty = false;
        return deflateReset(&stream_->z) == Z_OK;
    }
    return true;
}

bool Deflater::Compress(std::string_view message, BufferBuilder& out) noexcept {
    const size_t begin = out.size();
    try {
        if (message.empty()) {
            // RFC 7692 7.2.3.6: one empty stored block without its tail. zlib would emit nothing for a second
            // flush.
            out.Append('\0');
            return true;
        }
        if (!Prepare()) {
            return false;
        }
        z_stream& z = stream_->z;
        stream_->dirty = true;
        while (true) {
            const std::string_view slice = message.substr(0, kSlice);
            message.remove_prefix(slice.size());
            z.next_in = InputPointer(slice);
            z.avail_in = static_cast<uInt>(slice.size());
            const int flush = message.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH;
            do {
                // deflateBound is an upper bound of one call without flush; the flush adds at most a few
                // bytes more.
                const size_t room = std::min<size_t>(deflateBound(&z, z.avail_in) + 16, kSlice);
                z.next_out = reinterpret_cast<Bytef*>(out.Reserve(room));
                z.avail_out = static_cast<uInt>(room);
                if (deflate(&z, flush) == Z_STREAM_ERROR) {
                    out.Truncate(begin);
                    return false;
                }
                out.Commit(room - z.avail_out);
            } while (z.avail_out == 0);
            if (message.empty()) {
                break;
            }
        }
        stream_->dirty = false;
        if (out.view().substr(begin).ends_with(kTail)) {
            out.Truncate(out.size() - kTail.size());
        }
        return true;
    } catch (const std::bad_alloc&) {
        out.Truncate(begin);
        return false;
    }
}

struct Inflater::Stream {
    z_stream z{};
    bool ready = false;

    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() {
        if (ready) {
            inflateEnd(&z);
        }
    }
};

Inflater::Inflater(uint8_t window_bits, ContextTakeover context_takeover) noexcept
    : window_bits_(UsableBits(window_bits)), context_takeover_(context_takeover) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&& other) noexcept = default;
Inflater& Inflater::operator=(Inflater&& other) noexcept = default;

Inflater::Status Inflater::Run(std::string_view piece, BufferBuilder& out, size_t max_bytes) noexcept {
    z_stream& z = stream_->z;
    z.next_in = InputPointer(piece);
    z.avail_in = static_cast<uInt>(piece.size());
    while (true) {
        if (at_stream_end_) {
            if (z.avail_in == 0) {
                return Status::kOk;
            }
            // RFC 7692 7.2.3.4: a final block may be followed by further blocks. The window goes on
            // (inflateReset would forget it).
            inflateResetKeep(&z);
            at_stream_end_ = false;
        }
        // One byte beyond the limit tells a message that fits exactly from one that does not.
        const size_t left = max_bytes - out.size();
        const size_t wanted =
            std::clamp(std::max<size_t>(out.size(), size_t{z.avail_in} * 3), kMinRoom, kMaxRoom);
        const size_t room = std::min(left, wanted - 1) + 1;
        char* target = nullptr;
        try {
            target = out.Reserve(room);
        } catch (const std::bad_alloc&) {
            return Status::kNoMemory;
        }
        z.next_out = reinterpret_cast<Bytef*>(target);
        z.avail_out = static_cast<uInt>(room);
        const int code = inflate(&z, Z_SYNC_FLUSH);
        const size_t made = room - z.avail_out;
        out.Commit(std::min(made, left));
        if (made > left) {
            return Status::kTooBig;
        }
        switch (code) {
            case Z_STREAM_END:
                at_stream_end_ = true;
                break;
            case Z_OK:
            case Z_BUF_ERROR:
                if (z.avail_out != 0) {
                    return z.avail_in == 0 ? Status::kOk : Status::kBadData;
                }
                break;
            case Z_MEM_ERROR:
                return Status::kNoMemory;
            default:
                return Status::kBadData;
        }
    }
}

Inflater::Status Inflater::Feed(std::string_view piece, BufferBuilder& out, size_t max_bytes) noexcept {
    if (piece.empty()) {
        return Status::kOk;
    }
    if (stream_ == nullptr) {
        stream_.reset(new (std::nothrow) Stream);
        if (stream_ == nullptr) {
            return Status::kNoMemory;
        }
    }
    if (!stream_->ready) {
        if (inflateInit2(&stream_->z, -static_cast<int>(window_bits_)) != Z_OK) {
            return Status::kNoMemory;
        }
        stream_->ready = true;
    }
    message_has_data_ = true;
    while (!piece.empty()) {
        const std::string_view slice = piece.substr(0, kSlice);
        piece.remove_prefix(slice.size());
        if (const Status status = Run(slice, out, max_bytes); status != Status::kOk) {
            return status;
        }
    }
    return Status::kOk;
}

Inflater::Status Inflater::Finish(BufferBuilder& out, size_t max_bytes) noexcept {
    if (!message_has_data_) {
        // No byte at all: RFC 7692 wants 00 for an empty message, some senders leave even that away.
        return Status::kOk;
    }
    message_has_data_ = false;
    // A sender that ended its last block with BFINAL and nothing behind it has said everything.
    if (!at_stream_end_) {
        if (const Status status = Run(kTail, out, max_bytes); status != Status::kOk) {
            return status;
        }
        // Bit 7: stopped right behind a block, not inside one; without it data are missing.
        if (!at_stream_end_ && (stream_->z.data_type & 128) == 0) {
            return Status::kBadData;
        }
    }
    if (context_takeover_ == ContextTakeover::kNo) {
        inflateReset(&stream_->z);
        at_stream_end_ = false;
    }
    return Status::kOk;
}

}  // namespace haumea::ws
