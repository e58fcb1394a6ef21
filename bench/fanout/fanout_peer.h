#pragma once

#include <openssl/ssl.h>
#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fanout_common.h"

namespace haumea::bench {

struct PeerOptions {
    uint16_t port = 0;
    bool tls = false;
    bool deflate = false;  // offer permessage-deflate
    std::string path = "/f";
};

// One WebSocket client. Connects blocking, reads without blocking. Exits the program
// when the server does not let it in. One thread.
class Peer {
  public:
    // `index` spreads clients over loopback addresses, each of which has only so many ports.
    Peer(const PeerOptions& options, SSL_CTX* tls, int index);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    int fd() const { return fd_; }
    // Bytes read, 0: nothing for now, -1: closed.
    ssize_t Read(char* buffer, size_t size);
    // Exits the program when they do not go out at once.
    void WriteAll(std::string_view bytes);

  private:
    void Connect(uint16_t port, int index);
    void Shake(const PeerOptions& options);

    int fd_ = -1;
    SSL* tls_ = nullptr;
};

// Cuts what a peer reads into messages. One per peer.
class MessageReader {
  public:
    // Calls take(std::string_view message) for every message whole; false: the bytes are no such frames.
    template <typename Take>
    bool Feed(const char* bytes, size_t size, Take&& take);

    // Bytes of the frame that begins there; 0: its head is not whole yet.
    static size_t FrameSize(std::string_view bytes);
    // The message in a frame; empty when it is not to be understood.
    static std::string_view Unpack(std::string_view frame);

  private:
    static constexpr size_t kMaxFrame = 1024;

    size_t carried_ = 0;  // bytes of an unfinished frame
    std::array<char, kMaxFrame> carry_;
};

template <typename Take>
bool MessageReader::Feed(const char* bytes, size_t size, Take&& take) {
    std::string_view rest(bytes, size);
    while (!rest.empty() || carried_ > 0) {
        // Whole frames are read where they are, only cut ones are copied.
        std::string_view frame = rest;
        if (carried_ > 0) {
            const size_t more = std::min(rest.size(), carry_.size() - carried_);
            rest.copy(carry_.data() + carried_, more);
            frame = {carry_.data(), carried_ + more};
        }
        const size_t needed = FrameSize(frame);
        if (needed > carry_.size()) {
            return false;
        }
        if (needed == 0 || frame.size() < needed) {
            if (carried_ == 0) {
                rest.copy(carry_.data(), rest.size());
            }
            carried_ = frame.size();
            return carried_ < carry_.size();
        }
        const std::string_view message = Unpack(frame.substr(0, needed));
        if (message.empty()) {
            return false;
        }
        take(message);
        rest.remove_prefix(needed - carried_);
        carried_ = 0;
    }
    return true;
}

}  // namespace haumea::bench
