#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/loop.h"
#include "io/socket_address.h"

namespace haumea::io {

// One look-up of a host name, off the loop. Destruction cancels: then no callback follows. The system call
// itself cannot be interrupted and may take as long as the name servers let it, so it runs on a thread of its
// own that nobody waits for; how many there may be at once is bounded. Home loop only.
class Resolver {
  public:
    using Callback = std::function<void(Result<std::vector<SocketAddress>>)>;
    // A literal address is answered as well, also from the loop.
    Resolver(Loop& loop, const std::string& host, uint16_t port, Callback done);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

  private:
    struct Job;
    std::shared_ptr<Job> job_;  // shared with the thread, which may outlive this object
};

}  // namespace haumea::io
