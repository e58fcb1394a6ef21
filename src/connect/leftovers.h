#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "connect/services.h"
#include "connect/sink.h"

namespace haumea::connect {

// What an action's cache left in its file when the cache was taken out of the rule. An action without a cache
// sends it before anything else, as it sends everything: what the transport does not take is dropped and
// counted.
struct Leftovers {
    std::vector<EncodedMessage> messages;  // the newest of the file
    uint64_t missed = 0;                   // older ones, for which there is no room
    std::string error;                     // the file cannot be read; it stays where it is
};

// An earlier run of the action, also one that is being closed now, may have left messages in `file`. Home
// loop.
bool MayHaveLeftovers(Services& services, const std::string& file);
// Reads at most `most` messages when nobody uses the file any more; `then` follows on the home loop, once:
// later, or within this call with an error when the disk thread has too much to do.
void ReadLeftovers(Services& services, const std::string& file, size_t most,
                   std::function<void(Leftovers)> then);
// Deletes the file once they have been handed on. Home loop.
void ForgetLeftovers(Services& services, const std::string& file);

}  // namespace haumea::connect
