#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "data/buffer.h"
#include "ws/client_random.h"
#include "ws/deflate.h"
#include "ws/frame.h"

namespace haumea::ws {

class ClientListener;

// The sending half of a client connection without its socket: a bounded queue of messages and the masked
// bytes that are next on the wire. A message leaves the queue when its last byte was taken, so that what a
// broken connection has not taken goes out again, in order, on the next one. Frames are joined up to 64 of
// them or 64 KiB; a long message is masked piece by piece. Owned by a Client; home loop only.
class ClientWriter {
  public:
    static constexpr size_t kBlockBytes = 64U << 10U;
    static constexpr size_t kBlockFrames = 64;
    static constexpr size_t kMaxControlBytes = 8U << 10U;

    struct Message {
        BufferView payload;
        Opcode opcode = Opcode::kText;  // kText, kBinary, or kPing for a ping in the order of messages
        ClientListener* user = nullptr;
    };

    ClientWriter(size_t max_messages, size_t max_bytes)
        : max_messages_(max_messages), max_bytes_(max_bytes) {}

    // ---- queue ----
    // An empty queue takes a message of any size.
    bool HasRoomFor(size_t bytes) const noexcept {
        return queue_.empty() || (queue_.size() < max_messages_ && bytes_ + bytes <= max_bytes_);
    }
    void Push(Message message);
    // Takes out the oldest message of which nothing was encoded yet; false when there is none.
    bool DropOldest(Message& dropped);
    // Takes out every message of `user` that was not begun, and returns how many.
    size_t Discard(const ClientListener* user);
    // `user` will not be told of its messages any more.
    void Forget(const ClientListener* user) noexcept;
    size_t messages() const noexcept { return queue_.size(); }
    size_t bytes() const noexcept { return bytes_; }
    // Is there room worth waking a blocked sender for?
    bool half_empty() const noexcept {
        return queue_.size() <= max_messages_ / 2 && bytes_ <= max_bytes_ / 2;
    }

    // ---- connection ----
    void Connected(const DeflateParams& deflate, const DeflateTuning& tuning = {});
    // Forgets what was encoded; the queue stays but for pings.
    void Disconnected();
    // A ping, pong or close frame that goes before the next message. False when too many wait: it was not
    // taken.
    bool Control(const ControlFrame& frame);
    // Nothing of the queue goes out any more, but for a frame that was begun.
    void StopMessages() noexcept { stopped_ = true; }

    // The bytes to send next; empty when there are none. Valid until the next call.
    std::string_view Next();
    // `bytes` of Next() were taken. Messages that are complete by that leave the queue through `done`.
    template <typename Done>
    void Taken(size_t bytes, Done&& done) {
        sent_ += bytes;
        while (!ends_.empty() && ends_.front() <= sent_) {
            ends_.pop_front();
            const Message message = PopFront();
            done(message);
        }
    }
    bool idle() const noexcept {
        return sent_ == block_.size() && control_.empty() && remaining_.empty() &&
               (stopped_ || queue_.empty());
    }
    const MaskKey NewKey() noexcept { return random_.Bytes<4>(); }
    ClientRandom& random() noexcept { return random_; }

  private:
    void Fill();
    void BeginMessage(const Message& message);
    void CopyPiece();
    Message PopFront();

    size_t max_messages_;
    size_t max_bytes_;
    std::deque<Message> queue_;
    size_t bytes_ = 0;  // payload of the queue
    ClientRandom random_;

    // The connection at hand.
    std::string block_;  // masked frames; sent_ bytes of it are gone
    size_t sent_ = 0;
    std::deque<size_t> ends_;  // where in block_ the messages end that are encoded to their end
    size_t encoded_ = 0;       // messages at the front of the queue that are encoded or begun
    std::string control_;
    std::string_view remaining_;  // of the message begun: in its payload or in deflated_
    MaskKey key_{};
    uint64_t key_offset_ = 0;
    bool stopped_ = false;
    std::unique_ptr<Deflater> deflater_;
    size_t deflate_threshold_ = 0;
    BufferBuilder deflated_;
};

}  // namespace haumea::ws
