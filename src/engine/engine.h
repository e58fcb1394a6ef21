#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace haumea::engine {

struct EngineOptions {
    std::string etc_dir = "etc";
    std::string data_dir = "data";
    std::string log_dir = "log";
};

// The whole server: settings, store, one data loop with sockets and rules, one control loop with REST and the
// catalog. Made, run and destroyed by main(); Stop() from any thread.
class Engine {
  public:
    // Reads the configuration, opens the store, starts the data loop, recovers streams and rules, listens for
    // REST. An error names what is wrong and the remedy; nothing runs then.
    static Result<std::unique_ptr<Engine>> Start(const EngineOptions& options);
    // Stops every rule, closes every connection politely, within the graceful shutdown time.
    ~Engine();

    // Serves REST on the calling thread until Stop().
    void Run();
    void Stop();

    uint16_t rest_port() const;

  private:
    struct Impl;
    explicit Engine(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace haumea::engine
