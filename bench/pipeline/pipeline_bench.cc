// What one event costs on its way through a rule, on one core: decode, filter, project, encode; groups in
// count windows; then what the stages of an action add to `SELECT *` (template, compression, encryption,
// cache), each next to the plain action. Prints tables; `--json FILE` writes the same as JSON.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/encoder.h"
#include "config/node.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "exec/rule_pipeline.h"
#include "io/virtual_scheduler.h"
#include "sql/parser.h"

namespace {

using namespace haumea;

class BenchSource final : public connect::Source {
  public:
    Result<void> Start(connect::SourceListener& to) override {
        listener = &to;
        return {};
    }
    void Stop() override {}
    void Resume() override {}
    connect::SourceListener* listener = nullptr;
};

// Encodes each result as a sink does, or just takes it.
class BenchAction final : public connect::Action {
  public:
    explicit BenchAction(bool encode) {
        if (encode) {
            encoder_ = std::move(*codec::MakeEncoder({}));
        }
    }
    Result<void> Open() override { return {}; }
    connect::Flow Emit(const connect::Emission& emission) noexcept override {
        if (encoder_ != nullptr) {
            out_.Clear();
            std::string error;
            encoder_->EncodeList(emission.rows, out_, error);
            bytes_ += out_.size();
        }
        return connect::Flow::kContinue;
    }
    void SetResumeCallback(std::function<void()>) override {}
    void Flush() noexcept override {}
    void Close() override {}
    const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const override { return nodes_; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

  private:
    size_t bytes_ = 0;
    std::unique_ptr<codec::Encoder> encoder_;
    BufferBuilder out_;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_;
    std::vector<std::string> warnings_;
};

// A transport that takes everything; its remote confirms what it is asked about in the next turn.
class BenchSink final : public connect::MessageSink {
  public:
    explicit BenchSink(io::Scheduler& loop) : loop_(&loop) {}
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    connect::Delivery Send(const connect::EncodedMessage& message) noexcept override {
        bytes_ += message.payload.len;
        return listener_ != nullptr ? connect::Delivery::kQueued : connect::Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()>) override {}
    bool UseConfirmation(connect::DeliveryListener& listener) override {
        listener_ = &listener;
        return true;
    }
    bool RequestConfirmation(uint64_t mark) override {
        loop_->Post([this, mark] { listener_->OnConfirmed(mark); });
        return true;
    }
    void Close() override {}

  private:
    io::Scheduler* loop_;
    connect::DeliveryListener* listener_ = nullptr;
    size_t bytes_ = 0;
};

class BenchWorld final : public exec::StreamCatalog, public exec::Connectors {
  public:
    // `props` of a real action, as JSON, when they are not empty.
    BenchWorld(io::Scheduler& loop, bool encode, std::string props)
        : services_(loop), encode_(encode), props_(std::move(props)) {
        services_.data_dir = folder_.string();
        services_.aes_key = "0123456789abcdef0123456789abcdef";
        connect::SinkDescriptor sink;
        sink.type = "bench";
        sink.make_message_sink = [&loop](const connect::SinkSpec&, connect::Services&)
            -> Result<std::unique_ptr<connect::MessageSink>> { return std::make_unique<BenchSink>(loop); };
        registry_.Add(std::move(sink));
        auto parsed =
            sql::ParseStreamSql(R"(CREATE STREAM demo () WITH (DATASOURCE="/demo", TYPE="websocket"))");
        stream_ = std::make_shared<const sql::StreamDef>(std::get<sql::StreamDef>(std::move(*parsed)));
    }
    ~BenchWorld() override { std::filesystem::remove_all(folder_); }
    std::shared_ptr<const sql::StreamDef> FindStream(const std::string&) const override { return stream_; }
    Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef&, const std::string&) override {
        auto made = std::make_unique<BenchSource>();
        source = made.get();
        return made;
    }
    Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(const config::Node&, int,
                                                                      const std::string&,
                                                                      const exec::RuleOptions&) override {
        std::vector<std::unique_ptr<connect::Action>> actions;
        if (!props_.empty()) {
            connect::SinkSpec spec{.rule_id = "bench", .type = "bench", .props = *config::ParseJson(props_)};
            HAUMEA_TRY(auto made, connect::MakeAction(registry_, spec, {}, services_));
            actions.push_back(std::move(made));
            return actions;
        }
        actions.push_back(std::make_unique<BenchAction>(encode_));
        return actions;
    }
    BenchSource* source = nullptr;

  private:
    const std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / fmt::format("haumea-pipeline-bench-{}", getpid());
    connect::Services services_;
    connect::Registry registry_;
    bool encode_;
    std::string props_;
    std::shared_ptr<const sql::StreamDef> stream_;
};

// A flat event of about `bytes` bytes with the columns that the rules use.
std::string MakeEvent(size_t bytes, int serial) {
    std::string text = fmt::format(R"({{"deviceId":"device-{}","temperature":{:.1f},"humidity":{},"ts":{})",
                                   serial % 16, 15.0 + serial % 20, 40 + serial % 50, 1541152486013 + serial);
    for (int i = 0; text.size() + 24 < bytes; ++i) {
        text += i % 2 == 0 ? fmt::format(R"(,"field{:02}":{})", i, i * 17.25)
                           : fmt::format(R"(,"field{:02}":"text {}")", i, i);
    }
    return text + "}";
}

struct Measurement {
    std::string name;
    size_t event_bytes;
    double ns_per_event;
};

constexpr size_t kEvents = 64;

Measurement Measure(const std::string& name, const std::string& sql, size_t bytes, bool encode,
                    const std::string& props = "", size_t rounds = 6000) {
    io::VirtualScheduler scheduler(1'541'152'486'013);
    BenchWorld world(scheduler, encode, props);
    auto planned = exec::RulePipeline::Plan(
        {.id = "bench", .sql = sql, .actions = {config::Node()}, .options = {}}, world, world, scheduler);
    if (!planned || !(*planned)->Start(nullptr)) {
        fmt::print(stderr, "{}: {}\n", name, planned ? "does not start" : planned.error().message);
        std::exit(1);
    }
    std::vector<BufferView> events;
    for (size_t i = 0; i < kEvents; ++i) {
        events.push_back(BufferView::Copy(MakeEvent(bytes, static_cast<int>(i))));
    }
    double best = 1e18;
    for (int attempt = 0; attempt < 3; ++attempt) {
        const auto begin = std::chrono::steady_clock::now();
        for (size_t round = 0; round < rounds; ++round) {
            for (const BufferView& event : events) {
                world.source->listener->OnBytes(event, scheduler.clock().NowMs(), nullptr);
            }
            scheduler.RunPosted();
        }
        const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
        best = std::min(best, taken.count() / static_cast<double>(rounds * kEvents));
    }
    (*planned)->Stop();
    return {name, events.front().len, best};
}

}  // namespace

int main(int argc, char** argv) {
    struct Stage {
        std::string_view name;
        std::string_view sql;
        bool encode;
    };
    constexpr Stage kStages[] = {
        {"decode, filter drops all", "SELECT deviceId FROM demo WHERE temperature > 1000", false},
        {"decode, filter, project",
         "SELECT deviceId, temperature * 1.8 + 32 AS f FROM demo WHERE temperature > 0", false},
        {"decode, filter, project, encode",
         "SELECT deviceId, temperature * 1.8 + 32 AS f FROM demo WHERE temperature > 0", true},
        {"two conditions", "SELECT deviceId FROM demo WHERE temperature > 20 AND humidity * 2 < 160", true},
        {"select *", "SELECT * FROM demo", true},
        {"count window of 100, group by",
         "SELECT deviceId, avg(temperature) AS t FROM demo GROUP BY deviceId, COUNTWINDOW(100)", true},
    };
    // Properties of an action.
    const std::string kPlain = R"({"sendSingle":true})";
    constexpr std::pair<std::string_view, std::string_view> kActions[] = {
        {"plain", R"({"sendSingle":true})"},
        {"template",
         R"({"sendSingle":true,"dataTemplate":"{\"id\":\"{{.deviceId}}\",\"t\":{{.temperature}}}"})"},
        {"template, json of the row", R"({"sendSingle":true,"dataTemplate":"{\"row\":{{json .}}}"})"},
        {"gzip", R"({"sendSingle":true,"compression":"gzip"})"},
        {"zstd", R"({"sendSingle":true,"compression":"zstd"})"},
        {"aes (gcm)", R"({"sendSingle":true,"encryption":"aes"})"},
        {"cache, the remote confirms", R"({"sendSingle":true,"enableCache":true})"},
    };
    config::Node json = config::Node::MakeArray();
    const auto entry_of = [](const Measurement& row) {
        config::Node entry = config::Node::MakeObject();
        entry.Set("name", row.name);
        entry.Set("event_bytes", static_cast<uint64_t>(row.event_bytes));
        entry.Set("ns_per_event", row.ns_per_event);
        return entry;
    };
    fmt::print("{:<36} {:>6} {:>10} {:>12}\n", "one core", "bytes", "ns/event", "events/s");
    for (const size_t bytes : {200U, 650U}) {
        for (const Stage& stage : kStages) {
            const Measurement row =
                Measure(std::string(stage.name), std::string(stage.sql), bytes, stage.encode);
            fmt::print("{:<36} {:>6} {:>10.0f} {:>12.0f}\n", row.name, row.event_bytes, row.ns_per_event,
                       1e9 / row.ns_per_event);
            std::fflush(stdout);
            json.Append(entry_of(row));
        }
    }
    fmt::print("\n{:<36} {:>6} {:>10} {:>12} {:>7}\n", "select *, with the action's stages", "bytes",
               "ns/event", "events/s", "ratio");
    for (const size_t bytes : {200U, 650U}) {
        for (const auto& [name, props] : kActions) {
            // The plain action right before each: what the machine gives changes from minute to minute.
            constexpr size_t kRounds = 1500;
            const std::string sql = "SELECT * FROM demo";
            const Measurement plain = Measure("plain", sql, bytes, true, kPlain, kRounds);
            const Measurement row = Measure(std::string(name), sql, bytes, true, std::string(props), kRounds);
            const double ratio = row.ns_per_event / plain.ns_per_event;
            fmt::print("{:<36} {:>6} {:>10.0f} {:>12.0f} {:>7.2f}\n", row.name, row.event_bytes,
                       row.ns_per_event, 1e9 / row.ns_per_event, ratio);
            std::fflush(stdout);
            config::Node entry = entry_of(row);
            entry.Set("plain_ns_per_event", plain.ns_per_event);
            entry.Set("ratio", ratio);
            json.Append(std::move(entry));
        }
    }
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--json") {
            if (std::FILE* file = std::fopen(argv[i + 1], "w"); file != nullptr) {
                fmt::print(file, "{}\n", config::ToJson(json, {.indent = 2}));
                std::fclose(file);
            }
        }
    }
    return 0;
}
