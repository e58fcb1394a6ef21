#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "codec/encoder.h"
#include "codec/json_writer.h"
#include "connect/action_queue.h"
#include "connect/batch_writer.h"
#include "connect/cache_farewells.h"
#include "connect/cache_file.h"
#include "connect/cache_stage.h"
#include "connect/common_properties.h"
#include "connect/dynamic_properties.h"
#include "connect/packer.h"
#include "connect/registry.h"
#include "connect/resend_indicator.h"
#include "connect/services.h"
#include "connect/transform.h"
#include "ws/utf8.h"

namespace haumea::connect {

namespace {

using metrics::NodeStats;
using Kind = TransformItem::Kind;

// The stages of one action as plain calls: batch -> transform -> encode -> compress -> encrypt -> transport,
// or batch -> transform -> row sink. Every stage has its node in the status.
class SinkPipeline final : public Action {
  public:
    SinkPipeline(CommonProperties common, const ActionOptions& options, const Services& services)
        : common_(std::move(common)),
          options_(options),
          clock_(&services.scheduler->clock()),
          dynamic_(services.template_limits),
          linger_(*services.scheduler) {}

    Result<void> Build(const SinkDescriptor& descriptor, const SinkSpec& spec, Services& services);

    Result<void> Open() override;
    Flow Emit(const Emission& emission) noexcept override;
    void SetResumeCallback(std::function<void()> resume) override {
        if (outlet_) {
            outlet_->SetResumeCallback(std::move(resume));
        }
    }
    void Flush() noexcept override { FlushBatch(); }
    void Close() override;
    const std::vector<std::shared_ptr<NodeStats>>& nodes() const override { return nodes_; }
    const std::vector<std::string>& warnings() const override { return warnings_; }

  private:
    static constexpr size_t kMaxBatchBytes = 8U << 20U;  // of a batch that only time would end
    static constexpr size_t kMaxBatchRows = 100'000;

    NodeStats* AddNode(NodeStats::Kind kind, const std::string& name);
    Result<void> MakeErrorEncoder();
    Result<void> AddCodecs(const std::string& sink_name, int& position, const Services& services);
    Result<void> AddTransport(const SinkDescriptor& descriptor, const SinkSpec& spec, int position,
                              Services& services);
    Result<void> AddCache(const SinkDescriptor& descriptor, const SinkSpec& spec, int position,
                          Services& services);

    void Handle(const TransformItem& item, const Metadata* meta) noexcept;
    void HandleForTransport(const TransformItem& item) noexcept;
    void HandleForRows(const TransformItem& item, const Metadata* meta) noexcept;
    bool EncodeItem(const TransformItem& item, std::string& error) noexcept;
    // Compresses, encrypts and pushes what is in encoded_; `dynamic`: for EncodedMessage.
    void Finish(bool maybe_text, std::vector<std::string> dynamic) noexcept;
    void Failed(NodeStats* node, std::string text) noexcept;
    void SendErrorText(std::string_view text) noexcept;
    void SendErrorRow(const Value& row) noexcept;
    // `rows` more are in the batch: sends it when that makes it full.
    void CountBatched(size_t rows) noexcept;
    void FlushBatch() noexcept;

    CommonProperties common_;
    ActionOptions options_;
    const Clock* clock_;
    std::vector<std::shared_ptr<NodeStats>> nodes_;  // shared with status readers of other threads
    std::vector<std::string> warnings_;
    NodeStats* batch_stats_ = nullptr;
    NodeStats* transform_stats_ = nullptr;
    NodeStats* encode_stats_ = nullptr;
    NodeStats* sink_stats_ = nullptr;

    DynamicProperties dynamic_;
    std::vector<std::string> row_values_;      // of the row or list at hand
    std::vector<std::string> dynamic_values_;  // of the message, or of the batch: its last row's
    std::unique_ptr<Transform> transform_;
    std::unique_ptr<codec::Encoder> encoder_;
    std::unique_ptr<codec::Encoder> error_encoder_;  // knows nothing of the columns of data rows
    std::unique_ptr<BatchWriter> batch_writer_;
    Packer packer_;
    std::unique_ptr<MessageSink> message_sink_;
    std::unique_ptr<MessageSink> resend_sink_;  // of late messages, when they go elsewhere
    std::unique_ptr<RowSink> row_sink_;
    std::unique_ptr<Outlet> outlet_;
    CacheStage* cache_ = nullptr;  // the outlet, when it is one
    CacheFarewells* farewells_ = nullptr;
    NodeStats* resend_stats_ = nullptr;
    bool open_ = false;

    // Scratch, reused between emissions.
    Arena arena_;
    std::vector<TransformItem> items_;
    BufferBuilder encoded_;
    BufferBuilder flagged_;  // with the resend indicator
    Flow flow_ = Flow::kContinue;

    io::Timer linger_;
    int64_t batched_ = 0;  // rows in the batch
    Arena batch_arena_;    // of batched rows for a row sink
    std::vector<Value> batch_rows_;
};

NodeStats* SinkPipeline::AddNode(NodeStats::Kind kind, const std::string& name) {
    return nodes_.emplace_back(std::make_shared<NodeStats>(kind, name)).get();
}

Result<void> SinkPipeline::MakeErrorEncoder() {
    codec::EncoderOptions options = common_.encoder;
    options.fields.clear();
    // A single row has its header only once, in front of the data.
    options.has_header = options.has_header && !common_.transform.send_single;
    HAUMEA_TRY(error_encoder_, codec::MakeEncoder(options));
    return {};
}

Result<void> SinkPipeline::AddCodecs(const std::string& sink_name, int& position, const Services& services) {
    if (!common_.compression.empty()) {
        HAUMEA_TRY(auto compressor, codec::MakeCompressor(common_.compression, common_.compressor));
        packer_.SetCompressor(
            std::move(compressor),
            *AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_compress", sink_name, position++)));
    }
    if (!common_.encryption.empty()) {
        codec::CipherOptions options;
        options.key = services.aes_key;
        options.mode = common_.cipher_mode;
        options.iv = common_.cipher_iv;
        options.aad = common_.cipher_aad;
        options.tag_size = common_.cipher_tag_size;
        if (options.mode == "gcm" && !options.iv.empty()) {
            warnings_.push_back(fmt::format(
                "{}: encProps.iv is the same for every message, which weakens gcm: leave it out", sink_name));
        }
        HAUMEA_TRY(auto cipher, codec::Cipher::Make(std::move(options)));
        packer_.SetCipher(std::move(cipher), *AddNode(NodeStats::Kind::kOperator,
                                                      fmt::format("{}_{}_encrypt", sink_name, position++)));
    }
    return {};
}

Result<void> SinkPipeline::Build(const SinkDescriptor& descriptor, const SinkSpec& spec, Services& services) {
    const std::string sink_name = fmt::format("{}_{}", descriptor.type, spec.index);
    int position = 0;
    const bool for_transport = descriptor.make_message_sink != nullptr;
    if (common_.batches()) {
        batch_stats_ = AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_batch", sink_name, position++));
    }
    // Rows have no text form: what a template writes is read again.
    common_.transform.text_format = common_.transform.text_format && for_transport;
    HAUMEA_TRY(transform_, Transform::Make(common_.transform, services.template_limits));
    transform_stats_ =
        AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_transform", sink_name, position++));
    if (for_transport) {
        HAUMEA_TRY(encoder_, codec::MakeEncoder(common_.encoder));
        HAUMEA_TRY_VOID(MakeErrorEncoder());
        const char* stage = common_.batches() ? "batchWriter" : "encode";
        encode_stats_ =
            AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_{}", sink_name, position++, stage));
        if (common_.batches()) {
            HAUMEA_TRY(batch_writer_, BatchWriter::Make(common_.encoder, common_.batch_header));
        }
        HAUMEA_TRY_VOID(AddCodecs(sink_name, position, services));
    }
    SinkSpec own = spec;
    own.warnings = &warnings_;
    own.block_when_full = options_.disable_buffer_full_discard;
    own.templates = &dynamic_.texts();
    if (for_transport) {
        return AddTransport(descriptor, own, position, services);
    }
    if (common_.enable_cache) {
        warnings_.push_back(
            fmt::format("{}: enableCache has no effect: this sink always takes its rows", sink_name));
    }
    HAUMEA_TRY(row_sink_, descriptor.make_row_sink(own, services));
    sink_stats_ = AddNode(NodeStats::Kind::kSink, sink_name);
    return {};
}

Result<void> SinkPipeline::AddTransport(const SinkDescriptor& descriptor, const SinkSpec& spec, int position,
                                        Services& services) {
    HAUMEA_TRY_VOID(dynamic_.Add(spec.props, descriptor.dynamic_properties));
    HAUMEA_TRY(message_sink_, descriptor.make_message_sink(spec, services));
    if (common_.enable_cache) {
        return AddCache(descriptor, spec, position, services);
    }
    sink_stats_ = AddNode(NodeStats::Kind::kSink, fmt::format("{}_{}", descriptor.type, spec.index));
    ActionQueue::Settings settings;
    const int64_t length = common_.buffer_length > 0 ? common_.buffer_length : options_.buffer_length;
    settings.messages = static_cast<size_t>(std::max<int64_t>(length, 1));
    settings.pause_when_full = options_.disable_buffer_full_discard;
    outlet_ = std::make_unique<ActionQueue>(*message_sink_, settings, *sink_stats_, *clock_);
    return {};
}

Result<void> SinkPipeline::AddCache(const SinkDescriptor& descriptor, const SinkSpec& spec, int position,
                                    Services& services) {
    const std::string sink_name = fmt::format("{}_{}", descriptor.type, spec.index);
    const bool alter = common_.cache.alter_queue;
    const auto warn = [&](const char* text) { warnings_.push_back(fmt::format("{}: {}", sink_name, text)); };
    if (!alter && !common_.resend_destination.empty()) {
        warn("resendDestination has an effect only with resendAlterQueue: true");
    } else if (!common_.resend_destination.empty()) {
        if (!descriptor.redirect) {
            return Failf("resendDestination is \"{}\", but the sink {} has no other destination than its own",
                         common_.resend_destination, descriptor.type);
        }
        SinkSpec other = spec;
        HAUMEA_TRY(other.props, descriptor.redirect(spec.props, common_.resend_destination));
        HAUMEA_TRY_VOID(dynamic_.Add(other.props, descriptor.dynamic_properties));
        auto made = descriptor.make_message_sink(other, services);
        if (!made) {
            return Fail(std::move(made.error()).With("resendDestination"));
        }
        resend_sink_ = std::move(*made);
    }
    if (!common_.resend_indicator_field.empty() && common_.encoder.format != "json") {
        warn("resendIndicatorField has an effect only with format json");
        common_.resend_indicator_field.clear();
    }
    NodeStats* cache_stats =
        AddNode(NodeStats::Kind::kOperator,
                alter ? fmt::format("{}_cache", sink_name) : fmt::format("{}_{}_cache", sink_name, position));
    sink_stats_ = AddNode(NodeStats::Kind::kSink, sink_name);
    if (resend_sink_) {
        resend_stats_ = AddNode(NodeStats::Kind::kSink, fmt::format("{}_resend", sink_name));
    }
    farewells_ = services.cache_farewells;
    common_.cache.pause_when_full = options_.disable_buffer_full_discard;
    common_.cache.backlog.file = CacheFile(services.data_dir, spec.rule_id, sink_name);
    auto cache = std::make_unique<CacheStage>(
        *message_sink_, resend_sink_.get(), common_.cache,
        CacheStage::Nodes{.cache = cache_stats, .sink = sink_stats_, .resend = resend_stats_},
        *services.scheduler, DiskOf(services));
    cache_ = cache.get();
    outlet_ = std::move(cache);
    return {};
}

Result<void> SinkPipeline::Open() {
    HAUMEA_TRY_VOID(message_sink_ ? message_sink_->Open(*sink_stats_) : row_sink_->Open(*sink_stats_));
    if (resend_sink_) {
        HAUMEA_TRY_VOID(resend_sink_->Open(*resend_stats_));
    }
    if (cache_ != nullptr && farewells_ != nullptr) {
        farewells_->WhenFree(common_.cache.backlog.file, cache_->OpenLater());
    } else if (cache_ != nullptr) {
        cache_->Open();
    }
    open_ = true;
    return {};
}

void SinkPipeline::Close() {
    if (!open_) {
        return;
    }
    FlushBatch();
    open_ = false;
    linger_.Cancel();
    if (cache_ != nullptr && farewells_ != nullptr) {
        outlet_.release();
        farewells_->Add({.file = common_.cache.backlog.file,
                         .sink = std::move(message_sink_),
                         .resend_sink = std::move(resend_sink_),
                         .nodes = nodes_,
                         .stage = std::unique_ptr<CacheStage>(std::exchange(cache_, nullptr))});
    } else if (message_sink_) {
        outlet_->Close();
        message_sink_->Close();
        if (resend_sink_) {
            resend_sink_->Close();
        }
    } else {
        row_sink_->Close();
    }
}

Flow SinkPipeline::Emit(const Emission& emission) noexcept {
    if (!open_) {
        return Flow::kContinue;
    }
    flow_ = Flow::kContinue;
    if (emission.is_error) {
        if (options_.send_error) {
            for (const Value& row : emission.rows) {
                SendErrorRow(row);
            }
        }
        return flow_;
    }
    if (emission.from_nothing && common_.transform.omit_if_empty) {
        return flow_;
    }
    const int64_t now = clock_->NowMs();
    if (batch_stats_ != nullptr) {
        batch_stats_->CountIn();
        batch_stats_->SetInvoked(now);
        batch_stats_->CountProcessed();
        batch_stats_->CountOut();
    }
    transform_stats_->CountIn();
    transform_stats_->SetInvoked(now);
    items_.clear();
    transform_->Apply(emission.rows, arena_, items_);
    transform_stats_->CountProcessed();
    for (const TransformItem& item : items_) {
        Handle(item, emission.meta);
    }
    arena_.Reset();
    return flow_;
}

void SinkPipeline::Handle(const TransformItem& item, const Metadata* meta) noexcept {
    if (item.kind == Kind::kError) {
        Failed(transform_stats_, std::string(item.text));
        return;
    }
    std::string error;
    if (!dynamic_.empty() && !dynamic_.Evaluate(item.source, row_values_, error)) {
        Failed(transform_stats_, std::move(error));
        return;
    }
    transform_stats_->CountOut();
    if (message_sink_) {
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
            return encoder_->EncodeList(item.value.items(), encoded_, error);
        case Kind::kRow:
        case Kind::kError:
            return encoder_->EncodeOne(item.value, encoded_, error);
    }
    return false;
}

void SinkPipeline::HandleForTransport(const TransformItem& item) noexcept {
    encode_stats_->CountIn();
    encode_stats_->SetInvoked(clock_->NowMs());
    std::string error;
    const bool encoded = batch_writer_ ? batch_writer_->Add(item, error) : EncodeItem(item, error);
    encode_stats_->CountProcessed();
    if (!encoded) {
        Failed(encode_stats_, std::move(error));
        return;
    }
    std::swap(dynamic_values_, row_values_);
    if (batch_writer_) {
        CountBatched(item.rows());
    } else {
        encode_stats_->CountOut();
        Finish(item.kind == Kind::kText || common_.encoder.format != "binary", std::move(dynamic_values_));
    }
}

void SinkPipeline::HandleForRows(const TransformItem& item, const Metadata* meta) noexcept {
    const std::span<const Value> rows =
        item.kind == Kind::kList ? item.value.items() : std::span(&item.value, 1);
    if (common_.batches()) {
        for (const Value& row : rows) {
            batch_rows_.push_back(CopyValue(row, batch_arena_));
        }
        CountBatched(item.rows());
        return;
    }
    row_sink_->Send({.rows = rows, .is_error = false, .meta = meta});
}

void SinkPipeline::Finish(bool maybe_text, std::vector<std::string> dynamic) noexcept {
    EncodedMessage message;
    message.dynamic = std::move(dynamic);
    // JSON and urlencoded are UTF-8 by construction; other texts hold what came in.
    message.is_text =
        maybe_text && !packer_.changes_bytes() && (encoder_->is_text() || ws::IsValidUtf8(encoded_.view()));
    // The form in which it goes out when it is late; what is no JSON has none of its own.
    const bool flagged = cache_ != nullptr && !common_.resend_indicator_field.empty() &&
                         SetIndicator(encoded_.view(), common_.resend_indicator_field, flagged_);
    std::string error;
    NodeStats* failed = packer_.Pack(encoded_, Packer::Count::kYes, message.payload, error);
    if (failed == nullptr && flagged) {
        failed = packer_.Pack(flagged_, Packer::Count::kNo, message.resent, error);
    }
    if (failed != nullptr) {
        Failed(failed, std::move(error));  // overwrites encoded_
        return;
    }
    if (outlet_->Push(std::move(message)) == Flow::kPause) {
        flow_ = Flow::kPause;
    }
}

void SinkPipeline::Failed(NodeStats* node, std::string text) noexcept {
    if (options_.send_error) {
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
    if (row_sink_) {
        row_sink_->Send({.rows = {&row, 1}, .is_error = true});
        return;
    }
    encoded_.Clear();
    std::string error;
    const Value list = Value::Array({&row, 1});
    const Value& payload = common_.transform.send_single ? row : list;
    std::vector<std::string> dynamic;
    if (!dynamic_.empty() && !dynamic_.Evaluate(payload, dynamic, error)) {
        transform_stats_->CountException("an error row has no destination: " + error, clock_->NowMs());
        return;
    }
    const bool encoded = common_.transform.send_single
                             ? error_encoder_->EncodeOne(row, encoded_, error)
                             : error_encoder_->EncodeList({&row, 1}, encoded_, error);
    if (!encoded) {
        encoded_.Clear();
        if (!codec::WriteJson(payload, encoded_, error)) {
            encode_stats_->CountException("cannot encode an error row: " + error, clock_->NowMs());
            return;
        }
    }
    const bool send_error =
        std::exchange(options_.send_error, false);  // a failing codec must not come back here
    Finish(true, std::move(dynamic));
    options_.send_error = send_error;
}

// A list is never divided: a batch may be larger than asked for by the rest of its last list. An empty list
// counts as one row, or a batch of these alone would never end.
void SinkPipeline::CountBatched(size_t rows) noexcept {
    batched_ += static_cast<int64_t>(std::max<size_t>(rows, 1));
    const bool full = (common_.batch_size > 0 && batched_ >= common_.batch_size) ||
                      batch_rows_.size() >= kMaxBatchRows ||
                      (batch_writer_ && batch_writer_->size() >= kMaxBatchBytes);
    if (full) {
        FlushBatch();
        return;
    }
    batch_stats_->buffer_length.store(batched_, std::memory_order_relaxed);
    if (common_.linger_ms > 0 && !linger_.pending()) {
        linger_.Start(common_.linger_ms, [this] { FlushBatch(); });
    }
}

void SinkPipeline::FlushBatch() noexcept {
    linger_.Cancel();
    if (!open_ || batched_ == 0) {
        return;
    }
    batched_ = 0;
    batch_stats_->buffer_length.store(0, std::memory_order_relaxed);
    if (batch_writer_ && batch_writer_->Finish(encoded_)) {
        encode_stats_->CountOut();
        Finish(common_.encoder.format != "binary", std::move(dynamic_values_));
    }
    if (!batch_rows_.empty()) {
        row_sink_->Send({.rows = batch_rows_, .is_error = false});
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
