#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"
#include "connect/properties.h"
#include "connect/sink.h"
#include "connect/source.h"
#include "io/loop.h"

namespace haumea::connect {

class Services;  // connect/services.h: what connectors share (data server, connection pool, memory bus,
                 // files)

// What a source is made from. Props are merged already: yaml default < CONF_KEY block < EXTRA < statement
// options.
struct SourceSpec {
    std::string rule_id;
    std::string stream;
    std::string type;  // lower case
    std::string datasource;
    std::string format;  // lower case
    config::Node props;  // object
};
// What a sink is made from.
struct SinkSpec {
    std::string rule_id;
    std::string type;
    int index = 0;                                 // position of the action in the rule
    config::Node props;                            // object, as the user wrote it, resourceId merged in
    std::vector<std::string>* warnings = nullptr;  // unknown properties and the like go here
    std::vector<std::string> notes{};              // what the caller has to say beside them
    // Set by MakeAction: the rule waits for a full transport (disableBufferFullDiscard) instead of losing the
    // oldest.
    bool block_when_full = false;
    // Set by MakeAction: the texts of the templates in dynamic properties, in the order of
    // EncodedMessage::dynamic. It may grow, and lives as long as the sink.
    const std::vector<std::string>* templates = nullptr;
};

// One source type. `check` validates the properties without side effects (rule creation, connectivity check
// form).
struct SourceDescriptor {
    std::string type;
    std::string doc;
    std::function<Result<std::unique_ptr<Source>>(const SourceSpec&, Services&)> make;
    // Its properties: CONF_KEY blocks, EXTRA. Static.
    std::span<const PropertyDoc> properties;
};
// One sink type; exactly one of the two factories is set. Factories validate everything static and have no
// side effects before Open().
struct SinkDescriptor {
    std::string type;
    std::string doc;
    std::function<Result<std::unique_ptr<MessageSink>>(const SinkSpec&, Services&)> make_message_sink;
    std::function<Result<std::unique_ptr<RowSink>>(const SinkSpec&, Services&)> make_row_sink;
    // The properties of a sink that sends late messages to `destination` (property resendDestination); null:
    // the sink has no other destination than its own.
    std::function<Result<config::Node>(const config::Node& props, const std::string& destination)> redirect;
    // The sink's own properties, beside the common ones. Static.
    std::span<const PropertyDoc> properties;
    // Names of those of `props` that may hold templates, also in nested texts: they are computed for every
    // message. Empty: none.
    std::function<std::vector<std::string>(const config::Node& props)> dynamic_properties;
};

// The connector types of this process: filled once at start by engine/builtin.cc, then read only: any thread.
class Registry {
  public:
    void Add(SourceDescriptor descriptor);
    void Add(SinkDescriptor descriptor);
    const SourceDescriptor* FindSource(std::string_view type) const;
    const SinkDescriptor* FindSink(std::string_view type) const;
    std::vector<std::string> source_types() const;
    std::vector<std::string> sink_types() const;

  private:
    std::map<std::string, SourceDescriptor, std::less<>> sources_;
    std::map<std::string, SinkDescriptor, std::less<>> sinks_;
};

// Validates one action object of a rule and builds its pipeline of stages (transform, encode ...) with the
// sink at the end. Node names: `<type>_<index>_0_transform`, `<type>_<index>_1_encode`, `<type>_<index>`.
// Errors carry kExecutor.
struct ActionOptions {
    bool send_error = true;  // rule option sendError lets error rows through to the sink
    int64_t buffer_length = 1024;
    bool disable_buffer_full_discard = false;
    bool send_nil_field = false;
};
Result<std::unique_ptr<Action>> MakeAction(const Registry& registry, const SinkSpec& spec,
                                           const ActionOptions& options, Services& services);

}  // namespace haumea::connect
