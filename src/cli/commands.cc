#include "cli/commands.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/version.h"

namespace haumea::cli {

int Run(int argc, char** argv, const std::function<int(const ServeOptions&)>& serve) {
    CLI::App app{
        "Haumea: streaming SQL with WebSocket channels.\n\n"
        "  haumea serve                                run the server\n"
        "  haumea watch ws://127.0.0.1:10081/out       print what a channel sends\n"
        "\nStreams and rules are made over REST, see README.md."};
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", std::string(Version()));

    ServeOptions serve_options;
    auto* serve_command = app.add_subcommand("serve", "Run the server until SIGINT or SIGTERM");
    serve_command->add_option("--etc", serve_options.etc_dir, "Folder of the configuration files")
        ->capture_default_str();
    serve_command->add_option("--data", serve_options.data_dir, "Folder of the stored definitions")
        ->capture_default_str();
    serve_command->add_option("--log", serve_options.log_dir, "Folder of the log file, when there is one")
        ->capture_default_str();

    WatchOptions watch_options;
    auto* watch_command =
        app.add_subcommand("watch", "Print the messages of a WebSocket channel, one line each");
    watch_command->add_option("url", watch_options.url, "ws://host:port/path");
    watch_command->add_option("--listen", watch_options.listen,
                              "host:port/path: be the server and print what clients send");
    watch_command->add_flag("-k,--insecure", watch_options.insecure,
                            "wss: do not verify the server's certificate");
    watch_command->add_flag("--rate", watch_options.rate, "Show messages and bytes per second instead");
    watch_command->add_option("--seconds", watch_options.seconds, "Stop after that time (0: never)")
        ->check(CLI::NonNegativeNumber);
    watch_command->add_option("--count", watch_options.count, "Stop after that many messages (0: never)")
        ->check(CLI::NonNegativeNumber);

    auto* version_command = app.add_subcommand("version", "Print the version");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : 2;
    }
    if (app.get_subcommands().empty()) {
        fmt::print(stderr, "haumea: give a command\n\n{}", app.help());
        return 2;
    }
    if (*version_command) {
        fmt::print("haumea {}\n", Version());
        return 0;
    }
    if (*watch_command) {
        if (watch_options.url.empty() == watch_options.listen.empty()) {
            fmt::print(stderr, "watch: give either a URL (ws://host:port/path) or --listen host:port/path\n");
            return 2;
        }
        return Watch(watch_options);
    }
    return serve(serve_options);
}

}  // namespace haumea::cli
