#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/decoder.h"
#include "connect/unpacker.h"
#include "exec/chain.h"
#include "exec/decoding.h"
#include "exec/operator.h"
#include "exec/rule_pipeline.h"

namespace haumea::exec {

// The pipeline of a rule over one stream: source, decoder, operators, actions. See RulePipeline.
class StreamPipeline final : public RulePipeline, private connect::SourceListener, private ResultListener {
  public:
    struct Parts {
        std::unique_ptr<plan::RulePlan> plan;
        std::unique_ptr<connect::Source> source;
        std::shared_ptr<connect::Unpacker> unpacker;  // null: messages are not compressed
        std::unique_ptr<codec::Decoder> decoder;
        std::unique_ptr<TimestampReader> timestamp;  // event time only
        std::vector<std::unique_ptr<connect::Action>> actions;
        std::vector<std::string> warnings;  // of the source
    };
    StreamPipeline(const RuleSpec& spec, Parts parts, io::Scheduler& scheduler);
    ~StreamPipeline() override { Stop(); }

    Result<void> Start(EndCallback on_end) override;
    void Stop() override;
    const std::vector<std::shared_ptr<metrics::NodeStats>>& nodes() const override { return nodes_; }
    const config::Node& topo() const override { return topo_; }
    const std::vector<std::string>& columns() const override { return parts_.plan->columns; }
    const std::vector<std::string>& streams() const override { return parts_.plan->streams; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

  private:
    // connect::SourceListener
    connect::Flow OnBytes(const BufferView& payload, int64_t timestamp_ms,
                          const Ref<connect::Metadata>& meta) noexcept override;
    connect::Flow OnRow(const Value& object, int64_t timestamp_ms,
                        const Ref<connect::Metadata>& meta) noexcept override;
    void OnError(Error error) noexcept override;
    void OnDropped(int64_t messages, std::string text) noexcept override;
    void OnEnd(std::string message) noexcept override;
    void OnConnection(metrics::ConnectionState state, const std::string& reason,
                      int64_t since_ms) noexcept override;
    // ResultListener
    void OnResult(std::span<const Value> rows, From from) noexcept override;
    void OnFailure(metrics::NodeStats& stats, std::string_view text) noexcept override;

    void CountArrival(int64_t timestamp_ms, const Ref<connect::Metadata>& meta) noexcept;
    // Replaces `message` by what was compressed in it; false: it is broken or too large, and counted.
    bool Unpack(const BufferView& packed, BufferView& message) noexcept;
    void ProcessRows(size_t first, bool decoded, int64_t timestamp_ms) noexcept;
    bool Preprocess(Row& row) noexcept;
    void Emit(const connect::Emission& emission) noexcept;
    connect::Flow CurrentFlow() const noexcept;
    void OnResume(size_t action);
    void BuildNodes();
    void CloseActions(size_t count);

    const std::string id_;
    const RuleOptions options_;
    const plan::PlanOptions plan_options_;
    Parts parts_;
    io::Scheduler& scheduler_;
    RuleContext context_;
    OperatorChain chain_;
    std::shared_ptr<metrics::NodeStats> source_stats_;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes_;
    config::Node topo_;
    std::vector<std::string> warnings_;

    std::vector<Row> rows_;  // of the message that is being decoded
    std::string decode_error_;
    std::vector<bool> action_paused_;
    size_t paused_actions_ = 0;
    bool running_ = false;
    EndCallback on_end_;
    std::shared_ptr<bool> alive_;  // posted tasks and callbacks of actions may outlive this object
};

}  // namespace haumea::exec
