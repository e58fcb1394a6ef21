#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "fanout_peer.h"

namespace haumea::bench {

// One client of /o, another path than the one that is flooded: how long its messages take from the moment
// they were due, and how long its pings wait for their pongs. A thread of its own.
class OtherClient {
  public:
    explicit OtherClient(PeerOptions options);
    ~OtherClient();
    // Ends it. -> members of a JSON object, beginning with a comma
    std::string Stop();

  private:
    void Run();
    void SendPing();
    // Takes the whole frames in front of `input` away.
    void TakeFrames(std::string& input);

    Peer peer_;
    std::atomic<bool> stopping_{false};
    std::vector<int64_t> messages_ns_;
    std::vector<int64_t> pongs_ns_;
    std::thread thread_;
};

}  // namespace haumea::bench
