#include "connect/backlog_record.h"

#include <cstring>
#include <utility>

namespace haumea::connect {
namespace {

constexpr uint32_t kText = 1;

// Each value behind its length in four bytes.
std::string Join(const std::vector<std::string>& values) {
    std::string joined;
    for (const std::string& value : values) {
        const auto size = static_cast<uint32_t>(value.size());
        joined.append(reinterpret_cast<const char*>(&size), sizeof size);
        joined.append(value);
    }
    return joined;
}

std::vector<std::string> Split(std::string_view joined) {
    std::vector<std::string> values;
    uint32_t size = 0;
    while (joined.size() >= sizeof size) {
        std::memcpy(&size, joined.data(), sizeof size);
        joined.remove_prefix(sizeof size);
        values.emplace_back(joined.substr(0, size));
        joined.remove_prefix(std::min<size_t>(size, joined.size()));
    }
    return values;
}

}  // namespace

store::LoggedMessage ToRecord(uint64_t seq, const EncodedMessage& message) {
    return {.seq = seq,
            .flags = message.is_text ? kText : 0,
            .payload = message.resent.owner ? message.resent : message.payload,
            .attributes = Join(message.dynamic)};
}

EncodedMessage FromRecord(store::LoggedMessage record) {
    EncodedMessage message;
    message.payload = std::move(record.payload);
    message.is_text = (record.flags & kText) != 0;
    message.dynamic = Split(record.attributes);
    return message;
}

}  // namespace haumea::connect
