#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/encoder.h"
#include "exec/rule_pipeline.h"
#include "io/virtual_scheduler.h"
#include "sql/parser.h"

// A rule without sockets: streams from DDL, a source that delivers what the test says, an action that keeps
// what it gets. One thread, virtual time.
namespace haumea::exec {

class FakeSource final : public connect::Source {
  public:
    Result<void> Start(connect::SourceListener& to) override {
        listener = &to;
        return {};
    }
    void Stop() override { listener = nullptr; }
    void Resume() override { ++resumed; }

    connect::SourceListener* listener = nullptr;
    int resumed = 0;
};

class FakeAction final : public connect::Action {
  public:
    explicit FakeAction(bool single_rows) : single_rows_(single_rows), encoder_(*codec::MakeEncoder({})) {
        using metrics::NodeStats;
        nodes_.push_back(std::make_shared<NodeStats>(NodeStats::Kind::kOperator, "fake_0_0_transform"));
        nodes_.push_back(std::make_shared<NodeStats>(NodeStats::Kind::kSink, "fake_0"));
    }
    Result<void> Open() override { return {}; }
    connect::Flow Emit(const connect::Emission& emission) noexcept override {
        if (discard) {
            discarded += emission.rows.size();
            return connect::Flow::kContinue;
        }
        std::string error;
        BufferBuilder text;
        if (emission.is_error) {
            messages.emplace_back(emission.rows.front().Get("error").text());
        } else if (single_rows_) {
            for (const Value& row : emission.rows) {
                text.Clear();
                messages.emplace_back(encoder_->EncodeOne(row, text, error) ? std::string(text.view())
                                                                            : error);
            }
        } else {
            messages.emplace_back(encoder_->EncodeList(emission.rows, text, error) ? std::string(text.view())
                                                                                   : error);
        }
        return pause ? connect::Flow::kPause : connect::Flow::kContinue;
    }
    void SetResumeCallback(std::function<void()> callback) override { resume = std::move(callback); }
    void Flush() noexcept override {}
    void Close() override {}
    const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const override { return nodes_; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

    std::vector<std::string> messages;
    std::function<void()> resume;
    bool pause = false;
    bool discard = false;  // only count the rows
    size_t discarded = 0;

  private:
    bool single_rows_;
    std::unique_ptr<codec::Encoder> encoder_;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_;
    std::vector<std::string> warnings_;
};

// Everything around one pipeline.
class RuleBench final : public StreamCatalog, public Connectors {
  public:
    explicit RuleBench(int64_t now_ms = 1'000'000) : scheduler(now_ms) {}

    // Empty, or the reason why the statement is no stream.
    std::string CreateStream(const std::string& ddl) {
        auto parsed = sql::ParseStreamSql(ddl);
        if (!parsed) {
            return parsed.error().message;
        }
        auto stream = std::make_shared<const sql::StreamDef>(std::get<sql::StreamDef>(std::move(*parsed)));
        streams_[stream->name] = stream;
        return {};
    }
    // Empty, or the reason why there is no rule.
    std::string StartRule(const std::string& sql, const RuleOptions& options = {}, bool single_rows = true) {
        single_rows_ = single_rows;
        auto planned =
            RulePipeline::Plan({.id = "rule", .sql = sql, .actions = {config::Node()}, .options = options},
                               *this, *this, scheduler);
        if (!planned) {
            return planned.error().message;
        }
        pipeline = std::move(*planned);
        const auto started = pipeline->Start(
            [this](bool error, std::string message) { ended = (error ? "error: " : "end: ") + message; });
        return started ? std::string() : started.error().message;
    }
    connect::Flow Send(std::string_view payload, Ref<connect::Metadata> meta = nullptr) {
        const connect::Flow flow =
            source->listener->OnBytes(BufferView::Copy(payload), scheduler.clock().NowMs(), meta);
        scheduler.RunPosted();
        return flow;
    }
    // What the action got since the last call.
    std::vector<std::string> Take() { return std::exchange(action->messages, {}); }

    std::shared_ptr<const sql::StreamDef> FindStream(const std::string& name) const override {
        const auto found = streams_.find(name);
        return found == streams_.end() ? nullptr : found->second;
    }
    Result<std::unique_ptr<connect::Source>> MakeSource(const sql::StreamDef&, const std::string&) override {
        auto made = std::make_unique<FakeSource>();
        source = made.get();
        return made;
    }
    Result<std::vector<std::unique_ptr<connect::Action>>> MakeActions(const config::Node&, int,
                                                                      const std::string&,
                                                                      const RuleOptions&) override {
        auto made = std::make_unique<FakeAction>(single_rows_);
        action = made.get();
        std::vector<std::unique_ptr<connect::Action>> actions;
        actions.push_back(std::move(made));
        return actions;
    }

    io::VirtualScheduler scheduler;
    FakeSource* source = nullptr;  // of the pipeline
    FakeAction* action = nullptr;
    std::unique_ptr<RulePipeline> pipeline;
    std::string ended;

  private:
    std::map<std::string, std::shared_ptr<const sql::StreamDef>> streams_;
    bool single_rows_ = true;
};

}  // namespace haumea::exec
