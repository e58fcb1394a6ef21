#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connect/source.h"
#include "io/scheduler.h"

namespace haumea::connect {

// Streams that are SHARED: one running source for all rules that read the stream. The first subscriber starts
// it, the last one stops it. While one subscriber pauses the source does, for all: nothing is dropped here
// (contract §8). Owned by the engine, outlives every Source it gave out; home loop only, except for Join.
class SharedSources {
  public:
    using Make = std::function<Result<std::unique_ptr<Source>>()>;

    explicit SharedSources(io::Scheduler& scheduler);
    SharedSources(const SharedSources&) = delete;
    SharedSources& operator=(const SharedSources&) = delete;
    ~SharedSources();

    // A source of one rule that joins the running one of `stream` when it is started; `make` makes that one
    // if there is none. Any thread.
    std::unique_ptr<Source> Join(std::string stream, Make make);
    // Streams that run now.
    size_t running() const noexcept;

  private:
    class Hub;
    class Subscriber;
    io::Scheduler* scheduler_;
    std::map<std::string, std::unique_ptr<Hub>> hubs_;
    std::vector<std::unique_ptr<Hub>> retired_;  // stopped in the middle of a delivery; freed in a later turn
    std::shared_ptr<SharedSources*> self_;       // shared with posted tasks, which find null when it is gone
};

}  // namespace haumea::connect
