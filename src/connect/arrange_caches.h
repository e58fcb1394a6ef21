#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace haumea::connect {

struct ArrangedCaches {
    // EncodedMessage::dynamic of one message of each destination that has messages waiting.
    std::vector<std::vector<std::string>> waiting;
    uint64_t lost = 0;  // messages that have no value for the templates
    std::string error;  // the first one; what it is about stays where it is
};

// Brings the cache files of an action into the form that its templates ask for: `file` alone, or with
// `values` (which of EncodedMessage::dynamic tell destinations apart) one per destination in the folder
// beside it. Moves what an earlier form of the rule has left, in order; does nothing when all is in place.
// Nobody else uses the files. On the disk thread.
ArrangedCaches ArrangeCaches(const std::string& file, std::span<const size_t> values);

}  // namespace haumea::connect
