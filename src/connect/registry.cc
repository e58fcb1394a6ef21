#include "connect/registry.h"

namespace haumea::connect {

void Registry::Add(SourceDescriptor descriptor) {
    std::string type = descriptor.type;
    sources_.insert_or_assign(std::move(type), std::move(descriptor));
}

void Registry::Add(SinkDescriptor descriptor) {
    std::string type = descriptor.type;
    sinks_.insert_or_assign(std::move(type), std::move(descriptor));
}

const SourceDescriptor* Registry::FindSource(std::string_view type) const {
    const auto found = sources_.find(type);
    return found == sources_.end() ? nullptr : &found->second;
}

const SinkDescriptor* Registry::FindSink(std::string_view type) const {
    const auto found = sinks_.find(type);
    return found == sinks_.end() ? nullptr : &found->second;
}

std::vector<std::string> Registry::source_types() const {
    std::vector<std::string> types;
    for (const auto& [type, descriptor] : sources_) {
        types.push_back(type);
    }
    return types;
}

std::vector<std::string> Registry::sink_types() const {
    std::vector<std::string> types;
    for (const auto& [type, descriptor] : sinks_) {
        types.push_back(type);
    }
    return types;
}

}  // namespace haumea::connect
