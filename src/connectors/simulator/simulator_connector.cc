#include "connectors/simulator/simulator_connector.h"

#include <vector>

#include "connect/node_value.h"
#include "connect/properties.h"
#include "connect/services.h"

namespace haumea::connectors {

namespace {

constexpr connect::PropertyDoc kProperties[] = {
    {"data", "list or map", "", "the rows to send, one after another"},
    {"interval", "duration", "1s", "time between two rows"},
    {"loop", "boolean", "true", "begin again after the last"},
};

class SimulatorSource final : public connect::Source {
  public:
    SimulatorSource(io::Scheduler& scheduler, const config::Node& data, int64_t interval_ms, bool loop)
        : scheduler_(&scheduler), interval_ms_(interval_ms), loop_(loop), timer_(scheduler) {
        if (data.is_array()) {
            for (const config::Node& row : data.array()) {
                rows_.push_back(connect::ToValue(row, arena_));
            }
        } else {
            rows_.push_back(connect::ToValue(data, arena_));
        }
    }

    Result<void> Start(connect::SourceListener& listener) override {
        listener_ = &listener;
        listener.OnConnection(metrics::ConnectionState::kConnected, "", scheduler_->clock().NowMs());
        timer_.Start(interval_ms_, [this] { Tick(); });
        return {};
    }
    void Stop() override {
        timer_.Cancel();
        listener_ = nullptr;
    }
    void Resume() override {
        if (paused_ && listener_ != nullptr) {
            paused_ = false;
            timer_.Start(0, [this] { Tick(); });
        }
    }

  private:
    void Tick() {
        if (next_ == rows_.size()) {
            if (!loop_) {
                listener_->OnEnd("");
                return;
            }
            next_ = 0;
        }
        const Value& row = rows_[next_++];
        paused_ = listener_->OnRow(row, scheduler_->clock().NowMs(), nullptr) == connect::Flow::kPause;
        // The listener may have stopped us.
        if (!paused_ && listener_ != nullptr) {
            timer_.Start(next_ == rows_.size() && !loop_ ? 0 : interval_ms_, [this] { Tick(); });
        }
    }

    io::Scheduler* scheduler_;
    int64_t interval_ms_;
    bool loop_;
    Arena arena_;
    std::vector<Value> rows_;  // in arena_
    size_t next_ = 0;
    bool paused_ = false;
    connect::SourceListener* listener_ = nullptr;
    io::Timer timer_;
};

bool IsRows(const config::Node& data) {
    if (!data.is_array()) {
        return data.is_object();
    }
    for (const config::Node& row : data.array()) {
        if (!row.is_object()) {
            return false;
        }
    }
    return !data.array().empty();
}

Result<std::unique_ptr<connect::Source>> MakeSource(const connect::SourceSpec& spec,
                                                    connect::Services& services) {
    connect::PropertyReader reader(spec.props, "source simulator");
    const config::Node* data = reader.Any("data");
    if (data == nullptr || !IsRows(*data)) {
        reader.Refuse(Errorf("property data has to be an object or a list of objects: the rows to send"));
    }
    const int64_t interval = reader.DurationMs("interval", 1000);
    if (interval < 1) {
        reader.Refuse(Errorf("property interval is {} ms, but has to be at least 1", interval));
    }
    const bool loop = reader.Bool("loop", true);
    HAUMEA_TRY_VOID(reader.status());
    return std::make_unique<SimulatorSource>(*services.scheduler, *data, interval, loop);
}

}  // namespace

void RegisterSimulator(connect::Registry& registry) {
    registry.Add(connect::SourceDescriptor{
        "simulator", "Sends the rows of its configuration in a fixed rhythm.", MakeSource, kProperties});
}

}  // namespace haumea::connectors
