#include <algorithm>
#include <utility>

#include "base/log.h"
#include "codec/json_writer.h"
#include "connect/action_stages.h"
#include "connect/leftovers.h"
#include "connect/registry.h"
#include "connect/resend_indicator.h"
#include "ws/utf8.h"

namespace haumea::connect {

namespace {

using metrics::NodeStats;
using Kind = TransformItem::Kind;

// One action as plain calls through its stages: batch -> transform -> encode -> compress -> encrypt ->
// transport, or batch -> transform -> row sink.
class SinkPipeline final : public Action {
  public:
    SinkPipeline(CommonProperties common, const ActionOptions& options, Services& services)
        : stages_(std::move(common), options, services),
          services_(&services),
          clock_(&services.scheduler->clock()),
          linger_(*services.scheduler) {}
    SinkPipeline(const SinkPipeline&) = delete;
    SinkPipeline& operator=(const SinkPipeline&) = delete;
    ~SinkPipeline() override { *alive_ = false; }

    Result<void> Build(const SinkDescriptor& descriptor, const SinkSpec& spec, Services& services) {
        return stages_.Build(descriptor, spec, services);
    }

    Result<void> Open() override;
    Flow Emit(const Emission& emission) noexcept override;
    void SetResumeCallback(std::function<void()> resume) override {
        if (stages_.outlet) {
            stages_.outlet->SetResumeCallback(std::move(resume));
        } else {
            stages_.row_sink->SetResumeCallback(std::move(resume));
        }
    }
    void Flush() noexcept override { FlushBatch(); }
    bool takes_errors(bool) const noexcept override { return stages_.options.send_error; }
    void Close() override;
    const std::vector<std::shared_ptr<NodeStats>>& nodes() const override { return stages_.nodes; }
    const std::vector<std::string>& warnings() const override { return stages_.warnings; }

  private:
    static constexpr size_t kMaxBatchBytes = 8U << 20U;  // of a batch that only time would end
    static constexpr size_t kMaxBatchRows = 100'000;

    // What a cache that the action had before has left goes out first.
    void SendLeftovers();
    void Handle(const TransformItem& item, const Metadata* meta) noexcept;
    void HandleForTransport(const TransformItem& item) noexcept;
    void HandleForRows(const TransformItem& item, const Metadata* meta) noexcept;
    void SendRows(const Emission& emission) noexcept;
    bool EncodeItem(const TransformItem& item, std::string& error) noexcept;
    // Compresses, encrypts and pushes what is in encoded_; `dynamic`: for EncodedMessage.
    void Finish(bool maybe_text, std::vector<std::string> dynamic) noexcept;
    void Failed(NodeStats* node, std::string text) noexcept;
    void SendErrorText(std::string_view text) noexcept;
    void SendErrorRow(const Value& row) noexcept;
    // `rows` more are in the batch: sends it when that makes it full.
    void CountBatched(size_t rows) noexcept;
    void FlushBatch() noexcept;

    ActionStages stages_;
    Services* services_;
    const Clock* clock_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // tasks of the disk may outlive this object
    bool open_ = false;

    // Scratch, reused between emissions.
    Arena arena_;
    std::vector<TransformItem> items_;
    std::vector<std::string> row_values_;      // of dynamic properties, of the row or list at hand
    std::vector<std::string> dynamic_values_;  // of the message, or of the batch: its last row's
    BufferBuilder encoded_;
    BufferBuilder flagged_;  // with the resend indicator
    Flow flow_ = Flow::kContinue;

    io::Timer linger_;
    int64_t batched_ = 0;  // rows in the batch
    Arena batch_arena_;    // of batched rows for a row sink
    std::vector<Value> batch_rows_;
};

Result<void> SinkPipeline::Open() {
    HAUMEA_TRY_VOID(stages_.message_sink ? stages_.message_sink->Open(*stages_.sink_stats)
                                         : stages_.row_sink->Open(*stages_.sink_stats));
    if (stages_.resend_sink) {
        HAUMEA_TRY_VOID(stages_.resend_sink->Open(*stages_.resend_stats));
    }
    if (stages_.cache != nullptr && stages_.farewells != nullptr) {
        stages_.farewells->WhenFree(stages_.common.cache.backlog.file, stages_.cache->OpenLater());
    } else if (stages_.cache != nullptr) {
        stages_.cache->Open();
    }
    open_ = true;
    if (stages_.queue != nullptr) {
        SendLeftovers();
    }
    return {};
}

void SinkPipeline::SendLeftovers() {
    const std::string& file = stages_.common.cache.backlog.file;
    if (!MayHaveLeftovers(*services_, file)) {
        return;
    }
    stages_.queue->Hold();
    ReadLeftovers(*services_, file, stages_.queue_messages, [this, alive = alive_](Leftovers left) {
        if (!*alive || !open_) {
            return;  // the next run finds them
        }
        NodeStats& stats = *stages_.sink_stats;
        if (!left.error.empty()) {
            stats.CountException("cache of an earlier run: " + left.error, clock_->NowMs());
        } else if (const size_t count = left.messages.size() + left.missed; count > 0) {
            const std::string text =
                fmt::format("{}: enableCache was on: {} messages that waited are sent now, or dropped",
                            stats.name(), count);
            log::Warn("{}", text);
            stats.CountException(text, clock_->NowMs());
        }
        stats.CountIn(static_cast<int64_t>(left.missed));
        stats.CountDropped(static_cast<int64_t>(left.missed), metrics::DropReason::kQueueFull);
        stages_.queue->Release(std::move(left.messages));
        if (left.error.empty()) {
            ForgetLeftovers(*services_, stages_.common.cache.backlog.file);
        }
    });
}

void SinkPipeline::Close() {
    if (!open_) {
        return;
    }
    FlushBatch();
    open_ = false;
    linger_.Cancel();
    if (stages_.cache != nullptr && stages_.farewells != nullptr) {
        stages_.outlet.release();
        stages_.farewells->Add({.file = stages_.common.cache.backlog.file,
                                .sink = std::move(stages_.message_sink),
                                .resend_sink = std::move(stages_.resend_sink),
                                .nodes = stages_.nodes,
                                .stage = std::unique_ptr<CacheStage>(std::exchange(stages_.cache, nullptr))});
    } else if (stages_.message_sink) {
        stages_.outlet->Close();
        stages_.message_sink->Close();
        if (stages_.resend_sink) {
            stages_.resend_sink->Close();
        }
    } else {
        stages_.row_sink->Close();
    }
}

Flow SinkPipeline::Emit(const Emission& emission) noexcept {
    if (!open_) {
        return Flow::kContinue;
    }
    flow_ = Flow::kContinue;
    if (emission.is_error) {
        if (stages_.options.send_error) {
            for (const Value& row : emission.rows) {
                SendErrorRow(row);
            }
        }
        return flow_;
    }
    if (emission.from_nothing && stages_.common.transform.omit_if_empty) {
        return flow_;
    }
    const int64_t now = clock_->NowMs();
    if (stages_.batch_stats != nullptr) {
        stages_.batch_stats->CountIn();
        stages_.batch_stats->SetInvoked(now);
        stages_.batch_stats->CountProcessed();
        stages_.batch_stats->CountOut();
    }
    stages_.transform_stats->CountIn();
    stages_.transform_stats->SetInvoked(now);
    items_.clear();
    stages_.transform->Apply(emission.rows, arena_, items_);
    stages_.transform_stats->CountProcessed();
    for (const TransformItem& item : items_) {
        Handle(item, emission.meta);
    }
    arena_.Reset();
    return flow_;
}

void SinkPipeline::Handle(const TransformItem& item, const Metadata* meta) noexcept {
    if (item.kind == Kind::kError) {
        Failed(stages_.transform_stats, std::string(item.text));
        return;
    }
    std::string error;
    if (!stages_.dynamic.empty() && !stages_.dynamic.Evaluate(item.source, row_values_, error)) {
        Failed(stages_.transform_stats, std::move(error));
        return;
    }
    stages_.transform_stats->CountOut();
    if (stages_.message_sink) {
        HandleForTransport(item);
    } else {
        HandleForRows(item, meta);
    }
}

bool SinkPipeline::EncodeItem(const TransformItem& item, std::string& error) noexcept {
    encoded_.Clear();
    switch (item.kind) {
        case Kind::kText:
            encoded_.Append(item.text);
            return true;
        case Kind::kList:
            return stages_.encoder->EncodeList(item.value.items(), encoded_, error);
        case Kind::kRow:
        case Kind::kError:
            return stages_.encoder->EncodeOne(item.value, encoded_, error);
    }
    return false;
}

void SinkPipeline::HandleForTransport(const TransformItem& item) noexcept {
    stages_.encode_stats->CountIn();
    stages_.encode_stats->SetInvoked(clock_->NowMs());
    std::string error;
    const bool encoded =
        stages_.batch_writer ? stages_.batch_writer->Add(item, error) : EncodeItem(item, error);
    stages_.encode_stats->CountProcessed();
    if (!encoded) {
        Failed(stages_.encode_stats, std::move(error));
        return;
    }
    std::swap(dynamic_values_, row_values_);
    if (stages_.batch_writer) {
        CountBatched(item.rows());
    } else {
        stages_.encode_stats->CountOut();
        Finish(item.kind == Kind::kText || stages_.common.encoder.format != "binary",
               std::move(dynamic_values_));
    }
}

void SinkPipeline::HandleForRows(const TransformItem& item, const Metadata* meta) noexcept {
    const std::span<const Value> rows =
        item.kind == Kind::kList ? item.value.items() : std::span(&item.value, 1);
    if (stages_.common.batches()) {
        for (const Value& row : rows) {
            batch_rows_.push_back(CopyValue(row, batch_arena_));
        }
        CountBatched(item.rows());
        return;
    }
    SendRows({.rows = rows, .is_error = false, .meta = meta});
}

void SinkPipeline::SendRows(const Emission& emission) noexcept {
    if (stages_.row_sink->Send(emission) == Flow::kPause) {
        flow_ = Flow::kPause;
    }
}

void SinkPipeline::Finish(bool maybe_text, std::vector<std::string> dynamic) noexcept {
    EncodedMessage message;
    message.dynamic = std::move(dynamic);
    // JSON and urlencoded are UTF-8 by construction; other texts hold what came in, and a template can cut
    // a character in two.
    const bool by_construction = stages_.encoder->is_text() && stages_.common.transform.data_template.empty();
    message.is_text = maybe_text && !stages_.packer.changes_bytes() &&
                      (by_construction || ws::IsValidUtf8(encoded_.view()));
    // The form in which it goes out when it is late; what is no JSON has none of its own.
    const bool flagged = stages_.common.enable_cache && !stages_.common.resend_indicator_field.empty() &&
                         SetIndicator(encoded_.view(), stages_.common.resend_indicator_field, flagged_);
    std::string error;
    NodeStats* failed = stages_.packer.Pack(encoded_, Packer::Count::kYes, message.payload, error);
    if (failed == nullptr && flagged) {
        failed = stages_.packer.Pack(flagged_, Packer::Count::kNo, message.resent, error);
    }
    if (failed != nullptr) {
        Failed(failed, std::move(error));  // overwrites encoded_
        return;
    }
    if (stages_.outlet->Push(std::move(message)) == Flow::kPause) {
        flow_ = Flow::kPause;
    }
}

void SinkPipeline::Failed(NodeStats* node, std::string text) noexcept {
    if (stages_.options.send_error) {
        SendErrorText(text);
    }
    node->CountException(std::move(text), clock_->NowMs());
}

void SinkPipeline::SendErrorText(std::string_view text) noexcept {
    const Field field{"error", Value::String(text)};
    SendErrorRow(Value::Object({&field, 1}));
}

// Errors skip the transform and do not wait for a batch. A format that cannot take one (urlencoded takes no
// lists, binary no objects) sends it as JSON.
void SinkPipeline::SendErrorRow(const Value& row) noexcept {
    if (stages_.row_sink) {
        SendRows({.rows = {&row, 1}, .is_error = true});
        return;
    }
    encoded_.Clear();
    std::string error;
    const Value list = Value::Array({&row, 1});
    const Value& payload = stages_.common.transform.send_single ? row : list;
    std::vector<std::string> dynamic;
    if (!stages_.dynamic.empty() && !stages_.dynamic.Evaluate(payload, dynamic, error)) {
        stages_.transform_stats->CountException("an error row has no destination: " + error, clock_->NowMs());
        return;
    }
    const bool encoded = stages_.common.transform.send_single
                             ? stages_.error_encoder->EncodeOne(row, encoded_, error)
                             : stages_.error_encoder->EncodeList({&row, 1}, encoded_, error);
    if (!encoded) {
        encoded_.Clear();
        if (!codec::WriteJson(payload, encoded_, error)) {
            stages_.encode_stats->CountException("cannot encode an error row: " + error, clock_->NowMs());
            return;
        }
    }
    const bool send_error =
        std::exchange(stages_.options.send_error, false);  // a failing codec must not come back here
    Finish(true, std::move(dynamic));
    stages_.options.send_error = send_error;
}

// A list is never divided: a batch may be larger than asked for by the rest of its last list. An empty list
// counts as one row, or a batch of these alone would never end.
void SinkPipeline::CountBatched(size_t rows) noexcept {
    batched_ += static_cast<int64_t>(std::max<size_t>(rows, 1));
    const bool full = (stages_.common.batch_size > 0 && batched_ >= stages_.common.batch_size) ||
                      batch_rows_.size() >= kMaxBatchRows ||
                      (stages_.batch_writer && stages_.batch_writer->size() >= kMaxBatchBytes);
    if (full) {
        FlushBatch();
        return;
    }
    stages_.batch_stats->buffer_length.store(batched_, std::memory_order_relaxed);
    if (stages_.common.linger_ms > 0 && !linger_.pending()) {
        linger_.Start(stages_.common.linger_ms, [this] { FlushBatch(); });
    }
}

void SinkPipeline::FlushBatch() noexcept {
    linger_.Cancel();
    if (!open_ || batched_ == 0) {
        return;
    }
    batched_ = 0;
    stages_.batch_stats->buffer_length.store(0, std::memory_order_relaxed);
    if (stages_.batch_writer && stages_.batch_writer->Finish(encoded_)) {
        stages_.encode_stats->CountOut();
        Finish(stages_.common.encoder.format != "binary", std::move(dynamic_values_));
    }
    if (!batch_rows_.empty()) {
        SendRows({.rows = batch_rows_, .is_error = false});
        batch_rows_.clear();
        batch_arena_.Reset();
    }
}

}  // namespace

Result<std::unique_ptr<Action>> MakeAction(const Registry& registry, const SinkSpec& spec,
                                           const ActionOptions& options, Services& services) {
    const auto fail = [](Error error) { return Fail(std::move(error).WithCode(ErrorCode::kExecutor)); };
    const SinkDescriptor* descriptor = registry.FindSink(spec.type);
    if (descriptor == nullptr) {
        return fail(Errorf("unknown sink type {}", spec.type));
    }
    auto common = ReadCommonProperties(spec.props);
    if (!common) {
        return fail(std::move(common.error()));
    }
    auto pipeline = std::make_unique<SinkPipeline>(std::move(*common), options, services);
    if (auto built = pipeline->Build(*descriptor, spec, services); !built) {
        return fail(std::move(built.error()));
    }
    return pipeline;
}

}  // namespace haumea::connect
