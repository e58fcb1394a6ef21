#include "exec/pipeline.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace haumea::exec {
namespace {

plan::PlanOptions ToPlanOptions(const RuleOptions& options) {
    return {.is_event_time = options.is_event_time,
            .send_meta_to_sink = options.send_meta_to_sink,
            .send_nil_field = options.send_nil_field,
            .disable_alias_ref_cal = options.disable_alias_ref_cal};
}

}  // namespace

StreamPipeline::StreamPipeline(const RuleSpec& spec, Parts parts, io::Scheduler& scheduler)
    : id_(spec.id),
      options_(spec.options),
      plan_options_(ToPlanOptions(spec.options)),
      parts_(std::move(parts)),
      scheduler_(scheduler),
      context_(*parts_.plan, plan_options_, static_cast<size_t>(options_.window_bytes), scheduler, *this,
               id_),
      chain_(BuildChain(context_, options_, parts_.unpacker != nullptr ? Decompress::kYes : Decompress::kNo)),
      source_stats_(
          std::make_shared<metrics::NodeStats>(metrics::NodeStats::Kind::kSource, parts_.plan->stream->name)),
      action_paused_(parts_.actions.size(), false) {
    BuildNodes();
}

void StreamPipeline::BuildNodes() {
    warnings_ = parts_.warnings;
    nodes_.push_back(source_stats_);
    std::vector<std::string> names{"source_" + source_stats_->name()};
    for (const auto& node : chain_.nodes) {
        nodes_.push_back(node);
        names.push_back("op_" + node->name());
    }
    std::map<std::string, config::Node> edges;  // shown sorted
    const auto connect = [&edges](const std::string& from, const std::string& to) {
        edges.try_emplace(from, config::Node::MakeArray()).first->second.Append(to);
    };
    for (size_t i = 1; i < names.size(); ++i) {
        connect(names[i - 1], names[i]);
    }
    std::vector<std::shared_ptr<metrics::NodeStats>> sinks;
    for (const auto& action : parts_.actions) {
        std::string previous = names.back();
        for (const auto& node : action->nodes()) {
            const bool sink = node->kind() == metrics::NodeStats::Kind::kSink;
            (sink ? sinks : nodes_).push_back(node);
            const std::string name = (sink ? "sink_" : "op_") + node->name();
            connect(previous, name);
            previous = name;
        }
        warnings_.insert(warnings_.end(), action->warnings().begin(), action->warnings().end());
    }
    nodes_.insert(nodes_.end(), sinks.begin(), sinks.end());
    config::Node sources = config::Node::MakeArray();
    sources.Append(names.front());
    topo_.Set("sources", std::move(sources));
    config::Node sorted = config::Node::MakeObject();
    for (auto& [from, to] : edges) {
        sorted.Set(from, std::move(to));
    }
    topo_.Set("edges", std::move(sorted));
}

Result<void> StreamPipeline::Start(EndCallback on_end) {
    on_end_ = std::move(on_end);
    alive_ = std::make_shared<bool>(true);
    for (size_t i = 0; i < parts_.actions.size(); ++i) {
        parts_.actions[i]->SetResumeCallback([this, i, alive = alive_] {
            if (*alive) {
                OnResume(i);
            }
        });
        if (auto opened = parts_.actions[i]->Open(); !opened) {
            *alive_ = false;
            CloseActions(i);
            return Fail(std::move(opened.error()));
        }
    }
    running_ = true;
    for (const auto& op : chain_.operators) {
        op->Start();
    }
    if (auto started = parts_.source->Start(*this); !started) {
        Stop();
        return Fail(std::move(started.error()));
    }
    source_stats_->SetNumbers([this](metrics::Numbers& into) { parts_.source->ReadNumbers(into); });
    return {};
}

void StreamPipeline::Stop() {
    if (!running_) {
        return;
    }
    running_ = false;
    *alive_ = false;
    source_stats_->SetNumbers({});
    parts_.source->Stop();
    for (const auto& op : chain_.operators) {
        op->Stop();
    }
    CloseActions(parts_.actions.size());
}

void StreamPipeline::CloseActions(size_t count) {
    for (size_t i = 0; i < count; ++i) {
        parts_.actions[i]->Flush();
        parts_.actions[i]->Close();
    }
}

void StreamPipeline::CountArrival(int64_t timestamp_ms, const Ref<connect::Metadata>& meta) noexcept {
    context_.meta = meta;
    if (context_.now_ms != timestamp_ms) {
        context_.now_ms = timestamp_ms;
        source_stats_->SetInvoked(timestamp_ms);
        if (chain_.decoder != nullptr) {
            chain_.decoder->SetInvoked(timestamp_ms);
        }
    }
    source_stats_->CountIn();
    source_stats_->CountOut();
    source_stats_->CountProcessed();
}

bool StreamPipeline::Unpack(const BufferView& packed, BufferView& message) noexcept {
    metrics::NodeStats& stats = *chain_.decompress;
    stats.CountIn();
    stats.CountProcessed();
    stats.SetInvoked(context_.now_ms);
    if (!parts_.unpacker->Unpack(packed, message, decode_error_)) {
        OnFailure(stats, decode_error_);
        return false;
    }
    stats.CountOut();
    return true;
}

connect::Flow StreamPipeline::OnBytes(const BufferView& payload, int64_t timestamp_ms,
                                      const Ref<connect::Metadata>& meta) noexcept {
    if (!running_) {
        return connect::Flow::kContinue;
    }
    const Turn turn(context_);
    CountArrival(timestamp_ms, meta);
    BufferView unpacked;
    if (parts_.unpacker != nullptr && !Unpack(payload, unpacked)) {
        return CurrentFlow();
    }
    const BufferView& message = parts_.unpacker != nullptr ? unpacked : payload;
    if (chain_.decoder != nullptr) {
        chain_.decoder->CountIn();
        chain_.decoder->CountProcessed();
    }
    const size_t first = rows_.size();
    const bool decoded = parts_.decoder->Decode(message, context_.arena, rows_, decode_error_);
    ProcessRows(first, decoded, timestamp_ms);
    return CurrentFlow();
}

connect::Flow StreamPipeline::OnRow(const Value& object, int64_t timestamp_ms,
                                    const Ref<connect::Metadata>& meta) noexcept {
    if (!running_) {
        return connect::Flow::kContinue;
    }
    const Turn turn(context_);
    CountArrival(timestamp_ms, meta);
    if (chain_.decoder != nullptr) {
        chain_.decoder->CountIn();
        chain_.decoder->CountProcessed();
    }
    const size_t first = rows_.size();
    const bool picked = parts_.decoder->Pick(object, context_.arena, rows_, decode_error_);
    ProcessRows(first, picked, timestamp_ms);
    return CurrentFlow();
}

// Rows from `first` on are those of this message: a rule that feeds itself is called again while an earlier
// message is still being processed.
void StreamPipeline::ProcessRows(size_t first, bool decoded, int64_t timestamp_ms) noexcept {
    metrics::NodeStats& stats = chain_.decoder != nullptr ? *chain_.decoder : *source_stats_;
    if (!decoded) {
        OnFailure(stats, decode_error_);
        return;
    }
    const size_t end = rows_.size();
    if (chain_.decoder != nullptr) {
        chain_.decoder->CountOut(static_cast<int64_t>(end - first));
    }
    const Value* meta = context_.meta ? &context_.meta->object() : nullptr;
    const Ref<connect::Metadata> message_meta = context_.meta;
    for (size_t i = first; i < end && running_; ++i) {
        Row row = rows_[i];
        row.timestamp_ms = timestamp_ms;
        if (chain_.preprocessor != nullptr && !Preprocess(row)) {
            continue;
        }
        context_.meta = message_meta;
        chain_.first->Deliver(expr::Tuple{.row = row, .meta = meta, .derived = nullptr});
    }
    rows_.resize(first);
    context_.meta.Reset();
}

bool StreamPipeline::Preprocess(Row& row) noexcept {
    metrics::NodeStats& stats = *chain_.preprocessor;
    stats.CountIn();
    stats.CountProcessed();
    stats.SetInvoked(context_.now_ms);
    if (parts_.timestamp != nullptr) {
        std::string error;
        if (!parts_.timestamp->Read(row, *parts_.plan->layout, error)) {
            OnFailure(stats, error);
            return false;
        }
    }
    stats.CountOut();
    return true;
}

void StreamPipeline::OnResult(std::span<const Value> rows, From from) noexcept {
    Emit({.rows = rows,
          .is_error = false,
          .from_nothing = from == From::kNothing,
          .meta = context_.meta.get()});
}

void StreamPipeline::OnFailure(metrics::NodeStats& stats, std::string_view text) noexcept {
    stats.CountException(std::string(text), scheduler_.clock().NowMs());
    if (!running_) {
        return;
    }
    const Field field{"error", Value::String(text)};
    const Value row = Value::Object({&field, 1});
    Emit({.rows = {&row, 1}, .is_error = true, .meta = context_.meta.get()});
}

void StreamPipeline::Emit(const connect::Emission& emission) noexcept {
    for (size_t i = 0; i < parts_.actions.size(); ++i) {
        if (emission.is_error && !parts_.actions[i]->takes_errors(options_.send_error)) {
            continue;
        }
        if (parts_.actions[i]->Emit(emission) == connect::Flow::kPause && !action_paused_[i]) {
            action_paused_[i] = true;
            ++paused_actions_;
        }
    }
}

connect::Flow StreamPipeline::CurrentFlow() const noexcept {
    return paused_actions_ == 0 ? connect::Flow::kContinue : connect::Flow::kPause;
}

void StreamPipeline::OnResume(size_t action) {
    if (!action_paused_[action]) {
        return;
    }
    action_paused_[action] = false;
    if (--paused_actions_ == 0 && running_) {
        parts_.source->Resume();
    }
}

void StreamPipeline::OnError(Error error) noexcept {
    if (running_) {
        const Turn turn(context_);
        OnFailure(*source_stats_, error.message);
    }
}

void StreamPipeline::OnDropped(int64_t messages, std::string text) noexcept {
    if (running_) {
        const Turn turn(context_);
        source_stats_->CountDropped(messages, metrics::DropReason::kQueueFull);
        OnFailure(*source_stats_, text);
    }
}

void StreamPipeline::OnEnd(std::string message) noexcept {
    scheduler_.Post([this, alive = alive_, message = std::move(message)]() mutable {
        if (*alive && on_end_) {
            on_end_(false, std::move(message));
        }
    });
}

void StreamPipeline::OnConnection(metrics::ConnectionState state, const std::string& reason,
                                  int64_t since_ms) noexcept {
    source_stats_->SetConnection(state, reason, since_ms);
    if (state != metrics::ConnectionState::kConnected && !reason.empty()) {
        source_stats_->CountException(reason, scheduler_.clock().NowMs());
    }
}

Result<PlanDescription> DescribePlan(const std::string& sql, const RuleOptions& options,
                                     const StreamCatalog& streams) {
    const auto find = [&streams](const std::string& name) { return streams.FindStream(name); };
    HAUMEA_TRY(const auto plan, plan::PlanSelect(sql, ToPlanOptions(options), find));
    return PlanDescription{.explain = plan->explain, .sources = plan->streams, .columns = plan->columns};
}

Result<std::unique_ptr<RulePipeline>> RulePipeline::Plan(const RuleSpec& spec, const StreamCatalog& streams,
                                                         Connectors& connectors, io::Scheduler& scheduler) {
    const auto find = [&streams](const std::string& name) { return streams.FindStream(name); };
    StreamPipeline::Parts parts;
    HAUMEA_TRY(parts.plan, plan::PlanSelect(spec.sql, ToPlanOptions(spec.options), find));
    const sql::StreamDef& stream = *parts.plan->stream;
    if (stream.options.temp && !spec.temp) {
        return Failf("temp stream {} can only be used by temp rules", stream.name);
    }
    if (spec.options.disable_buffer_full_discard && stream.options.shared) {
        return Failf("disableBufferFullDiscard can't be enabled with shared stream {}", stream.name);
    }
    HAUMEA_TRY(connect::DecodeProperties decode, connectors.DecodePropertiesOf(stream));
    parts.warnings = std::move(decode.warnings);
    HAUMEA_TRY(parts.decoder, MakeStreamDecoder(stream, *parts.plan->layout, decode));
    if (!decode.decompression.empty() && DeliversRows(stream)) {
        parts.warnings.push_back(fmt::format(
            "stream {}: decompression has no effect: its source delivers rows, not messages", stream.name));
    } else if (!decode.decompression.empty()) {
        HAUMEA_TRY(parts.unpacker, connectors.UnpackerFor(stream, decode));
    }
    if (spec.options.is_event_time) {
        HAUMEA_TRY(TimestampReader reader, TimestampReader::Make(stream, parts.plan->timestamp_slot));
        parts.timestamp = std::make_unique<TimestampReader>(std::move(reader));
    }
    HAUMEA_TRY(parts.source, connectors.MakeSource(stream, spec.id));
    for (size_t i = 0; i < spec.actions.size(); ++i) {
        HAUMEA_TRY(auto made,
                   connectors.MakeActions(spec.actions[i], static_cast<int>(i), spec.id, spec.options));
        std::move(made.begin(), made.end(), std::back_inserter(parts.actions));
    }
    return std::make_unique<StreamPipeline>(spec, std::move(parts), scheduler);
}

}  // namespace haumea::exec
