#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "connect/sink.h"

namespace haumea::connectors {

// Messages with a cache whose destination cannot be opened now, because as many as may be are open and none
// is idle: they wait in their order. Owned by a DynamicSink; home loop only.
class DestinationOverflow {
  public:
    struct Entry {
        std::string key;
        connect::EncodedMessage message;
    };

    // False: there is no room; nothing was taken.
    bool Add(std::string_view key, connect::EncodedMessage& message) {
        if (entries_.size() >= kMaxMessages || bytes_ + message.payload.len > kMaxBytes) {
            return false;
        }
        bytes_ += message.payload.len;
        ++keys_[std::string(key)];
        entries_.push_back({std::string(key), std::move(message)});
        return true;
    }
    // Does one for this destination wait? Then the next has to wait behind it.
    bool Has(const std::string& key) const { return !keys_.empty() && keys_.contains(key); }
    bool empty() const noexcept { return entries_.empty(); }
    size_t size() const noexcept { return entries_.size(); }
    std::deque<Entry> Take() {
        keys_.clear();
        bytes_ = 0;
        return std::exchange(entries_, {});
    }

  private:
    static constexpr size_t kMaxMessages = 4'096;
    static constexpr size_t kMaxBytes = 16U << 20U;

    std::deque<Entry> entries_;
    std::unordered_map<std::string, size_t> keys_;  // how many of each wait
    size_t bytes_ = 0;
};

}  // namespace haumea::connectors
