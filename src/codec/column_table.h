#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "codec/decoder.h"
#include "data/datetime.h"
#include "data/row.h"

namespace haumea::codec {

// Where the value of a key goes: a slot of the row, and the declared type if the stream has a schema.
struct ColumnTarget {
    uint32_t slot = 0;  // below table.slots()
    const Column* column = nullptr;
};

// What a decoder knows of its columns: finds the slot of a key, makes rows out of filled slots, applies
// STRICT_VALIDATION and DEFAULT. Slots behind those of the layout are the declared columns that only an open
// layout keeps; FinishRow moves them to Row::rest. Owned by one decoder; one thread.
class ColumnTable {
  public:
    explicit ColumnTable(DecoderOptions options);

    const DecoderOptions& options() const noexcept { return options_; }
    bool schemaless() const noexcept { return options_.columns.empty(); }
    // Keys without a target are wanted too.
    bool keeps_others() const noexcept { return options_.layout->open() && schemaless(); }
    size_t slots() const noexcept { return targets_.size(); }

    // Null when nobody asked for `key`. Matches length and first bytes before it compares.
    const ColumnTarget* Find(std::string_view key) const noexcept {
        const uint64_t prefix = Prefix(key);
        for (size_t at = Hash(prefix, key.size());; ++at) {
            const Entry& entry = entries_[at & mask_];
            if (entry.target == kEmpty) {
                return nullptr;
            }
            if (entry.prefix == prefix && entry.size == key.size() &&
                (key.size() <= 8 || std::memcmp(names_[entry.target].data(), key.data(), key.size()) == 0)) {
                return &targets_[entry.target];
            }
        }
    }

    // All slots missing.
    Value* NewSlots(Arena& arena) const noexcept;
    // A row of `slots` and `others` (keeps_others() only; any order, duplicates allowed: the last wins).
    // False: the row breaks the schema, `error` says how.
    bool FinishRow(Value* slots, std::vector<Field>& others, Arena& arena, Row& row,
                   std::string& error) noexcept;
    // A whole row from an object that needs no decoding.
    bool PickRow(const Value& object, Arena& arena, Row& row, std::string& error) noexcept;

  private:
    static constexpr uint32_t kEmpty = UINT32_MAX;
    struct Entry {
        uint64_t prefix = 0;
        uint32_t size = 0;
        uint32_t target = kEmpty;
    };

    static uint64_t Prefix(std::string_view key) noexcept {
        uint64_t prefix = 0;
        if (key.size() >= 8) {
            std::memcpy(&prefix, key.data(), 8);
        } else if (key.size() >= 4) {
            uint32_t low = 0;
            uint32_t high = 0;
            std::memcpy(&low, key.data(), 4);
            std::memcpy(&high, key.data() + key.size() - 4, 4);
            prefix = low | static_cast<uint64_t>(high) << 32U;
        } else {
            for (const char c : key) {
                prefix = prefix << 8U | static_cast<unsigned char>(c);
            }
        }
        return prefix;
    }
    static size_t Hash(uint64_t prefix, size_t size) noexcept {
        return static_cast<size_t>(((prefix ^ size) * 0x9E3779B97F4A7C15ULL) >> 40U);
    }
    void AddTarget(std::string_view name, const Column* column);
    bool Validate(Value* slots, Arena& arena, std::string& error) noexcept;

    DecoderOptions options_;
    std::vector<ColumnTarget> targets_;    // index = slot
    std::vector<std::string_view> names_;  // of the targets; views into the layout and options_
    std::vector<uint32_t> rest_order_;     // slots behind the layout's, in the order of their names
    std::vector<Entry> entries_;
    size_t mask_ = 0;
    std::vector<Field> picked_;  // scratch of PickRow
    std::unique_ptr<const TimePattern> time_pattern_;
};

}  // namespace haumea::codec
