#pragma once

#include <memory>

#include "io/stream.h"

namespace haumea::io {

// Makes a Stream of a connected TCP socket and takes the descriptor over: sets it non-blocking, close-on-exec
// and as `options` say. For io/*.cc. Home loop only.
std::unique_ptr<Stream> AdoptSocket(Loop& loop, int fd, const SocketOptions& options);

// True when a dial of a loopback port in the kernel's own range ended at the dialling socket: the kernel may
// give it that very port as its own when nobody listens there (simultaneous open, RFC 9293 section 3.5).
bool ConnectedToItself(int fd) noexcept;

}  // namespace haumea::io
