#include "ws/client_writer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace haumea::ws {

void ClientWriter::Push(Message message) {
    bytes_ += message.payload.len;
    queue_.push_back(std::move(message));
}

bool ClientWriter::DropOldest(Message& dropped) {
    for (size_t i = encoded_; i < queue_.size(); ++i) {
        if (queue_[i].opcode != Opcode::kPing) {
            dropped = std::move(queue_[i]);
            bytes_ -= dropped.payload.len;
            queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(i));
            return true;
        }
    }
    return false;
}

size_t ClientWriter::Discard(const ClientListener* user) {
    const auto begin = queue_.begin() + static_cast<ptrdiff_t>(encoded_);
    const auto gone = std::remove_if(begin, queue_.end(), [this, user](const Message& message) {
        const bool match = message.user == user;
        bytes_ -= match ? message.payload.len : 0;
        return match;
    });
    const auto count = static_cast<size_t>(queue_.end() - gone);
    queue_.erase(gone, queue_.end());
    return count;
}

void ClientWriter::Forget(const ClientListener* user) noexcept {
    for (Message& message : queue_) {
        if (message.user == user) {
            message.user = nullptr;
        }
    }
}

void ClientWriter::Connected(const DeflateParams& deflate, const DeflateTuning& tuning) {
    Disconnected();
    deflate_threshold_ = tuning.threshold;
    if (deflate.enabled) {
        deflater_ = std::make_unique<Deflater>(
            DeflaterOptions{.window_bits = deflate.client_max_window_bits,
                            .context_takeover = deflate.client_no_context_takeover ? ContextTakeover::kNo
                                                                                   : ContextTakeover::kYes,
                            .level = tuning.level});
    }
}

void ClientWriter::Disconnected() {
    block_ = {};
    sent_ = 0;
    ends_.clear();
    encoded_ = 0;
    control_.clear();
    remaining_ = {};
    stopped_ = false;
    deflater_.reset();
    deflated_ = {};
    // A ping asks this connection, not the next one.
    std::erase_if(queue_, [this](const Message& message) {
        const bool ping = message.opcode == Opcode::kPing;
        bytes_ -= ping ? message.payload.len : 0;
        return ping;
    });
}

bool ClientWriter::Control(const ControlFrame& frame) {
    if (control_.size() + frame.size > kMaxControlBytes) {
        return false;
    }
    control_.append(frame.view());
    return true;
}

std::string_view ClientWriter::Next() {
    if (sent_ == block_.size()) {
        block_.clear();
        sent_ = 0;
        Fill();
    }
    return std::string_view(block_).substr(sent_);
}

void ClientWriter::Fill() {
    for (size_t frames = 0; frames < kBlockFrames && block_.size() < kBlockBytes; ++frames) {
        if (remaining_.empty()) {
            // Between two frames, where control frames may stand.
            block_.append(control_);
            control_.clear();
            if (stopped_ || encoded_ == queue_.size()) {
                return;
            }
            BeginMessage(queue_[encoded_++]);
        }
        CopyPiece();
        if (!remaining_.empty()) {
            return;  // the block is full
        }
        ends_.push_back(block_.size());
    }
}

void ClientWriter::BeginMessage(const Message& message) {
    FrameHeader header{.opcode = message.opcode, .masked = true, .mask_key = NewKey()};
    remaining_ = message.payload.view();
    if (deflater_ && message.opcode != Opcode::kPing && remaining_.size() >= deflate_threshold_) {
        deflated_.Clear();
        if (deflater_->Compress(remaining_, deflated_)) {
            remaining_ = deflated_.view();
            header.rsv1 = true;
        }
    }
    header.payload_bytes = remaining_.size();
    std::array<char, kMaxHeaderBytes> bytes{};
    block_.append(bytes.data(), EncodeHeader(header, bytes.data()));
    key_ = header.mask_key;
    key_offset_ = 0;
}

void ClientWriter::CopyPiece() {
    const size_t room = kBlockBytes > block_.size() ? kBlockBytes - block_.size() : 1;
    const size_t size = std::min(room, remaining_.size());
    const size_t begin = block_.size();
    block_.resize(begin + size);
    CopyMasked(block_.data() + begin, remaining_.data(), size, key_, key_offset_);
    key_offset_ += size;
    remaining_.remove_prefix(size);
}

ClientWriter::Message ClientWriter::PopFront() {
    Message message = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= message.payload.len;
    --encoded_;
    return message;
}

}  // namespace haumea::ws
