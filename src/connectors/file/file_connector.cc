#include "connectors/file/file_connector.h"

#include "connectors/file/file_sink.h"
#include "connectors/file/file_source.h"

namespace haumea::connectors {

void RegisterFile(connect::Registry& registry) {
    connect::SinkDescriptor sink;
    sink.type = "file";
    sink.doc = "Appends messages to a file.";
    sink.make_message_sink = MakeFileSink;
    sink.properties = FileSinkPropertyDocs();
    registry.Add(std::move(sink));
    registry.Add(connect::SourceDescriptor{"file", "Reads a file line by line, as JSON or as CSV.",
                                           MakeFileSource, FileSourcePropertyDocs()});
}

}  // namespace haumea::connectors
