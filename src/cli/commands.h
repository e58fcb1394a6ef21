#pragma once

#include <functional>
#include <string>

namespace haumea::cli {

// What `haumea serve` was asked for; empty strings: the settings decide.
struct ServeOptions {
    std::string etc_dir = "etc";
    std::string data_dir = "data";
    std::string log_dir = "log";
};

// Parses the command line and runs the command. `serve` is the daemon, passed in because the command line
// knows nothing of the engine. Returns the exit status: 0 fine, 1 failed, 2 wrong usage. Main thread.
int Run(int argc, char** argv, const std::function<int(const ServeOptions&)>& serve);

// `haumea watch URL`: prints each message of a channel as a line until Ctrl-C or `seconds`.
struct WatchOptions {
    std::string url;        // ws://host:port/path
    std::string listen;     // host:port/path: wait for clients there instead of dialling
    bool rate = false;      // one line per second with messages and bytes instead of the messages
    double seconds = 0;     // 0: no limit
    int64_t count = 0;      // stop after that many messages; 0: no limit
    bool insecure = false;  // wss: whoever answers is trusted
};
int Watch(const WatchOptions& options);

}  // namespace haumea::cli
