// Publishes stamped messages of 512 bytes to every WebSocket client of /f: through the hub of src/ws, or with
// --raw through an epoll hub without any WebSocket layer. Prints its port, then obeys "run <rate> <seconds>"
// lines (rate 0: as fast as clients take them) and answers each with a line of JSON. --drop: slow clients are
// dropped for, not waited for. The client of /o, when there is one, gets 100 messages a second meanwhile.
// --tls, --deflate: over TLS, with permessage-deflate.
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.h"
#include "fanout_common.h"
#include "io/testing/test_certificates.h"
#include "io/tls.h"
#include "ws/server.h"

namespace haumea::bench {
namespace {

// Home loop only.
class Publisher {
  public:
    Publisher(io::Loop& loop, ws::EndpointRef endpoint, ws::EndpointRef other)
        : loop_(&loop), endpoint_(std::move(endpoint)), other_(std::move(other)) {}

    void Run(double rate, double seconds) {
        rate_ = rate;
        begin_ns_ = NowNs();
        end_ns_ = begin_ns_ + static_cast<int64_t>(seconds * 1e9);
        cpu_begin_ = CpuSeconds();
        before_ = endpoint_->stats();
        first_ = number_;
        others_ = 0;
        StepOther();
        Step();
    }

  private:
    static constexpr int kBurst = 64;  // as the raw hub
    static constexpr int64_t kOtherEveryMs = 10;

    // Messages to /o, each stamped with the moment at which it was due.
    void StepOther() {
        const int64_t now = NowNs();
        int64_t due = begin_ns_;
        for (; (due = begin_ns_ + others_ * kOtherEveryMs * 1'000'000) <= now; ++others_) {
            char message[kMessageBytes];
            WriteMessage(message, static_cast<uint64_t>(others_), due);
            static_cast<void>(other_->Publish(BufferView::Copy({message, kMessageBytes}), true));
        }
        if (due < end_ns_) {
            loop_->RunAfter((due - now) / 1'000'000 + 1, [this] { StepOther(); });
        }
    }

    void Step() {
        const int64_t now = NowNs();
        if (now >= end_ns_) {
            Report(now);
            return;
        }
        if (rate_ > 0) {
            const auto wanted = static_cast<uint64_t>(static_cast<double>(now - begin_ns_) * 1e-9 * rate_);
            while (number_ - first_ < wanted) {
                PublishOne();
            }
            loop_->RunAfter(1, [this] { Step(); });
            return;
        }
        for (int i = 0; i < kBurst; ++i) {
            if (PublishOne() == ws::Publication::kBlocked || endpoint_->wants_pause()) {
                endpoint_.WhenReady([this] { Step(); });
                return;
            }
        }
        loop_->Post([this] { Step(); });
    }

    ws::Publication PublishOne() {
        char message[kMessageBytes];
        WriteMessage(message, number_, NowNs());
        const ws::Publication result = endpoint_->Publish(BufferView::Copy({message, kMessageBytes}), true);
        number_ += result == ws::Publication::kBlocked ? 0 : 1;
        return result;
    }

    void Report(int64_t now) {
        const double cpu = CpuSeconds() - cpu_begin_;
        const ws::EndpointStats stats = endpoint_->stats();
        std::printf(
            "{\"published\": %llu, \"cpu_seconds\": %.4f, \"seconds\": %.4f, \"dropped\": %llu, \"slow\": "
            "%llu}\n",
            static_cast<unsigned long long>(number_ - first_), cpu,
            static_cast<double>(now - begin_ns_) * 1e-9,
            static_cast<unsigned long long>(stats.hub.dropped_oldest - before_.hub.dropped_oldest),
            static_cast<unsigned long long>(stats.hub.slow_clients));
        std::fflush(stdout);
    }

    io::Loop* loop_;
    ws::EndpointRef endpoint_;
    ws::EndpointRef other_;
    ws::EndpointStats before_;
    double rate_ = 0;
    double cpu_begin_ = 0;
    int64_t begin_ns_ = 0;
    int64_t end_ns_ = 0;
    uint64_t number_ = 0;
    uint64_t first_ = 0;
    int64_t others_ = 0;  // messages to /o
};

struct HubOptions {
    bool drop = false;
    bool tls = false;
    bool deflate = false;
};

int RunHub(const HubOptions& options) {
    log::Init(log::Level::kError, true, "");
    io::Loop loop;
    ws::ServerSettings server_settings;
    server_settings.address = "0.0.0.0";
    server_settings.port = 0;
    std::shared_ptr<io::TlsContext> tls;
    if (options.tls) {
        const io::testing::TestIdentity identity = io::testing::MakeTestIdentity({});
        io::TlsServerOptions own;
        own.certificate.text = identity.certificate;
        own.key.text = identity.key;
        auto made = io::TlsContext::ForServer(own);
        if (!made) {
            std::cerr << made.error().message << '\n';
            return 1;
        }
        tls = std::move(*made);
        server_settings.wrap = [&tls](std::unique_ptr<io::Stream> stream) -> std::unique_ptr<io::Stream> {
            return io::TlsStream::Server(std::move(stream), *tls);
        };
    }
    ws::Server server(loop, server_settings);
    ws::EndpointSettings settings;
    settings.permessage_deflate = options.deflate;
    if (!options.drop) {
        settings.slow_consumer = ws::SlowConsumer::kBlock;
        settings.backlog = {2048, 16U << 20U};
    }
    auto endpoint = server.Acquire("/f", settings, "benchmark");
    if (!endpoint) {
        std::cerr << endpoint.error().message << '\n';
        return 1;
    }
    auto other = server.Acquire("/o", {}, "benchmark");
    if (!other) {
        std::cerr << other.error().message << '\n';
        return 1;
    }
    std::printf("port %d\n", server.port());
    std::fflush(stdout);
    Publisher publisher(loop, std::move(*endpoint), std::move(*other));
    std::thread commands([&] {
        for (std::string line; std::getline(std::cin, line);) {
            double rate = 0;
            double seconds = 0;
            if (std::sscanf(line.c_str(), "run %lf %lf", &rate, &seconds) == 2) {
                loop.Post([&publisher, rate, seconds] { publisher.Run(rate, seconds); });
            }
        }
        loop.Stop();
    });
    loop.Run();
    commands.join();
    return 0;
}

}  // namespace
}  // namespace haumea::bench

int main(int argc, char** argv) {
    haumea::bench::HubOptions options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--raw") {
            return haumea::bench::RunRawHub();
        }
        options.drop |= argument == "--drop";
        options.tls |= argument == "--tls";
        options.deflate |= argument == "--deflate";
    }
    return haumea::bench::RunHub(options);
}
