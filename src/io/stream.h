#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/loop.h"

namespace haumea::io {

// Outcome of one non-blocking read or write.
struct IoResult {
    enum class Status : uint8_t {
        kOk,          // `bytes` were moved (at least 1)
        kWouldBlock,  // nothing now; wait for readiness
        kEnd,         // read only: the peer has finished
        kFailed,      // `error` says why; the stream is dead
    };
    Status status = Status::kOk;
    size_t bytes = 0;
    int error = 0;  // errno; 0 when TLS itself failed, not its transport (last_error() has the text)
};

// A connected non-blocking byte stream: TCP, TLS over TCP, or a failing one in tests. Owned by one session;
// home loop only. The user reads and writes directly and asks for a wake-up when the stream would block.
// Waiting callbacks run from the loop, never from inside a call, and never after Close() or destruction.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual IoResult Read(std::span<char> into) noexcept = 0;
    // Gathers `parts` into one system call (TLS: into records); may take less than everything.
    virtual IoResult Write(std::span<const iovec> parts) noexcept = 0;
    // One-shot readiness; a second call replaces the callback. TLS maps to what the protocol needs.
    virtual void WaitReadable(std::function<void()> ready) = 0;
    virtual void WaitWritable(std::function<void()> ready) = 0;
    virtual void CancelWaits() noexcept = 0;
    // Says goodbye to our writing side (FIN, close_notify) while reading goes on.
    virtual void ShutdownWrite() noexcept = 0;
    virtual void Close() noexcept = 0;
    virtual bool secure() const noexcept = 0;
    // "127.0.0.1:4711", "[::1]:80"; fixed after connecting.
    virtual const std::string& remote_address() const = 0;
    virtual const std::string& local_address() const = 0;
    // Plain words for the last kFailed ("connection reset by peer").
    virtual std::string last_error() const = 0;
};

// Socket options that both ends use: TCP_NODELAY always; limits in bytes, 0 = the system's choice.
struct SocketOptions {
    int send_buffer_bytes = 128 << 10;  // SO_SNDBUF: the kernel would let a stuck peer hold 4 MiB
    // TCP_USER_TIMEOUT: sent bytes that stay unacknowledged, or a peer whose window stays closed, for that
    // long end the connection with ETIMEDOUT. For peers that may be slow for as long as they like: 0.
    int user_timeout_ms = 0;
    // Connector: addresses of private networks are not connected to (SocketAddress::is_private).
    bool public_only = false;
};

// Accepts connections on one address. Home loop only. Destruction closes it.
class Listener {
  public:
    using AcceptCallback = std::function<void(std::unique_ptr<Stream>)>;
    // `address` "0.0.0.0", "::", ...; port 0 lets the kernel choose. The error names address, port and
    // reason. When descriptors run out, accepting pauses for a moment and is logged once; it never spins.
    static Result<std::unique_ptr<Listener>> Open(Loop& loop, const std::string& address, uint16_t port,
                                                  const SocketOptions& options, AcceptCallback on_accept);
    virtual ~Listener() = default;
    virtual uint16_t port() const = 0;
};

// Which step of connecting failed: handshake errors are told apart (contract §2).
enum class ConnectStep : uint8_t { kDns, kTcp, kProxy, kTls, kHttp, kWebSocket };
inline constexpr size_t kConnectSteps = 6;

struct ConnectFailure {
    ConnectStep step = ConnectStep::kTcp;
    std::string message;
    bool permanent = false;  // will not pass by itself: a certificate, a password
};

// One attempt to connect: resolves off the loop, tries every address, within one deadline. Destruction
// cancels; then no callback follows. Home loop only.
class Connector {
  public:
    using Callback = std::function<void(tl::expected<std::unique_ptr<Stream>, ConnectFailure>)>;
    static std::unique_ptr<Connector> Start(Loop& loop, const std::string& host, uint16_t port,
                                            int64_t timeout_ms, const SocketOptions& options, Callback done);
    virtual ~Connector() = default;
};

}  // namespace haumea::io
