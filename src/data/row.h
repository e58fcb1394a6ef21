#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/value.h"

namespace haumea {

// Which columns of a stream a rule reads, fixed at plan time: key -> slot. Immutable, shared by the decoder,
// the expressions and every row of the stream.
class RowLayout {
  public:
    RowLayout() = default;
    // `keys` without duplicates; the slot of a key is its index. `open`: the other keys of a message are kept
    // too, as Row::rest (SELECT *, collect(*) ...).
    RowLayout(std::vector<std::string> keys, bool open) : keys_(std::move(keys)), open_(open) {
        for (size_t i = 0; i < keys_.size(); ++i) {
            slots_.emplace(keys_[i], static_cast<uint32_t>(i));
        }
    }
    RowLayout(const RowLayout&) = delete;
    RowLayout& operator=(const RowLayout&) = delete;

    static constexpr uint32_t kNone = UINT32_MAX;
    uint32_t Find(std::string_view key) const {
        const auto found = slots_.find(key);
        return found == slots_.end() ? kNone : found->second;
    }
    const std::vector<std::string>& keys() const { return keys_; }
    // Slots of a decoded row.
    size_t size() const { return keys_.size(); }
    // Slots behind those, which no message fills: an operator computes them. While the rule is planned.
    void AddComputed(size_t count) { computed_ += count; }
    // Slots of a row when everything is computed.
    size_t width() const { return keys_.size() + computed_; }
    bool open() const { return open_; }

  private:
    std::vector<std::string> keys_;
    std::unordered_map<std::string_view, uint32_t> slots_;  // views into keys_
    size_t computed_ = 0;
    bool open_ = false;
};

// One decoded message: values by slot of its stream's layout (kMissing where the message has no such key).
// Trivially copyable; slots, rest and what they point to live in the batch's arena or the message buffer.
struct Row {
    const Value* slots = nullptr;
    std::span<const Field> rest;  // open layouts only: the keys without slot, sorted, unique
    int64_t timestamp_ms = 0;     // event time when the rule uses it, else arrival
};

}  // namespace haumea
