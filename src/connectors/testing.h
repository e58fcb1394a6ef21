#pragma once

#include <string>
#include <vector>

#include "codec/json_writer.h"
#include "connect/registry.h"
#include "connect/source.h"

namespace haumea::connectors {

// Remembers what a source delivers, as text. For tests.
class Recorder final : public connect::SourceListener {
  public:
    connect::Flow OnBytes(const BufferView& payload, int64_t,
                          const Ref<connect::Metadata>& meta) noexcept override {
        messages.emplace_back(payload.view());
        last_meta = meta;
        return answer;
    }
    connect::Flow OnRow(const Value& object, int64_t, const Ref<connect::Metadata>& meta) noexcept override {
        BufferBuilder out;
        std::string error;
        codec::WriteJson(object, out, error);
        messages.emplace_back(out.view());
        last_meta = meta;
        return answer;
    }
    void OnError(Error error) noexcept override { errors.push_back(error.message); }
    void OnEnd(std::string) noexcept override { ended = true; }
    void OnConnection(metrics::ConnectionState now, const std::string&, int64_t since_ms) noexcept override {
        state = now;
        state_since_ms = since_ms;
    }

    std::vector<std::string> messages;
    std::vector<std::string> errors;
    Ref<connect::Metadata> last_meta;
    connect::Flow answer = connect::Flow::kContinue;
    metrics::ConnectionState state = metrics::ConnectionState::kConnecting;
    int64_t state_since_ms = 0;
    bool ended = false;
};

inline config::Node Props(std::string_view json) { return std::move(*config::ParseJson(json)); }

}  // namespace haumea::connectors
