// Messages of 200 bytes into the cache of an action while its remote is away, out of it when the remote is
// back and confirms, and how long a restart needs to find a million of them. Disk and loop threads as in the
// server. Prints a table; `--json FILE` writes the same as JSON; `--messages N` (default 1000000).
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "connect/cache_stage.h"
#include "io/blocking_pool.h"
#include "io/loop.h"

namespace {

using namespace haumea;
using Steady = std::chrono::steady_clock;

double Since(Steady::time_point begin) {
    return std::chrono::duration<double>(Steady::now() - begin).count();
}

// Confirms every question in the next turn of the loop.
class Remote final : public connect::MessageSink {
  public:
    explicit Remote(io::Loop& loop) : loop_(&loop) {}
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    connect::Delivery Send(const connect::EncodedMessage&) noexcept override {
        if (!connected) {
            return connect::Delivery::kBlocked;
        }
        ++received;
        return connect::Delivery::kQueued;
    }
    void SetReadyCallback(std::function<void()> ready) override { ready_ = std::move(ready); }
    bool UseConfirmation(connect::DeliveryListener& listener) override {
        listener_ = &listener;
        return true;
    }
    bool RequestConfirmation(uint64_t mark) override {
        if (connected) {
            loop_->Post([this, mark] { listener_->OnConfirmed(mark); });
        }
        return connected;
    }
    void Close() override {}
    void Connect() {
        connected = true;
        ready_();
    }

    bool connected = false;
    uint64_t received = 0;

  private:
    io::Loop* loop_;
    std::function<void()> ready_;
    connect::DeliveryListener* listener_ = nullptr;
};

struct Run {
    io::Loop loop;
    io::BlockingPool disk{1, 1'000'000};
    Remote remote{loop};
    metrics::NodeStats cache{metrics::NodeStats::Kind::kOperator, "cache"};
    metrics::NodeStats sink{metrics::NodeStats::Kind::kSink, "sink"};
    std::unique_ptr<connect::CacheStage> stage;
    bool paused = false;
    std::thread thread{[this] { loop.Run(); }};

    explicit Run(const std::string& file) {
        connect::CacheSettings settings;
        settings.backlog.file = file;
        settings.backlog.disk_messages = 10'000'000;
        loop.RunSync([&] {
            stage = std::make_unique<connect::CacheStage>(
                remote, nullptr, settings, connect::CacheStage::Nodes{.cache = &cache, .sink = &sink}, loop,
                [this](std::function<void()> work, std::function<void()> then) {
                    return disk.Run(loop, std::move(work), std::move(then));
                });
            stage->SetResumeCallback([this] { paused = false; });
            stage->Open();
        });
    }
    ~Run() {
        loop.RunSync([this] {
            stage->Close();
            stage.reset();
        });
        loop.Stop();
        thread.join();
    }
    template <typename Condition>
    void Until(const Condition& condition) {
        for (bool done = false; !done;) {
            loop.RunSync([&] { done = condition(); });
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    const char* json = nullptr;
    uint64_t messages = 1'000'000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--json") == 0) {
            json = argv[i + 1];
        } else if (std::strcmp(argv[i], "--messages") == 0) {
            messages = std::strtoull(argv[i + 1], nullptr, 10);
        }
    }
    const auto folder =
        std::filesystem::temp_directory_path() / fmt::format("haumea-cache-bench-{}", getpid());
    const std::string file = (folder / "a.db").string();
    const std::string payload(200, 'x');
    double in_s = 0;
    {
        Run run(file);
        const auto begin = Steady::now();
        for (uint64_t sent = 0; sent < messages;) {
            run.loop.RunSync([&] {
                for (int i = 0; i < 64 && sent < messages && !run.paused; ++i, ++sent) {
                    connect::EncodedMessage message;
                    message.payload = BufferView::Copy(payload);
                    run.paused = run.stage->Push(std::move(message)) == connect::Flow::kPause;
                }
            });
            if (run.paused) {
                run.Until([&] { return !run.paused; });
            }
        }
        run.Until([&] { return run.stage->written(); });
        in_s = Since(begin);
    }
    double found_s = 0;
    double out_s = 0;
    {
        const auto begin = Steady::now();
        Run run(file);
        run.Until([&] { return run.cache.buffer_length == static_cast<int64_t>(messages); });
        found_s = Since(begin);
        const auto connected = Steady::now();
        run.loop.RunSync([&] { run.remote.Connect(); });
        run.Until([&] { return run.cache.buffer_length == 0; });
        out_s = Since(connected);
    }
    std::filesystem::remove_all(folder);
    const auto rate = [messages](double seconds) { return static_cast<double>(messages) / seconds; };
    fmt::print(
        "{:<28} {:>12.0f} messages/s\n{:<28} {:>12.0f} messages/s\n{:<28} {:>12.3f} s for {} messages\n",
        "into the file, remote away", rate(in_s), "out of it, confirmed", rate(out_s),
        "found after a restart", found_s, messages);
    if (json != nullptr) {
        std::FILE* out = std::fopen(json, "w");
        if (out == nullptr) {
            return 1;
        }
        fmt::print(out, "{{\"messages\":{},\"in_per_s\":{:.0f},\"out_per_s\":{:.0f},\"found_s\":{:.3f}}}\n",
                   messages, rate(in_s), rate(out_s), found_s);
        std::fclose(out);
    }
    return 0;
}
