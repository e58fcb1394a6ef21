#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "io/scheduler.h"
#include "io/stream.h"
#include "ws/handshake.h"
#include "ws/http_head.h"

namespace haumea::ws {

class Server;

// An accepted connection until it is a WebSocket client or has been refused. Reads the request within the
// handshake timeout; a refusal is written and then lingers for a moment, so that it is not lost in a reset.
// Owned by the Server; home loop only.
class PendingHandshake {
  public:
    PendingHandshake(Server& server, std::unique_ptr<io::Stream> stream);

    void Start();
    // Writes the refusal; ends with Server::Drop.
    void Refuse(Rejection rejection);

    // For Server::Decide.
    HttpHeadReader& reader() noexcept { return reader_; }
    io::Stream& stream() noexcept { return *stream_; }
    std::unique_ptr<io::Stream> TakeStream();
    const std::string& early() const noexcept { return early_; }
    const std::string& address() const noexcept { return address_; }
    void set_index(size_t index) noexcept { index_ = index; }
    size_t index() const noexcept { return index_; }

  private:
    enum class State : uint8_t { kReading, kAnswering, kLingering, kDone };

    void OnReadable();
    void NoteEarlyEnd(bool tls);
    void Linger();
    void Send();
    void TimedOut();
    void End();

    Server* server_;
    std::unique_ptr<io::Stream> stream_;
    HttpHeadReader reader_;
    io::Timer deadline_;
    std::string answer_;
    std::string early_;    // behind the head
    std::string address_;  // without port
    size_t index_ = 0;
    size_t lingered_bytes_ = 0;
    State state_ = State::kReading;
};

// "127.0.0.1" of "127.0.0.1:4711", "[::1]" of "[::1]:80".
std::string_view HostPart(std::string_view address) noexcept;

}  // namespace haumea::ws
