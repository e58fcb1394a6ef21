#include "connect/action_stages.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "connect/arrange_caches.h"
#include "connect/cache_file.h"

namespace haumea::connect {
namespace {

using metrics::NodeStats;

class StageBuilder {
  public:
    StageBuilder(ActionStages& out, Services& services) : out_(out), services_(services) {}

    Result<void> Build(const SinkDescriptor& descriptor, const SinkSpec& spec);

  private:
    NodeStats* AddNode(NodeStats::Kind kind, const std::string& name);
    Result<void> MakeErrorEncoder();
    Result<void> AddCodecs(const std::string& sink_name, int& position);
    Result<void> AddDynamic(const SinkDescriptor& descriptor, const config::Node& props);
    Result<void> AddTransport(const SinkDescriptor& descriptor, const SinkSpec& spec, int position);
    Result<void> AddCache(const SinkDescriptor& descriptor, const SinkSpec& spec, int position);

    ActionStages& out_;
    Services& services_;
};

NodeStats* StageBuilder::AddNode(NodeStats::Kind kind, const std::string& name) {
    return out_.nodes.emplace_back(std::make_shared<NodeStats>(kind, name)).get();
}

Result<void> StageBuilder::MakeErrorEncoder() {
    codec::EncoderOptions options = out_.common.encoder;
    options.fields.clear();
    // A single row has its header only once, in front of the data.
    options.has_header = options.has_header && !out_.common.transform.send_single;
    HAUMEA_TRY(out_.error_encoder, codec::MakeEncoder(options));
    return {};
}

Result<void> StageBuilder::AddCodecs(const std::string& sink_name, int& position) {
    if (!out_.common.compression.empty()) {
        HAUMEA_TRY(auto compressor, codec::MakeCompressor(out_.common.compression, out_.common.compressor));
        out_.packer.SetCompressor(
            std::move(compressor),
            *AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_compress", sink_name, position++)));
    }
    if (!out_.common.encryption.empty()) {
        codec::CipherOptions options;
        options.key = services_.aes_key;
        options.mode = out_.common.cipher_mode;
        options.iv = out_.common.cipher_iv;
        options.aad = out_.common.cipher_aad;
        options.tag_size = out_.common.cipher_tag_size;
        if (options.mode == "gcm" && !options.iv.empty()) {
            out_.warnings.push_back(fmt::format(
                "{}: encProps.iv is the same for every message, which weakens gcm: leave it out", sink_name));
        }
        HAUMEA_TRY(auto cipher, codec::Cipher::Make(std::move(options)));
        out_.packer.SetCipher(
            std::move(cipher),
            *AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_encrypt", sink_name, position++)));
    }
    return {};
}

Result<void> StageBuilder::Build(const SinkDescriptor& descriptor, const SinkSpec& spec) {
    const std::string sink_name = SinkName(descriptor.type, spec.index);
    int position = 0;
    const bool for_transport = descriptor.make_message_sink != nullptr;
    if (out_.common.batches()) {
        out_.batch_stats =
            AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_batch", sink_name, position++));
    }
    // Rows have no text form: what a template writes is read again.
    out_.common.transform.text_format = out_.common.transform.text_format && for_transport;
    HAUMEA_TRY(out_.transform, Transform::Make(out_.common.transform, services_.template_limits));
    out_.transform_stats =
        AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_transform", sink_name, position++));
    if (for_transport) {
        HAUMEA_TRY(out_.encoder, codec::MakeEncoder(out_.common.encoder));
        HAUMEA_TRY_VOID(MakeErrorEncoder());
        const char* stage = out_.common.batches() ? "batchWriter" : "encode";
        out_.encode_stats =
            AddNode(NodeStats::Kind::kOperator, fmt::format("{}_{}_{}", sink_name, position++, stage));
        if (out_.common.batches()) {
            HAUMEA_TRY(out_.batch_writer, BatchWriter::Make(out_.common.encoder, out_.common.batch_header));
        }
        HAUMEA_TRY_VOID(AddCodecs(sink_name, position));
    }
    SinkSpec own = spec;
    own.warnings = &out_.warnings;
    out_.warnings.insert(out_.warnings.end(), spec.notes.begin(), spec.notes.end());
    own.block_when_full = out_.options.disable_buffer_full_discard;
    own.templates = &out_.dynamic.texts();
    if (for_transport) {
        return AddTransport(descriptor, own, position);
    }
    if (out_.common.enable_cache) {
        out_.warnings.push_back(
            fmt::format("{}: enableCache has no effect: this sink always takes its rows", sink_name));
    }
    HAUMEA_TRY(out_.row_sink, descriptor.make_row_sink(own, services_));
    out_.sink_stats = AddNode(NodeStats::Kind::kSink, sink_name);
    return {};
}

Result<void> StageBuilder::AddDynamic(const SinkDescriptor& descriptor, const config::Node& props) {
    return descriptor.dynamic_properties ? out_.dynamic.Add(props, descriptor.dynamic_properties(props))
                                         : Result<void>();
}

Result<void> StageBuilder::AddTransport(const SinkDescriptor& descriptor, const SinkSpec& spec,
                                        int position) {
    HAUMEA_TRY_VOID(AddDynamic(descriptor, spec.props));
    HAUMEA_TRY(out_.message_sink, descriptor.make_message_sink(spec, services_));
    if (out_.common.enable_cache) {
        return AddCache(descriptor, spec, position);
    }
    out_.sink_stats = AddNode(NodeStats::Kind::kSink, SinkName(descriptor.type, spec.index));
    ActionQueue::Settings settings;
    const int64_t length =
        out_.common.buffer_length > 0 ? out_.common.buffer_length : out_.options.buffer_length;
    settings.messages = static_cast<size_t>(std::max<int64_t>(length, 1));
    settings.pause_when_full = out_.options.disable_buffer_full_discard;
    auto queue = std::make_unique<ActionQueue>(*out_.message_sink, settings, *out_.sink_stats,
                                               services_.scheduler->clock());
    out_.queue = queue.get();
    out_.outlet = std::move(queue);
    out_.queue_messages = settings.messages;
    const std::string sink_name = SinkName(descriptor.type, spec.index);
    out_.common.cache.backlog.file = CacheFile(services_.data_dir, spec.rule_id, sink_name);
    const std::string& file = out_.common.cache.backlog.file;
    std::error_code error;
    if (std::filesystem::exists(file, error) || std::filesystem::exists(DestinationFolder(file), error)) {
        out_.warnings.push_back(
            fmt::format("{}: enableCache is off, but was on: what waits in the cache is sent first, and what "
                        "cannot be sent now is dropped",
                        sink_name));
    }
    return {};
}

Result<void> StageBuilder::AddCache(const SinkDescriptor& descriptor, const SinkSpec& spec, int position) {
    const std::string sink_name = SinkName(descriptor.type, spec.index);
    const bool alter = out_.common.cache.alter_queue;
    DestinationCaches::MakeSink make_resend_sink;
    const auto warn = [&](const char* text) {
        out_.warnings.push_back(fmt::format("{}: {}", sink_name, text));
    };
    if (!out_.common.resend_destination.empty()) {
        if (!descriptor.redirect) {
            return Failf("resendDestination is \"{}\", but the sink {} has no other destination than its own",
                         out_.common.resend_destination, descriptor.type);
        }
        SinkSpec other = spec;
        HAUMEA_TRY(other.props, descriptor.redirect(spec.props, out_.common.resend_destination));
        HAUMEA_TRY_VOID(AddDynamic(descriptor, other.props));
        auto made = descriptor.make_message_sink(other, services_);
        if (!made) {
            return Fail(std::move(made.error()).With("resendDestination"));
        }
        out_.resend_sink = std::move(*made);
        other.warnings = nullptr;  // said once
        make_resend_sink = [make = descriptor.make_message_sink, other, services = &services_] {
            return make(other, *services);
        };
    }
    if (!alter && out_.resend_sink) {
        warn("resendDestination has an effect only with resendAlterQueue: true");
        out_.resend_sink.reset();
        make_resend_sink = nullptr;
    }
    if (!out_.common.resend_indicator_field.empty() && out_.common.encoder.format != "json") {
        warn("resendIndicatorField has an effect only with format json");
        out_.common.resend_indicator_field.clear();
    }
    NodeStats* cache_stats =
        AddNode(NodeStats::Kind::kOperator,
                alter ? fmt::format("{}_cache", sink_name) : fmt::format("{}_{}_cache", sink_name, position));
    out_.sink_stats = AddNode(NodeStats::Kind::kSink, sink_name);
    if (out_.resend_sink) {
        out_.resend_stats = AddNode(NodeStats::Kind::kSink, fmt::format("{}_resend", sink_name));
    }
    out_.farewells = services_.cache_farewells;
    out_.common.cache.pause_when_full = out_.options.disable_buffer_full_discard;
    out_.common.cache.backlog.file = CacheFile(services_.data_dir, spec.rule_id, sink_name);
    const CacheStage::Nodes nodes{.cache = cache_stats, .sink = out_.sink_stats, .resend = out_.resend_stats};
    out_.destination_caches = std::make_unique<DestinationCaches>(out_.common.cache, nodes, out_.nodes,
                                                                  std::move(make_resend_sink), services_);
    out_.outlet = out_.message_sink->CachePerDestination(*out_.destination_caches);
    if (out_.outlet) {
        out_.resend_sink.reset();  // each has its own
        return {};
    }
    out_.destination_caches.reset();
    if (text_template::IsTemplate(out_.common.resend_destination)) {
        warn("one resendDestination that is away holds up the late messages for the others");
    }
    out_.common.cache.backlog.before_open = [file = out_.common.cache.backlog.file] {
        if (const auto arranged = ArrangeCaches(file, {}); !arranged.error.empty()) {
            log::Warn("cache of an earlier run: {}", arranged.error);
        }
    };
    auto cache = std::make_unique<CacheStage>(*out_.message_sink, out_.resend_sink.get(), out_.common.cache,
                                              nodes, *services_.scheduler, DiskOf(services_));
    out_.cache = cache.get();
    out_.outlet = std::move(cache);
    return {};
}

}  // namespace

Result<void> ActionStages::Build(const SinkDescriptor& descriptor, const SinkSpec& spec, Services& services) {
    return StageBuilder(*this, services).Build(descriptor, spec);
}

}  // namespace haumea::connect
