#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/encoder.h"
#include "connect/action_queue.h"
#include "connect/batch_writer.h"
#include "connect/cache_farewells.h"
#include "connect/cache_stage.h"
#include "connect/common_properties.h"
#include "connect/destination_caches.h"
#include "connect/dynamic_properties.h"
#include "connect/packer.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "connect/transform.h"
#include "metrics/node_stats.h"

namespace haumea::connect {

// The stages of one action, made from its properties: batch, transform, encode, compress, encrypt, cache and
// transport, or batch, transform and row sink. What is not configured is null. Each stage has its node in the
// status. Its parts point at each other, so it stays where it was built. Owned by the action; home loop,
// except for the nodes.
struct ActionStages {
    ActionStages(CommonProperties properties, const ActionOptions& action_options, const Services& services)
        : common(std::move(properties)), options(action_options), dynamic(services.template_limits) {
        options.send_error = common.send_error.value_or(options.send_error);
    }
    ActionStages(const ActionStages&) = delete;
    ActionStages& operator=(const ActionStages&) = delete;

    // Once. Errors: a property's value that its stage refuses, or the sink's own.
    Result<void> Build(const SinkDescriptor& descriptor, const SinkSpec& spec, Services& services);

    CommonProperties common;
    ActionOptions options;
    std::vector<std::shared_ptr<metrics::NodeStats>> nodes;  // shared with status readers of other threads
    std::vector<std::string> warnings;
    metrics::NodeStats* batch_stats = nullptr;
    metrics::NodeStats* transform_stats = nullptr;
    metrics::NodeStats* encode_stats = nullptr;
    metrics::NodeStats* sink_stats = nullptr;
    metrics::NodeStats* resend_stats = nullptr;

    DynamicProperties dynamic;
    std::unique_ptr<Transform> transform;
    std::unique_ptr<codec::Encoder> encoder;
    std::unique_ptr<codec::Encoder> error_encoder;  // knows nothing of the columns of data rows
    std::unique_ptr<BatchWriter> batch_writer;
    Packer packer;
    std::unique_ptr<DestinationCaches> destination_caches;  // of a sink with several destinations
    std::unique_ptr<MessageSink> message_sink;
    std::unique_ptr<MessageSink> resend_sink;  // of late messages, when they go elsewhere
    std::unique_ptr<RowSink> row_sink;
    std::unique_ptr<Outlet> outlet;
    CacheStage* cache = nullptr;   // the outlet, when it is one; not with destination_caches
    ActionQueue* queue = nullptr;  // likewise
    size_t queue_messages = 0;
    CacheFarewells* farewells = nullptr;
};

}  // namespace haumea::connect
