#include "connectors/reference.h"

#include <fmt/format.h>

#include <span>
#include <string_view>

#include "connect/common_properties.h"
#include "connect/decode_properties.h"

namespace haumea::connectors {
namespace {

void WriteTable(std::span<const connect::PropertyDoc> properties, std::string& out) {
    if (properties.empty()) {
        out += "\nNo properties of its own.\n";
        return;
    }
    out += "\n| property | type | default | meaning |\n|---|---|---|---|\n";
    for (const connect::PropertyDoc& property : properties) {
        const std::string standard =
            property.default_value.empty() ? "" : fmt::format("`{}`", property.default_value);
        out += fmt::format("| `{}` | {} | {} | {} |\n", property.name, property.type, standard, property.doc);
    }
}

}  // namespace

std::string WriteReference(const connect::Registry& registry) {
    std::string out =
        "# Sources and sinks\n\n"
        "Names match ignoring case. Durations are texts such as `10s`, or whole numbers of milliseconds; "
        "nothing else is\n"
        "converted from text. This page is written from the tables of the connectors.\n\n"
        "## Sinks\n\n### Properties of every sink\n";
    WriteTable(connect::CommonPropertyDocs(), out);
    for (const std::string& type : registry.sink_types()) {
        const connect::SinkDescriptor& sink = *registry.FindSink(type);
        out += fmt::format("\n### Sink {}\n\n{}\n", type, sink.doc);
        WriteTable(sink.properties, out);
    }
    out +=
        "\n## Sources\n\nThe properties of a `CONF_KEY` block in `etc/sources/<type>.yaml`, or of `EXTRA`.\n"
        "\n### Properties of every source\n";
    WriteTable(connect::DecodePropertyDocs(), out);
    WriteTable(connect::CommonSourcePropertyDocs(), out);
    for (const std::string& type : registry.source_types()) {
        const connect::SourceDescriptor& source = *registry.FindSource(type);
        out += fmt::format("\n### Source {}\n\n{}\n", type, source.doc);
        WriteTable(source.properties, out);
    }
    return out;
}

}  // namespace haumea::connectors
