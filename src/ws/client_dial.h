#pragma once

#include "base/result.h"
#include "io/loop.h"
#include "ws/client.h"
#include "ws/client_settings.h"

namespace haumea::ws {

// How a Client connects to `target` in earnest: TCP (by way of a proxy when it has one), and TLS above it for
// wss, within one deadline. Fails on certificates and keys that cannot be read or do not match. The kernel
// watches for `write_timeout_ms` without progress too (0: for ever), which finds a remote that is gone while
// little is on its way to it. `public_only`: neither remote nor proxy may be in a private network. The loop
// outlives the result.
Result<Client::Connect> MakeDialer(io::Loop& loop, const ClientTarget& target, int64_t write_timeout_ms,
                                   bool public_only = false);

}  // namespace haumea::ws
