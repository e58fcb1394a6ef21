#pragma once

#include <cstddef>
#include <list>
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
// Owned by the Server, which ends it early when others need its place; home loop only.
class PendingHandshake {
  public:
    PendingHandshake(Server& server, std::unique_ptr<io::Stream> stream);

    void Start();
    // Writes the refusal; ends with Server::Unlist.
    void Refuse(Rejection rejection);
    // Closes the connection at once.
    void End();

    // For Server::Decide.
    HttpHeadReader& reader() noexcept { return reader_; }
    io::Stream& stream() noexcept { return *stream_; }
    std::unique_ptr<io::Stream> TakeStream();
    const std::string& early() const noexcept { return early_; }
    const std::string& address() const noexcept { return address_; }
    // Before the request is complete.
    bool reading() const noexcept { return state_ == State::kReading; }
    bool refused() const noexcept { return refused_; }

  private:
    friend class Server;
    enum class State : uint8_t { kReading, kAnswering, kLingering, kDone };

    void OnReadable();
    void NoteEarlyEnd(bool tls);
    void Linger();
    void Send();
    void TimedOut();

    Server* server_;
    std::unique_ptr<io::Stream> stream_;
    HttpHeadReader reader_;
    io::Timer deadline_;
    std::string answer_;
    std::string early_;    // behind the head
    std::string address_;  // without port
    // Where it stands in the lists of the server and of its address.
    std::list<std::unique_ptr<PendingHandshake>>::iterator place_;
    std::list<PendingHandshake*>::iterator place_in_address_;
    size_t lingered_bytes_ = 0;
    bool timed_out_ = false;
    bool refused_ = false;
    State state_ = State::kReading;
};

// "127.0.0.1" of "127.0.0.1:4711", "[::1]" of "[::1]:80".
std::string_view HostPart(std::string_view address) noexcept;

}  // namespace haumea::ws
