// The one program: `haumea serve`, `haumea watch`, `haumea version`.
#include <fmt/core.h>

#include <csignal>

#include "cli/commands.h"
#include "engine/engine.h"
#include "io/signal_waiter.h"

namespace {

int Serve(const haumea::cli::ServeOptions& options) {
    // A closed terminal and a file that may not grow are errors of the call that meets them, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    std::unique_ptr<haumea::engine::Engine> engine;
    // Before any other thread: signals are blocked for all of them. One that comes before the engine runs
    // ends the program as soon as it is up.
    std::atomic<haumea::engine::Engine*> running{nullptr};
    std::atomic<bool> asked{false};
    const haumea::io::SignalWaiter signals([&](int) {
        asked = true;
        if (auto* target = running.load()) {
            target->Stop();
        }
    });
    auto started = haumea::engine::Engine::Start({options.etc_dir, options.data_dir, options.log_dir});
    if (!started) {
        fmt::print(stderr, "haumea: {}\n", started.error().message);
        return 1;
    }
    engine = std::move(*started);
    running = engine.get();
    if (!asked) {
        engine->Run();
    }
    running = nullptr;
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return haumea::cli::Run(argc, argv, Serve); }
