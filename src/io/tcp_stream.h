#pragma once

#include <memory>

#include "io/stream.h"

namespace haumea::io {

// Makes a Stream of a connected TCP socket and takes the descriptor over: sets it non-blocking, close-on-exec
// and as `options` say. For io/*.cc. Home loop only.
std::unique_ptr<Stream> AdoptSocket(Loop& loop, int fd, const SocketOptions& options);

}  // namespace haumea::io
